// SPDX-License-Identifier: LGPL-2.1-or-later
#include "number.hpp"

#include <charconv>
#include <limits>
#include <string_view>

namespace secmap::ctl {

std::optional<std::uint64_t> parse_number(const std::string& text) {
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.front() == '0') {
        base = 8;
    }
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (!negative) return number;
    constexpr std::uint64_t smallest = std::uint64_t{1} << 63;
    if (number > smallest) return std::nullopt;
    return ~number + 1;
}

}  // namespace secmap::ctl
