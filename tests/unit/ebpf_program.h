/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs of eBPF: by hand, and random ones with tables and calls for them. */
#ifndef _TESTS_UNIT_EBPF_PROGRAM_H
#define _TESTS_UNIT_EBPF_PROGRAM_H

#include "ebpf.h"
#include "interpreter.h"
#include "kernel.h"
#include "verify.h"

/* clang-format off */

#define INSN(code, dst, src, off, imm)	{ code, dst, src, off, imm }

#define ALU(op, dst, imm)		INSN(BPF_ALU64 | (op) | BPF_K, dst, 0, 0, imm)
#define ALU_X(op, dst, src)		INSN(BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)
#define ALU32(op, dst, imm)		INSN(BPF_ALU | (op) | BPF_K, dst, 0, 0, imm)
#define ALU32_X(op, dst, src)		INSN(BPF_ALU | (op) | BPF_X, dst, src, 0, 0)
#define MOV(dst, imm)			ALU(BPF_MOV, dst, imm)
#define MOV_X(dst, src)			ALU_X(BPF_MOV, dst, src)
#define END(order, dst, bits)		INSN(BPF_ALU | BPF_END | (order), dst, 0, 0, bits)

#define LDX(size, dst, src, off)	INSN(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define ST(size, off, imm)		INSN(BPF_ST | BPF_MEM | (size), 10, 0, off, imm)
#define STX(size, off, src)		INSN(BPF_STX | BPF_MEM | (size), 10, src, off, 0)
#define FILL(size, dst, off)		LDX(size, dst, 10, off)

/* Two instructions each. */
#define LONG(dst, low, high)		INSN(BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, low), \
					INSN(0, 0, 0, 0, high)
#define TABLE(dst, index)		INSN(BPF_LD | BPF_DW | BPF_IMM, dst, 5, 0, index), \
					INSN(0, 0, 0, 0, 0)

#define JA(off)				INSN(BPF_JMP | BPF_JA, 0, 0, off, 0)
#define JMP(op, dst, imm, off)		INSN(BPF_JMP | (op) | BPF_K, dst, 0, off, imm)
#define JMP_X(op, dst, src, off)	INSN(BPF_JMP | (op) | BPF_X, dst, src, off, 0)
#define JMP32(op, dst, imm, off)	INSN(BPF_JMP32 | (op) | BPF_K, dst, 0, off, imm)
#define JMP32_X(op, dst, src, off)	INSN(BPF_JMP32 | (op) | BPF_X, dst, src, off, 0)
#define CALL(helper)			INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT				INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* clang-format on */

/* The tables of all programs here: a bitmap, a hash map, a BPF map, a hash map without values. */
#define PROGRAM_TABLES 4
#define TABLE_BITS     0
#define TABLE_HASH     1
#define TABLE_BPF      2
#define TABLE_SET      3

extern const u8 program_types[PROGRAM_TABLES];

/* Of these tables the interpreter takes those that are ours; of the BPF map it asks @lookup. */
const struct secmap_table *const *program_tables(void);
void program_tables_free(void);

/* A program over these tables, with a BPF map whose answers are any, but the same for a @salt. */
struct secmap_interpreter program_interpreter(const struct bpf_insn *insns, u32 len, u64 *salt);

/* Another value in each word of the call that is not in @fields, a bit for each. */
void ebpf_call_scramble(struct seccomp_data *call, u32 fields);

/*
 * A program of @len instructions, at least 2, all of which the verifier takes. What is random
 * comes from @below: a number 0 ... @limit - 1.
 */
void ebpf_random(struct bpf_insn *insns, u32 len, u64 (*below)(u64 limit));

/*
 * The same, but it begins with arguments of the call in registers, and its end mixes the
 * numbers in all registers and in the uppermost slots of the stack into what it returns. Return
 * its length: up to EBPF_TELLING more than @len.
 */
#define EBPF_TOLD_SLOTS 3
#define EBPF_TELLING	(2 * 9 + 3 * EBPF_TOLD_SLOTS + 3)
u32 ebpf_random_telling(struct bpf_insn *insns, u32 len, u64 (*below)(u64 limit));

/* Something about one of its instructions is changed, or one is put in another's place. */
void ebpf_break(struct bpf_insn *insns, u32 len, u64 (*below)(u64 limit));

/* What a program in the subset needs, by another way than the verifier's. */
struct secmap_verify_facts ebpf_facts(const struct bpf_insn *insns, u32 len);

/* In memory of just that size, so that the address sanitizer sees what lies beyond. */
struct bpf_insn *ebpf_copy(const struct bpf_insn *insns, u32 len);

/* A call at whose values these programs like to branch. */
void ebpf_call(struct seccomp_data *call);

/* For a failed test: the program as numbers, which a test can be made of. */
void ebpf_print(const struct bpf_insn *insns, u32 len);

#endif
