// SPDX-License-Identifier: LGPL-2.1-or-later
// Text for people, line by line.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <secmap/policy_image.hpp>

namespace secmap::ctl {

inline constexpr std::size_t line_width = 100;
inline constexpr std::string_view indent = "    ";

using buffer = std::string;

template <typename... Values>
void line(buffer& to, fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(to), format, std::forward<Values>(values)...);
    to += '\n';
}

/// Numbers with their names; of those in a row that have none, the first and the last.
[[nodiscard]] std::vector<std::string> number_words(abi on, const std::vector<std::uint32_t>& numbers);

/// In lines that a terminal can show.
void print_words(buffer& to, const std::vector<std::string>& words);

}  // namespace secmap::ctl
