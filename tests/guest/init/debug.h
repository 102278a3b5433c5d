/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The debug kernel: is all of it there, and has it found anything? */
#ifndef _GUEST_DEBUG_H
#define _GUEST_DEBUG_H

void check_debug_kernel(const char *fragment);
void look_for_leaks(void);

#endif
