// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel calls the arguments of system calls, and how much of each it looks at.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <secmap/policy_image.hpp>

namespace secmap {

struct call_argument {
    std::string_view name;    ///< "flags"
    std::uint8_t width = 64;  ///< 16, 32 or 64: how many low bits the call takes; the others may be anything
};

/// In their order; none, if there are none or the call is newer than the kernel that this list was made of.
[[nodiscard]] std::vector<call_argument> call_arguments(abi which, std::string_view name);

/// The width of one of them; that of a register, where it is not known.
[[nodiscard]] std::uint8_t argument_width(abi which, std::string_view name, std::uint8_t index);

}  // namespace secmap
