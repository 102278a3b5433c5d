/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * One instruction of classic BPF: what arithmetic and comparisons come to. For cbpf.c,
 * which runs programs, and predict.c, which runs what is known of them.
 *
 * All is unsigned and 32 bits wide. It is what the eBPF does that the kernel makes of it.
 */
#ifndef _SECMAP_INSN_H
#define _SECMAP_INSN_H

#include "kernel.h"

/* Does it end the program with 0 if the operand is 0? */
static inline bool insn_divides(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU && BPF_OP(insn->code) == BPF_DIV;
}

/* Is the operand X, and not the constant? Of ALU and JMP. */
static inline bool insn_has_x(const struct sock_filter *insn)
{
	return BPF_SRC(insn->code) == BPF_X;
}

/* The accumulator after an instruction of class ALU; @operand is not 0 where it divides. */
static inline u32 insn_compute(const struct sock_filter *insn, u32 a, u32 operand)
{
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		return a + operand;
	case BPF_SUB:
		return a - operand;
	case BPF_MUL:
		return a * operand;
	case BPF_DIV:
		return a / operand;
	case BPF_OR:
		return a | operand;
	case BPF_AND:
		return a & operand;
	case BPF_XOR:
		return a ^ operand;
	/* A constant is below 32; of X the processor takes five bits. */
	case BPF_LSH:
		return a << (operand & 31);
	case BPF_RSH:
		return a >> (operand & 31);
	default: /* BPF_NEG */
		return -a;
	}
}

/* How many instructions are skipped after one of class JMP, if it compares. */
static inline u32 insn_branch(const struct sock_filter *insn, u32 a, u32 operand)
{
	bool holds;

	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		holds = a == operand;
		break;
	case BPF_JGT:
		holds = a > operand;
		break;
	case BPF_JGE:
		holds = a >= operand;
		break;
	default: /* BPF_JSET */
		holds = a & operand;
		break;
	}
	return holds ? insn->jt : insn->jf;
}

/* The last value from @a on with which one of class JMP that compares goes the same way. */
static inline u32 insn_same_branch(const struct sock_filter *insn, u32 a, u32 operand)
{
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		if (a == operand)
			return a;
		fallthrough;
	case BPF_JGE:
		return a < operand ? operand - 1 : U32_MAX;
	case BPF_JGT:
		return a <= operand ? operand : U32_MAX;
	default: /* BPF_JSET */
		return a;
	}
}

#endif
