// SPDX-License-Identifier: GPL-2.0-only
/*
 * What arithmetic and comparisons of eBPF come to: against the processor's own instructions,
 * which the kernel's compiler makes of them, and against values by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "kernel.h"
#include "seed.h"

#define ROUNDS 200000

static const u64 edges[] = {
	0,
	1,
	2,
	3,
	7,
	31,
	32,
	33,
	63,
	64,
	65,
	0x7f,
	0x80,
	0xff,
	0x7fff,
	0x8000,
	0xffff,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xfffffffe,
	0xffffffff,
	0x100000000,
	0x100000001,
	0x17fffffff,
	0x180000000,
	0x1122334455667788,
	0x7fffffff00000000,
	0x7fffffffffffffff,
	0x8000000000000000,
	0x8000000000000001,
	0xffffffff00000000,
	0xffffffff7fffffff,
	0xffffffff80000000,
	0xffffffffffffff80,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

/* Two operands and the flags of the processor do not matter; shifts take theirs from CL. */
#define PROCESSOR(name, type, code)                                 \
	static u64 name(u64 dst, u64 operand)                       \
	{                                                           \
		type value = dst, other = operand;                  \
                                                                    \
		asm(code : "+a"(value) : "c"(other) : "cc", "rdx"); \
		return value;                                       \
	}

PROCESSOR(add64, u64, "addq %%rcx, %%rax")
PROCESSOR(sub64, u64, "subq %%rcx, %%rax")
PROCESSOR(mul64, u64, "mulq %%rcx")
PROCESSOR(or64, u64, "orq %%rcx, %%rax")
PROCESSOR(and64, u64, "andq %%rcx, %%rax")
PROCESSOR(xor64, u64, "xorq %%rcx, %%rax")
PROCESSOR(lsh64, u64, "shlq %%cl, %%rax")
PROCESSOR(rsh64, u64, "shrq %%cl, %%rax")
PROCESSOR(arsh64, u64, "sarq %%cl, %%rax")
PROCESSOR(neg64, u64, "negq %%rax")
PROCESSOR(mov64, u64, "movq %%rcx, %%rax")
PROCESSOR(quotient64, u64, "xorl %%edx, %%edx; divq %%rcx")
PROCESSOR(remainder64, u64, "xorl %%edx, %%edx; divq %%rcx; movq %%rdx, %%rax")

PROCESSOR(add32, u32, "addl %%ecx, %%eax")
PROCESSOR(sub32, u32, "subl %%ecx, %%eax")
PROCESSOR(mul32, u32, "mull %%ecx")
PROCESSOR(or32, u32, "orl %%ecx, %%eax")
PROCESSOR(and32, u32, "andl %%ecx, %%eax")
PROCESSOR(xor32, u32, "xorl %%ecx, %%eax")
PROCESSOR(lsh32, u32, "shll %%cl, %%eax")
PROCESSOR(rsh32, u32, "shrl %%cl, %%eax")
PROCESSOR(arsh32, u32, "sarl %%cl, %%eax")
PROCESSOR(neg32, u32, "negl %%eax")
PROCESSOR(mov32, u32, "movl %%ecx, %%eax")
PROCESSOR(quotient32, u32, "xorl %%edx, %%edx; divl %%ecx")
PROCESSOR(remainder32, u32, "xorl %%edx, %%edx; divl %%ecx; movl %%edx, %%eax")

/* What the processor refuses, eBPF defines: the quotient is 0, the remainder all there was. */
static u64 div64(u64 dst, u64 operand)
{
	return operand ? quotient64(dst, operand) : 0;
}

static u64 mod64(u64 dst, u64 operand)
{
	return operand ? remainder64(dst, operand) : dst;
}

static u64 div32(u64 dst, u64 operand)
{
	return (u32)operand ? quotient32(dst, operand) : 0;
}

static u64 mod32(u64 dst, u64 operand)
{
	return (u32)operand ? remainder32(dst, operand) : (u32)dst;
}

