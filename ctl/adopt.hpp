// SPDX-License-Identifier: LGPL-2.1-or-later
// Has a program's own seccomp filters served by the module: libsecmap-seccomp, preloaded.
#pragma once

#include <filesystem>
#include <string>

#include <secmap/result.hpp>

namespace secmap::ctl {

/// Whether what is executed may gain privileges from its file; the loader preloads nothing then.
enum class gained_privileges : std::uint8_t { none, of_the_file };

/// Sets the environment for @p program, which execvp() will find; refuses one that the library would not get into.
[[nodiscard]] result<void> adopt(const std::string& program, gained_privileges gained,
                                 const std::filesystem::path& device);

}  // namespace secmap::ctl
