// SPDX-License-Identifier: LGPL-2.1-or-later
// The options that say which profile is meant, and how it is read; every command has the same.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <secmap/profile.hpp>
#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// As they were given.
struct profile_options {
    std::string file;
    std::string name;
    std::string unknown = "default";
    std::string overlap = "libseccomp";
    std::string widths = "libseccomp";
    std::vector<std::string> capabilities;
    std::string engine = "maps";
};

/// A profile, and what was made of it.
struct loaded_profile {
    profile_source source;
    secmap::profile profile;
    compile_options options;
    policy_image image;
};

/// Adds --unknown, --overlap, --widths and --cap: what decides how a profile is read.
void add_deciding_options(CLI::App& to, profile_options& options);

/// Adds --name and these.
void add_reading_options(CLI::App& to, profile_options& options);

/// Reads and compiles.
[[nodiscard]] result<loaded_profile> load(const profile_options& options);

}  // namespace secmap::ctl
