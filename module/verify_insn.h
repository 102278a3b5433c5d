/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* The verifier's first pass, in verify_insn.c, and its second, in verify.c. */
#ifndef _SECMAP_VERIFY_INSN_H
#define _SECMAP_VERIFY_INSN_H

#include "kernel.h"
#include "why.h"

enum verify_kind {
	VERIFY_REFUSED,
	VERIFY_ALU,
	VERIFY_END,
	VERIFY_LOAD,
	VERIFY_STORE,	/* the constant */
	VERIFY_STORE_X, /* a register */
	VERIFY_LONG,	/* LD_IMM64 */
	VERIFY_JUMP,
	VERIFY_BRANCH,
	VERIFY_CALL,
	VERIFY_EXIT,
};

/* The program that is being looked at, and where in it we are. */
struct verify_place {
	const struct bpf_insn *insns;
	u32 len;
	u32 table_count;
	struct secmap_why *why;
	u32 pc;
	/*
	 * By instruction; 0: nothing jumps there. In the first pass one more than the last that
	 * does; then what is jumped to is numbered from 1.
	 */
	u16 *jumps;
	u32 joins; /* the last such number */
};

enum verify_kind verify_kind(u8 code);
int verify_insns(struct verify_place *place);

#define NO_REG (-1)

__printf(3, 4) int verify_refuse(const struct verify_place *place, int reg, const char *fmt, ...);

/* How far it is to the next instruction. */
static inline u32 verify_length(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_DW | BPF_IMM) ? 2 : 1;
}

#endif
