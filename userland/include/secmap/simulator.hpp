// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the module's own evaluator (module/rules.c, module/table.c) in user space.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <linux/seccomp.h>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// What decided, and what: the members of struct secmap_verdict.
struct verdict {
    std::uint32_t action = 0;
    std::uint32_t rule = 0;
};

/// Calls of which it is not shown that one policy is as strict about them as another one.
struct looser_calls {
    std::optional<abi> on;     ///< nothing: those of all ABIs that have no name
    std::uint32_t number = 0;  ///< of theirs
    verdict was;
    verdict is;
    std::string text;  ///< what the module would say
};

/// A policy that answers as the module would. Errors are the module's own refusals.
class simulator final {
public:
    [[nodiscard]] static result<simulator> create(const policy_image& image);
    simulator(simulator&&) noexcept;
    simulator& operator=(simulator&&) noexcept;
    ~simulator();

    [[nodiscard]] verdict judge(const seccomp_data& call) const noexcept;

    /// How many numbers are allowed whatever the arguments are: those of the bitmap, and all that can get no other
    /// answer. What policy_info counts.
    [[nodiscard]] std::uint32_t allowed_count(abi which) const noexcept;

    /// These numbers, ascending.
    [[nodiscard]] std::vector<std::uint32_t> allowed(abi which) const;

    /// What the module finds out before it lets this policy come in the place of @p before to tighten it. Nothing: it
    /// permits no call that @p before does not permit.
    [[nodiscard]] result<std::optional<looser_calls>> looser_than(const simulator& before) const;

private:
    struct state;
    explicit simulator(std::unique_ptr<state> content) noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace secmap
