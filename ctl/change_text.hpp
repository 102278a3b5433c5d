// SPDX-License-Identifier: LGPL-2.1-or-later
// What was attached or detached, and who was followed, for people.
#pragma once

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_change(buffer& to, const change_report& of);
void print_following(buffer& to, const follow_begin& of);
void print_followed(buffer& to, const follow_end& of);

}  // namespace secmap::ctl
