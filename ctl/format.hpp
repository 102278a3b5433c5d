// SPDX-License-Identifier: LGPL-2.1-or-later
// The two printers behind one choice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

enum class format : std::uint8_t { text, json, pretty_json };

/// Before anything is parsed: errors of the command line have a format, too. What follows "--" is another program's.
[[nodiscard]] format wanted_format(const std::vector<std::string_view>& arguments);

/// Whole lines.
[[nodiscard]] std::string print(const value& of, format wanted);
[[nodiscard]] std::string print(const error& of, format wanted);

}  // namespace secmap::ctl
