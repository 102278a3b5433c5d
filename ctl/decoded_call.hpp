// SPDX-License-Identifier: LGPL-2.1-or-later
// A call as strace(1) would show it, without what its pointers point to.
#pragma once

#include <string>

#include "value.hpp"

namespace secmap::ctl {

/// "openat(AT_FDCWD, 0x7ffd1000, O_RDONLY|O_CLOEXEC)"; all six arguments as numbers where the call is not known; "?" in
/// place of arguments that were not given.
[[nodiscard]] std::string decoded_call(const call_facts& of);

}  // namespace secmap::ctl
