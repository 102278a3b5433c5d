// SPDX-License-Identifier: LGPL-2.1-or-later
// What programs look at, for those who read them. Not installed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace secmap::detail {

inline constexpr std::uint32_t x32_bit = 0x40000000U;

/// "args[0] low": the four bytes at an offset of struct seccomp_data; empty: there is none.
[[nodiscard]] std::string word_name(std::uint32_t offset);

/// "x86_64", "i386", or empty: of AUDIT_ARCH_*.
[[nodiscard]] std::string arch_name(std::uint32_t arch);

/// "read", or "read of x86_64" where the architecture was not asked yet; empty: no name is known.
[[nodiscard]] std::string number_name(std::uint32_t number, const std::optional<std::uint32_t>& arch);

}  // namespace secmap::detail
