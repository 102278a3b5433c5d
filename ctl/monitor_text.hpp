// SPDX-License-Identifier: LGPL-2.1-or-later
// What `monitor` sees, for people: a line each.
#pragma once

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_begin(buffer& to, const monitor_begin& of);
void print_event(buffer& to, const monitor_event& of);
void print_loss(buffer& to, const monitor_loss& of);

/// Without its notes.
void print_end(buffer& to, const monitor_end& of);

}  // namespace secmap::ctl
