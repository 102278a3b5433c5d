// SPDX-License-Identifier: LGPL-2.1-or-later
// What was found, as one page that needs nothing else: no script, no network.
#pragma once

#include <string>

#include "report.hpp"

namespace secmap::bench {

[[nodiscard]] std::string to_html(const report& of);

}  // namespace secmap::bench
