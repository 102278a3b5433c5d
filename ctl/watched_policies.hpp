// SPDX-License-Identifier: LGPL-2.1-or-later
// What the device knows of the policies that events name. Events come without it, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>
#include <secmap/simulator.hpp>
#include <secmap/watcher.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// The call that an event tells of; no argument is given where they are not known.
[[nodiscard]] call_facts call_of(const filter_event& event);

/// No policy is held, nor the device: watching prolongs the life of neither, and the module can be unloaded.
class watched_policies final {
public:
    /// Names of policies that are there already are known afterwards.
    explicit watched_policies(std::filesystem::path path);

    /// Empty: not known.
    [[nodiscard]] std::string name(std::uint32_t id);

    /// Which of the policy's rules says so. Nothing: not known, and counted for @ref notes.
    [[nodiscard]] std::optional<verdict> decider(const filter_event& of);

    /// Why names or rules were left out.
    [[nodiscard]] std::vector<std::string> notes() const;

private:
    [[nodiscard]] result<device> open_device();
    [[nodiscard]] result<policy> open(const device& on, std::uint32_t id);
    void learn_all();
    void learn(const device& on, const policy& which);

    std::filesystem::path path_;
    std::map<std::uint32_t, std::string> names_;
    std::optional<error> cannot_ask_;
    std::size_t gone_ = 0;               ///< events whose policy was gone, or said something else, when they were told
    std::size_t without_arguments_ = 0;  ///< events that do not tell what their policy would have been asked about
};

}  // namespace secmap::ctl
