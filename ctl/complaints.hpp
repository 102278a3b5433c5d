// SPDX-License-Identifier: LGPL-2.1-or-later
// What a profile would have denied, of what was recorded.
#pragma once

#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/recorder.hpp>
#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// The arguments that the rules of a policy look at, as many as a recorder takes.
[[nodiscard]] std::vector<recorder_set> arguments_of_rules(const policy_image& of);

/// Calls that the policy does not let run, and by which of its rules; @p what holds no others.
[[nodiscard]] result<complaint_report> complaints(const policy_image& of, const recording& what);

}  // namespace secmap::ctl
