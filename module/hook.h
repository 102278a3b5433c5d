/* SPDX-License-Identifier: GPL-2.0-only */
/* The hook: tracepoint probes, and whether this kernel can skip a call. */
#ifndef _SECMAP_HOOK_H
#define _SECMAP_HOOK_H

#include <linux/init.h>
#include <linux/types.h>

u32 secmap_hook_skip(void);
void secmap_hook_try(void);

int __init secmap_hook_init(void);
void secmap_hook_exit(void);

#endif
