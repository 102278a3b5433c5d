/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernel versions, and nowhere else: the newest kernel's interface,
 * made anew on older ones.
 */
#ifndef _SECMAP_COMPAT_H
#define _SECMAP_COMPAT_H

#include <linux/sched.h>

/* 6.4, upstream 54e6842d0775 ("fork/vm: Move common PF_IO_WORKER behavior to new flag") */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

#endif
