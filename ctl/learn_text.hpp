// SPDX-License-Identifier: LGPL-2.1-or-later
// What was recorded, for people; without notes.
#pragma once

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_learned(buffer& to, const learn_report& of);
void print_complaints(buffer& to, const complaint_report& of);

}  // namespace secmap::ctl
