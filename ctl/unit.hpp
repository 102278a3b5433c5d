// SPDX-License-Identifier: LGPL-2.1-or-later
// Units of systemd, as systemctl(1) tells of them.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include <secmap/result.hpp>

namespace secmap::ctl {

/// What a unit's name can be: no pattern, and no option of somebody else's.
[[nodiscard]] CLI::Validator unit_name();

/// "x.service" for "x"; what ends as a unit does stays as it is.
[[nodiscard]] std::string full_unit_name(const std::string& name);

/// The control group of a running unit, as /proc/PID/cgroup has it. Runs systemctl.
[[nodiscard]] result<std::string> control_group(const std::string& unit);

}  // namespace secmap::ctl
