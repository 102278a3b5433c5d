// SPDX-License-Identifier: LGPL-2.1-or-later
// For people: what `explain` and `run --why` found out.
#pragma once

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_summary(buffer& to, const profile_summary& of);
void print_summary(buffer& to, const policy_summary& of);
void print_task(buffer& to, const task_explanation& of);
void print_why(buffer& to, const why_report& of);

}  // namespace secmap::ctl
