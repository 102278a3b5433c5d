// SPDX-License-Identifier: LGPL-2.1-or-later
// Work that may loop or crash, in a process of its own. Not installed.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace secmap::detail {

/// Does @p work in a child process, with at most @p seconds of processor time; what it returned. Nothing: it did not
/// come to an end, or there is no process to be had. The child shares no memory and says nothing on the terminal.
[[nodiscard]] std::optional<std::string> run_apart(const std::function<std::string()>& work, unsigned seconds);

}  // namespace secmap::detail
