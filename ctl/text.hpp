// SPDX-License-Identifier: LGPL-2.1-or-later
// The printer for people.
#pragma once

#include <string>

#include "value.hpp"

namespace secmap::ctl {

/// Lines that end with a newline; empty where there is nothing to say.
[[nodiscard]] std::string to_text(const value& of);

}  // namespace secmap::ctl
