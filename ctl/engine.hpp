// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs a profile: maps, or a program that decides the same.
#pragma once

#include <string>
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

/// The same of one that is read and compiled, by "maps", "ebpf" or "cbpf".
[[nodiscard]] result<policy> create_policy(const device& on, const policy_image& image, const std::string& engine);

/// Why a policy in the kernel is none that was made of this profile; empty: by all that can be told it was. The kernel does
/// not hand out the rules of maps: it is their numbers that are compared. Of a program every instruction is.
[[nodiscard]] result<std::string> other_shape(const device& on, const policy& which, const policy_info& info,
                                              const policy_image& image);

/// What it takes of each kind of program.
[[nodiscard]] std::vector<program_size> program_sizes(const policy_image& of);

}  // namespace secmap::ctl
