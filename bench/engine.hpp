// SPDX-License-Identifier: LGPL-2.1-or-later
// What filters: seccomp(2) as container runtimes use it, or one of secmap's engines.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <secmap/device.hpp>
#include <secmap/listener.hpp>
#include <secmap/policy.hpp>
#include <secmap/profile.hpp>
#include <secmap/result.hpp>

#include "scenario.hpp"

namespace secmap::bench {

/// `stock` tests numbers one after the other, `stock_tree` by libseccomp's binary tree, as runc does for long profiles.
/// `cbpf` runs the program of the tree in the module.
enum class engine : std::uint8_t { none, stock, stock_tree, maps, ebpf, cbpf };

inline constexpr std::array<engine, 6> all_engines = {engine::none, engine::stock, engine::stock_tree,
                                                      engine::maps, engine::ebpf,  engine::cbpf};

/// As JSON and --engine have it.
[[nodiscard]] std::string_view engine_name(engine which) noexcept;
[[nodiscard]] std::optional<engine> engine_from_name(std::string_view name) noexcept;

[[nodiscard]] bool is_secmap(engine which) noexcept;
[[nodiscard]] bool is_stock(engine which) noexcept;

/// Does it look values up in tables, instead of testing one after the other?
[[nodiscard]] bool has_tables(engine which) noexcept;

/// A filter that a thread can put on itself.
struct filter {
    std::function<result<void>()> attach;
    std::function<result<listener>()> attach_with_listener;
    std::shared_ptr<const policy> made = nullptr;  ///< of secmap's engines
};

/// Makes a filter; all that can be done beforehand has been done. Each one's hash sets are laid out by a random number
/// of their own.
using filter_maker = std::function<result<filter>()>;

/// What filters are made of and by.
struct filter_source {
    const device* module = nullptr;  ///< outlives the makers; nullptr: not there
    std::string profile;             ///< text of the profile of scenarios that have none
    std::string profile_name;        ///< for errors
    profile_host host;
};

/// Reads and compiles what @p of needs. An error says why the engine cannot do it: `not expressible`, among others.
[[nodiscard]] result<filter_maker> prepare(engine which, const scenario& of, const filter_source& from);

/// The policy of a scenario, as the engine maps runs it.
[[nodiscard]] result<policy_image> image_of(const scenario& of, const filter_source& from);

}  // namespace secmap::bench
