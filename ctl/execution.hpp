// SPDX-License-Identifier: LGPL-2.1-or-later
// Executing the program of a command line, and saying why that failed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "command.hpp"

namespace secmap::ctl {

/// What a program may gain when it is executed.
enum class privileges : std::uint8_t { never_new, as_they_are };

/// For execvp(); lives as long as @p program does.
[[nodiscard]] std::vector<char*> argument_pointers(const std::vector<std::string>& program);

/// What execvp() failed with. As env(1): 127 where there is no such program, 126 where it cannot be executed.
[[nodiscard]] failure execution_failure(const std::string& program, int number);

/// The status to exit with; where a signal ended the program it ends this process, too.
[[nodiscard]] int end_as(const program_end& of);

}  // namespace secmap::ctl
