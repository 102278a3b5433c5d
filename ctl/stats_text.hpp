// SPDX-License-Identifier: LGPL-2.1-or-later
// What was counted, for people.
#pragma once

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_counting(buffer& to, const count_report& of);
void print_stats(buffer& to, const stats_report& of);
void print_metrics(buffer& to, const metrics_report& of);

}  // namespace secmap::ctl
