// SPDX-License-Identifier: LGPL-2.1-or-later
// A call as strace(1) would show it, without what its pointers point to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "constants.hpp"
#include "value.hpp"

namespace secmap::ctl {

/// "openat(AT_FDCWD, 0x7ffd1000, O_RDONLY|O_CLOEXEC)"; all six arguments as numbers where the call is not known; "?" in
/// place of arguments that were not given.
[[nodiscard]] std::string decoded_call(const call_facts& of);

/// What one of its arguments is; of calls that are not known hex.
[[nodiscard]] argument_kind kind_of_argument(std::string_view call, std::uint8_t index);

}  // namespace secmap::ctl