static const struct {
	u8 op;
	u64 (*wide)(u64 dst, u64 operand);
	u64 (*narrow)(u64 dst, u64 operand);
} ops[] = {
	{ BPF_ADD, add64, add32 },    { BPF_SUB, sub64, sub32 }, { BPF_MUL, mul64, mul32 },
	{ BPF_DIV, div64, div32 },    { BPF_OR, or64, or32 },	 { BPF_AND, and64, and32 },
	{ BPF_LSH, lsh64, lsh32 },    { BPF_RSH, rsh64, rsh32 }, { BPF_NEG, neg64, neg32 },
	{ BPF_MOD, mod64, mod32 },    { BPF_XOR, xor64, xor32 }, { BPF_MOV, mov64, mov32 },
	{ BPF_ARSH, arsh64, arsh32 },
};

static void check_compute(u64 dst, u64 operand)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		const struct bpf_insn wide = ALU_X(ops[i].op, 0, 0);
		const struct bpf_insn narrow = ALU32_X(ops[i].op, 0, 0);

		if (ebpf_compute(&wide, dst, operand) != ops[i].wide(dst, operand) ||
		    ebpf_compute(&narrow, dst, operand) != ops[i].narrow(dst, operand))
			fail_msg("operation 0x%02x of %#llx and %#llx", ops[i].op, dst, operand);
	}
}

/* In 128 bits there is room for a sign and for none. */
static bool holds(u8 op, __int128 dst, __int128 operand, __int128 signed_dst,
		  __int128 signed_operand)
{
	switch (op) {
	case BPF_JEQ:
		return dst - operand == 0;
	case BPF_JNE:
		return dst - operand != 0;
	case BPF_JGT:
		return dst - operand > 0;
	case BPF_JGE:
		return dst - operand >= 0;
	case BPF_JLT:
		return dst - operand < 0;
	case BPF_JLE:
		return dst - operand <= 0;
	case BPF_JSGT:
		return signed_dst - signed_operand > 0;
	case BPF_JSGE:
		return signed_dst - signed_operand >= 0;
	case BPF_JSLT:
		return signed_dst - signed_operand < 0;
	case BPF_JSLE:
		return signed_dst - signed_operand <= 0;
	default:
		return (dst & operand) != 0;
	}
}

static __int128 with_sign(u64 value, u32 bits)
{
	return (__int128)value - (value >> (bits - 1) & 1 ? (__int128)1 << bits : 0);
}

static void check_holds(u64 dst, u64 operand)
{
	static const u8 comparisons[] = { BPF_JEQ,  BPF_JNE,  BPF_JGT,	BPF_JGE,  BPF_JLT, BPF_JLE,
					  BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
	u64 low = dst % (1ULL << 32), low_operand = operand % (1ULL << 32);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(comparisons); i++) {
		u8 op = comparisons[i];
		const struct bpf_insn wide = JMP_X(op, 0, 0, 0), narrow = JMP32_X(op, 0, 0, 0);

		if (ebpf_holds(&wide, dst, operand) !=
			    holds(op, dst, operand, with_sign(dst, 64), with_sign(operand, 64)) ||
		    ebpf_holds(&narrow, dst, operand) != holds(op, low, low_operand,
							       with_sign(low, 32),
							       with_sign(low_operand, 32)))
			fail_msg("comparison 0x%02x of %#llx and %#llx", op, dst, operand);
	}
}

/* Byte by byte. */
static void check_reorder(u64 value)
{
	u32 bits, i;

	for (bits = 16; bits <= 64; bits *= 2) {
		const struct bpf_insn to_le = END(BPF_TO_LE, 0, (s32)bits);
		const struct bpf_insn to_be = END(BPF_TO_BE, 0, (s32)bits);
		u64 same = ebpf_reorder(&to_le, value), turned = ebpf_reorder(&to_be, value);

		for (i = 0; i < 64; i += 8) {
			u8 byte = i < bits ? value >> i : 0;
			u8 other = i < bits ? value >> (bits - 8 - i) : 0;

			assert_int_equal((u8)(same >> i), byte);
			assert_int_equal((u8)(turned >> i), other);
		}
	}
}

