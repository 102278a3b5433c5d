// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether rules in other words say the same.
#pragma once

#include "value.hpp"

namespace secmap::ctl {

/// Whether no argument whatever makes a difference. Where that cannot be told with little effort, no: see the file.
[[nodiscard]] bool decide_the_same(const call_decision& one, const call_decision& other);

}  // namespace secmap::ctl
