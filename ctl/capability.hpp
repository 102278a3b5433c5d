// SPDX-License-Identifier: LGPL-2.1-or-later
// The capabilities that a profile's includes and excludes are decided by.
#pragma once

#include <string>
#include <vector>

#include <secmap/result.hpp>

namespace secmap::ctl {

/// What podman gives a container that asks for nothing (containers.conf, default_capabilities).
[[nodiscard]] std::vector<std::string> container_capabilities();

/// "none", "all", or names with commas between them: CAP_CHOWN,CAP_KILL.
[[nodiscard]] result<std::vector<std::string>> parse_capabilities(const std::string& text);

}  // namespace secmap::ctl