static void test_edges(void **state)
{
	u32 i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (j = 0; j < ARRAY_SIZE(edges); j++) {
			check_compute(edges[i], edges[j]);
			check_holds(edges[i], edges[j]);
		}
		check_reorder(edges[i]);
	}
}

static void test_random(void **state)
{
	u32 i;

	(void)state;
	seed_start("arithmetic against the processor");
	for (i = 0; i < ROUNDS; i++) {
		u64 dst = seed_edge(), operand = seed_once_in(8) ? dst : seed_edge();

		check_compute(dst, operand);
		check_holds(dst, operand);
		check_reorder(dst);
	}
}

/* By hand, what people get wrong. */
static const struct {
	struct bpf_insn insn;
	u64 dst, operand, result;
} cases[] = {
	/* 32 bits wide: the upper half becomes 0, and does not take part. */
	{ ALU32_X(BPF_ADD, 0, 0), 0xffffffffffffffff, 1, 0 },
	{ ALU32_X(BPF_SUB, 0, 0), 0x500000000, 1, 0xffffffff },
	{ ALU32_X(BPF_MUL, 0, 0), 0x80000000, 2, 0 },
	{ ALU32_X(BPF_MOV, 0, 0), 1, 0xaaaaaaaabbbbbbbb, 0xbbbbbbbb },
	{ ALU32_X(BPF_OR, 0, 0), 0xf00000000, 0, 0 },
	{ ALU32(BPF_NEG, 0, 0), 1, 0, 0xffffffff },
	/* Division is unsigned, and by 0 defined; so is its remainder. */
	{ ALU_X(BPF_DIV, 0, 0), 7, 0, 0 },
	{ ALU_X(BPF_MOD, 0, 0), 0xffffffff00000007, 0, 0xffffffff00000007 },
	{ ALU32_X(BPF_DIV, 0, 0), 7, 0xf00000000, 0 },
	{ ALU32_X(BPF_MOD, 0, 0), 0xffffffff00000007, 0xf00000000, 7 },
	{ ALU_X(BPF_DIV, 0, 0), -8ULL, -1ULL, 0 },
	{ ALU_X(BPF_DIV, 0, 0), 0x8000000000000000, -1ULL, 0 },
	{ ALU_X(BPF_MOD, 0, 0), 0x8000000000000000, -1ULL, 0x8000000000000000 },
	{ ALU32_X(BPF_DIV, 0, 0), 0x80000000, 0xffffffff, 0 },
	/* Shifts by a register take its lower bits. */
	{ ALU_X(BPF_LSH, 0, 0), 1, 64, 1 },
	{ ALU_X(BPF_LSH, 0, 0), 1, 0x100000001, 2 },
	{ ALU32_X(BPF_LSH, 0, 0), 1, 33, 2 },
	{ ALU32_X(BPF_LSH, 0, 0), 1, 31, 0x80000000 },
	{ ALU_X(BPF_RSH, 0, 0), -1ULL, -1ULL, 1 },
	{ ALU32_X(BPF_RSH, 0, 0), 0xf80000000, 31, 1 },
	{ ALU_X(BPF_ARSH, 0, 0), 0x8000000000000000, 63, -1ULL },
	{ ALU32_X(BPF_ARSH, 0, 0), 0x80000000, 31, 0xffffffff },
	{ ALU32_X(BPF_ARSH, 0, 0), 0x180000000, 4, 0xf8000000 },
	{ ALU32_X(BPF_ARSH, 0, 0), 0x17fffffff, 4, 0x07ffffff },
};

static void test_cases(void **state)
{
	static const struct bpf_insn negative = MOV(0, -2);
	static const struct bpf_insn halves[] = { LONG(0, -2, 3) };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (ebpf_compute(&cases[i].insn, cases[i].dst, cases[i].operand) != cases[i].result)
			fail_msg("case %u", i);
	/* A constant is signed, the halves of a long one are not. */
	assert_true(ebpf_constant(&negative) == 0xfffffffffffffffe);
	assert_true(ebpf_long_constant(halves) == 0x3fffffffe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
