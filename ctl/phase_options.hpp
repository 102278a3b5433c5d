// SPDX-License-Identifier: LGPL-2.1-or-later
// The options that name policies for later: --after and --upon.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <secmap/device.hpp>
#include <secmap/phase.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>

#include "profile_options.hpp"

namespace secmap::ctl {

/// As they were given: "execve,execveat=serving.json", in their order.
struct phase_options {
    std::vector<std::string> after;
    std::vector<std::string> upon;

    [[nodiscard]] bool given() const noexcept { return !after.empty() || !upon.empty(); }
};

/// A policy, and from which calls on it holds.
struct later_policy {
    policy made;
    phase from;
};

CLI::Option* add_after_option(CLI::App& to, phase_options& options);
CLI::Option* add_upon_option(CLI::App& to, phase_options& options);

/// Reads the profiles, as @p reading says, and makes their policies: oldest first those of --after.
[[nodiscard]] result<std::vector<later_policy>> create_later(const device& on, const phase_options& options,
                                                             const profile_options& reading);

}  // namespace secmap::ctl
