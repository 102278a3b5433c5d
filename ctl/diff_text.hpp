// SPDX-License-Identifier: LGPL-2.1-or-later
// What `policy diff` found, for people.
#pragma once

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_difference(buffer& to, const diff_report& of);

}  // namespace secmap::ctl
