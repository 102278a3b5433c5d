// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace secmap::ctl {

/// Decimal, 0x hexadecimal or 0 octal, 64 bits; "-1" is all bits set. Nothing else may stand around it.
[[nodiscard]] std::optional<std::uint64_t> parse_number(const std::string& text);

}  // namespace secmap::ctl
