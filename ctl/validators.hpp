// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks of option values whose refusals a person can read.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <sys/types.h>
#include <CLI/CLI.hpp>

namespace secmap::ctl {

inline constexpr std::uint64_t highest_pid = std::numeric_limits<pid_t>::max();
inline constexpr std::uint64_t highest_id = std::numeric_limits<std::uint32_t>::max();

/// A decimal number from 1 to @p highest.
[[nodiscard]] CLI::Validator number_up_to(std::uint64_t highest);

/// An id, if it consists of digits; or a name, which may be any.
[[nodiscard]] CLI::Validator id_or_name();

/// One of these words, exactly.
[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);

}  // namespace secmap::ctl
