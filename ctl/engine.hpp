// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs a profile: maps, or a program that decides the same.
#pragma once

#include <vector>

#include <CLI/CLI.hpp>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>

#include "profile_options.hpp"
#include "value.hpp"

namespace secmap::ctl {

/// Adds --engine, which says something about @p profile alone.
void add_engine_option(CLI::App& to, profile_options& options, CLI::Option* profile);

/// Reads and compiles a profile, and makes a policy of it that its engine runs.
[[nodiscard]] result<policy> create_policy(const device& on, const profile_options& options);

/// The same of an image, by "maps", "ebpf" or "cbpf".
[[nodiscard]] result<policy> create_policy(const device& on, const policy_image& image, const std::string& engine);

/// What it takes of each kind of program.
[[nodiscard]] std::vector<program_size> program_sizes(const policy_image& of);

}  // namespace secmap::ctl
