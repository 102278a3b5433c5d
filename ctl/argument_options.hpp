// SPDX-License-Identifier: LGPL-2.1-or-later
// Which calls' arguments are to be recorded, as --args says it.
#pragma once

#include <string>
#include <vector>

#include <secmap/recorder.hpp>
#include <secmap/result.hpp>

namespace secmap::ctl {

/// What --args is without being given.
[[nodiscard]] std::vector<std::string> usual_arguments();

/// What is wrong with one word of --args; nothing, if nothing is: for a validator.
[[nodiscard]] std::string check_argument(const std::string& word);

/// "ioctl", "socket:0:2" ... or "none", on each ABI that has the call. EINVAL: a call twice.
[[nodiscard]] result<std::vector<recorder_set>> to_recorder_sets(const std::vector<std::string>& words);

}  // namespace secmap::ctl
