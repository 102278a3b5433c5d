// SPDX-License-Identifier: LGPL-2.1-or-later
// Text that is to be seen at once.
#pragma once

#include <string_view>

namespace secmap::ctl {

/// Writes all of it, without a buffer. 0 or the errno.
[[nodiscard]] int write_all(int file, std::string_view text);

}  // namespace secmap::ctl
