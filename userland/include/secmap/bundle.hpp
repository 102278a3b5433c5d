// SPDX-License-Identifier: LGPL-2.1-or-later
// What the config.json of an OCI bundle says about system calls.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <secmap/profile.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// The section linux.seccomp of @p config; places in messages are those in the section. ENOENT: it has none.
[[nodiscard]] result<profile> read_bundle_profile(const std::filesystem::path& config, const profile_host& host);

/// The bounding set of the container's process, "CAP_KILL": what includes and excludes of a profile are decided by.
[[nodiscard]] result<std::vector<std::string>> read_bundle_capabilities(const std::filesystem::path& config);

}  // namespace secmap
