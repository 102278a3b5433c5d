/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The verifier: is a program in secmap's subset of eBPF? A pure function. */
#ifndef _SECMAP_VERIFY_H
#define _SECMAP_VERIFY_H

#include "ebpf.h"
#include "kernel.h"
#include "why.h"

/**
 * struct secmap_verify_facts - what a program needs, learnt while it was verified
 * @stack: bytes of the stack that it uses, below the frame pointer; a multiple of 8
 * @fields: a bit for each 4-byte word of struct seccomp_data that it loads from
 * @cost: of its dearest way: see SECMAP_COST_* in limits.h
 */
struct secmap_verify_facts {
	u32 stack;
	u32 fields;
	u32 cost;
};

int secmap_verify(const struct bpf_insn *insns, u32 len, const u8 *tables, u32 table_count,
		  struct secmap_verify_facts *facts, struct secmap_why *why);

#endif
