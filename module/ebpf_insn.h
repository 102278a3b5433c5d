/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * One instruction of eBPF: what arithmetic and comparisons come to. For verify.c,
 * predict_ebpf.c and the interpreter of user space; insn.h is the same for classic BPF.
 *
 * All is as the eBPF of the kernel has it, on a processor of little-endian byte order.
 */
#ifndef _SECMAP_EBPF_INSN_H
#define _SECMAP_EBPF_INSN_H

#include "kernel.h"

#define EBPF_STACK 512 /* bytes below the frame pointer */
#define EBPF_SLOTS (EBPF_STACK / sizeof(u64))

/* Is it 64 bits wide? Of ALU and JMP. */
static inline bool ebpf_is_wide(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU64 || BPF_CLASS(insn->code) == BPF_JMP;
}

/* Does it jump, perhaps? */
static inline bool ebpf_jumps(const struct bpf_insn *insn)
{
	if (BPF_CLASS(insn->code) != BPF_JMP && BPF_CLASS(insn->code) != BPF_JMP32)
		return false;
	return BPF_OP(insn->code) != BPF_CALL && BPF_OP(insn->code) != BPF_EXIT;
}

/* Is the operand a register, and not the constant? Of ALU and JMP. */
static inline bool ebpf_has_source(const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_X;
}

/* The operand of ALU and JMP, or what ST stores. */
static inline u64 ebpf_constant(const struct bpf_insn *insn)
{
	return (s64)insn->imm;
}

/* What LD_IMM64 loads, of which @insn is the first half. */
static inline u64 ebpf_long_constant(const struct bpf_insn *insn)
{
	return (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;
}

/* How many bytes are loaded or stored. */
static inline u32 ebpf_bytes(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default: /* BPF_DW */
		return 8;
	}
}

/* BPF_END: the lower bits, in the order of bytes that is asked for. */
static inline u64 ebpf_reorder(const struct bpf_insn *insn, u64 dst)
{
	u32 rest = 64 - insn->imm;

	if (BPF_SRC(insn->code) == BPF_TO_BE)
		return __builtin_bswap64(dst) >> rest;
	return dst << rest >> rest;
}

/* The register after an instruction of class ALU or ALU64. */
static inline u64 ebpf_compute(const struct bpf_insn *insn, u64 dst, u64 operand)
{
	bool wide = ebpf_is_wide(insn);
	u32 shift = operand & (wide ? 63 : 31);
	u64 sign = wide ? (u64)((s64)dst >> shift) : (u64)((s32)dst >> shift);

	if (!wide) {
		dst = (u32)dst;
		operand = (u32)operand;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		dst += operand;
		break;
	case BPF_SUB:
		dst -= operand;
		break;
	case BPF_MUL:
		dst *= operand;
		break;
	case BPF_DIV:
		dst = operand ? dst / operand : 0;
		break;
	case BPF_MOD:
		dst = operand ? dst % operand : dst;
		break;
	case BPF_OR:
		dst |= operand;
		break;
	case BPF_AND:
		dst &= operand;
		break;
	case BPF_XOR:
		dst ^= operand;
		break;
	case BPF_LSH:
		dst <<= shift;
		break;
	case BPF_RSH:
		dst >>= shift;
		break;
	case BPF_ARSH:
		dst = sign;
		break;
	case BPF_NEG:
		dst = -dst;
		break;
	default: /* BPF_MOV */
		dst = operand;
		break;
	}
	return wide ? dst : (u32)dst;
}

/* Does a comparison, of class JMP or JMP32, hold? */
static inline bool ebpf_holds(const struct bpf_insn *insn, u64 dst, u64 operand)
{
	bool wide = ebpf_is_wide(insn);
	s64 signed_dst = wide ? (s64)dst : (s32)dst;
	s64 signed_operand = wide ? (s64)operand : (s32)operand;

	if (!wide) {
		dst = (u32)dst;
		operand = (u32)operand;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return dst == operand;
	case BPF_JNE:
		return dst != operand;
	case BPF_JGT:
		return dst > operand;
	case BPF_JGE:
		return dst >= operand;
	case BPF_JLT:
		return dst < operand;
	case BPF_JLE:
		return dst <= operand;
	case BPF_JSGT:
		return signed_dst > signed_operand;
	case BPF_JSGE:
		return signed_dst >= signed_operand;
	case BPF_JSLT:
		return signed_dst < signed_operand;
	case BPF_JSLE:
		return signed_dst <= signed_operand;
	default: /* BPF_JSET */
		return dst & operand;
	}
}

#endif
