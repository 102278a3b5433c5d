/* SPDX-License-Identifier: GPL-2.0-only */
/* Translation: from secmap's subset of eBPF to what the kernel runs. */
#ifndef _SECMAP_EBPF_BUILD_H
#define _SECMAP_EBPF_BUILD_H

#include <linux/filter.h>

#include "why.h"

/* In the address of a table that is a map of bpf(2): it stands for a struct secmap_live. */
#define SECMAP_EBPF_LIVE_BIT   1UL
#define SECMAP_EBPF_LIVE(live) ((const void *)((unsigned long)(live) | SECMAP_EBPF_LIVE_BIT))

struct bpf_prog *secmap_ebpf_build(const struct bpf_insn *insns, u32 len, u32 stack,
				   const void *const *tables, struct secmap_why *why);

#endif
