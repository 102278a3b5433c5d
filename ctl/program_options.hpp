// SPDX-License-Identifier: LGPL-2.1-or-later
// The options that say which program is meant; every command that takes one has the same.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <secmap/device.hpp>
#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>

namespace secmap::ctl {

/// As they were given; the group that they are in says how many must be.
struct program_options {
    std::string cbpf;
    std::string object;
    std::vector<std::string> maps;  ///< NAME=PATH

    [[nodiscard]] bool given() const noexcept { return !cbpf.empty() || !object.empty(); }
    [[nodiscard]] const std::string& file() const noexcept { return object.empty() ? cbpf : object; }
};

/// Adds --cbpf.
CLI::Option* add_program_options(CLI::App& to, program_options& options);

/// Adds an object file, by this name, to the group @p to, and --map to the command.
CLI::Option* add_object_options(CLI::App& command, CLI::App& to, const std::string& name, program_options& options);

/// Reads the object; a map that is named takes the place of the table that it is to stand for.
[[nodiscard]] result<ebpf_image> read_object(const program_options& options);

/// Reads and checks it, and makes a policy of it. Without a name it is called as the file is.
[[nodiscard]] result<policy> create_policy(const device& on, const program_options& options, const std::string& name);

}  // namespace secmap::ctl
