// SPDX-License-Identifier: GPL-2.0-only
/* Classic BPF: each refusal once, each opcode once, and the translation. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "cbpf.h"
#include "decoded.h"
#include "kernel.h"
#include "program.h"

#define LD_WORD	  (BPF_LD | BPF_W | BPF_ABS)
#define LD_LEN	  (BPF_LD | BPF_W | BPF_LEN)
#define LDX_LEN	  (BPF_LDX | BPF_W | BPF_LEN)
#define RET	  BPF_STMT(BPF_RET | BPF_K, 7)
#define RET_A	  BPF_STMT(BPF_RET | BPF_A, 0)
#define LD(k)	  BPF_STMT(BPF_LD | BPF_IMM, k)
#define LDX(k)	  BPF_STMT(BPF_LDX | BPF_IMM, k)
#define ST(k)	  BPF_STMT(BPF_ST, k)
#define STX(k)	  BPF_STMT(BPF_STX, k)
#define LDM(k)	  BPF_STMT(BPF_LD | BPF_MEM, k)
#define LDXM(k)	  BPF_STMT(BPF_LDX | BPF_MEM, k)
#define JA(k)	  BPF_STMT(BPF_JMP | BPF_JA, k)
#define JEQ(t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, t, f)
#define TAX	  BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define TXA	  BPF_STMT(BPF_MISC | BPF_TXA, 0)

/* Arithmetic on a and x; on a and k. */
#define ALU_X(op, a, x)                                                        \
	{                                                                      \
		LD(a), LDX(x), BPF_STMT(BPF_ALU | (op) | BPF_X, 0xdead), RET_A \
	}
#define ALU_K(op, a, k)                                                        \
	{                                                                      \
		LD(a), LDX(0xdead), BPF_STMT(BPF_ALU | (op) | BPF_K, k), RET_A \
	}

/* 1 if the comparison holds, 2 if it does not. */
#define JMP_X(op, a, x)                                                        \
	{                                                                      \
		LD(a), LDX(x), BPF_JUMP(BPF_JMP | (op) | BPF_X, 0xdead, 1, 0), \
			BPF_STMT(BPF_RET, 2), BPF_STMT(BPF_RET, 1)             \
	}
#define JMP_K(op, a, k)                                                        \
	{                                                                      \
		LD(a), LDX(0xdead), BPF_JUMP(BPF_JMP | (op) | BPF_K, k, 1, 0), \
			BPF_STMT(BPF_RET, 2), BPF_STMT(BPF_RET, 1)             \
	}

#define PROGRAM 8 /* room; a program ends with its last return, but see refusal.len */

struct refusal {
	const char *text;
	u32 len;
	struct sock_filter filter[PROGRAM];
};

#define NO_SUCH(code)                                                                     \
	{                                                                                 \
		"instruction 1, opcode " #code ": seccomp(2) has no such instruction", 3, \
		{                                                                         \
			LD(0), { code, 0, 0, 1 }, RET                                     \
		}                                                                         \
	}
#define NO_WORD(k)                                                                              \
	{                                                                                       \
		"instruction 0, opcode 0x20: struct seccomp_data has no word at offset " #k, 2, \
		{                                                                               \
			BPF_STMT(LD_WORD, k), RET                                               \
		}                                                                               \
	}
#define NOT_LAST(code)                                                                      \
	{                                                                                   \
		"instruction 1, opcode " #code ": the last instruction is not a return", 2, \
		{                                                                           \
			RET,                                                                \
			{                                                                   \
				code, 0, 0, 1                                               \
			}                                                                   \
		}                                                                           \
	}
#define TOO_FAR(code, t, f, skip)                                    \
	{                                                            \
		"instruction 0, opcode " #code ": jumps over " #skip \
		" instructions, but only 2 follow",                  \
			3,                                           \
		{                                                    \
			BPF_JUMP(code, 1, t, f), RET, RET            \
		}                                                    \
	}
#define NOT_STORED(at, code, slot) \
	"instruction " #at ", opcode " #code ": memory slot " #slot " may not have been stored to"

static const struct refusal refusals[] = {
	/* What BPF has, and seccomp(2) has not. */
	NO_SUCH(0x28),
	NO_SUCH(0x30),
	NO_SUCH(0x40),
	NO_SUCH(0x48),
	NO_SUCH(0x50),
	NO_SUCH(0xb1),
	NO_SUCH(0x94),
	NO_SUCH(0x9c),
	/* What the kernel uses within. */
	NO_SUCH(0x21),
	/* What nobody has; some are instructions of eBPF. */
	NO_SUCH(0x08),
	NO_SUCH(0x10),
	NO_SUCH(0x18),
	NO_SUCH(0x68),
	NO_SUCH(0x69),
	NO_SUCH(0x88),
	NO_SUCH(0x89),
	NO_SUCH(0xa0),
	NO_SUCH(0xa1),
	NO_SUCH(0x22),
	NO_SUCH(0x62),
	NO_SUCH(0x63),
	NO_SUCH(0x8c),
	NO_SUCH(0xb4),
	NO_SUCH(0xbc),
	NO_SUCH(0xc4),
	NO_SUCH(0xd4),
	NO_SUCH(0x0d),
	NO_SUCH(0x55),
	NO_SUCH(0x85),
	NO_SUCH(0x95),
	NO_SUCH(0xa5),
	NO_SUCH(0x0e),
	NO_SUCH(0x1e),
	NO_SUCH(0x26),
	NO_SUCH(0x0f),
	NO_SUCH(0x17),
	NO_SUCH(0x97),
	NO_SUCH(0xff),
	NO_SUCH(0x106),
	NO_SUCH(0x120),
	NO_SUCH(0x8006),
	NO_SUCH(0xffff),

	/* Words of a call. The last ones are what socket filters have there. */
	NO_WORD(1),
	NO_WORD(2),
	NO_WORD(3),
	NO_WORD(61),
	NO_WORD(62),
	NO_WORD(63),
	NO_WORD(64),
	NO_WORD(65),
	NO_WORD(68),
	NO_WORD(2147483648),
	NO_WORD(4294963200),
	NO_WORD(4294963236),
	NO_WORD(4294967292),
	NO_WORD(4294967295),

	{ "instruction 0, opcode 0x60: memory slot 16 is above 15", 2, { LDM(16), RET } },
	{ "instruction 0, opcode 0x61: memory slot 16 is above 15", 2, { LDXM(16), RET } },
	{ "instruction 0, opcode 0x02: memory slot 16 is above 15", 2, { ST(16), RET } },
	{ "instruction 0, opcode 0x03: memory slot 16 is above 15", 2, { STX(16), RET } },
	{ "instruction 0, opcode 0x02: memory slot 4294967295 is above 15", 2, { ST(-1U), RET } },
	{ "instruction 2, opcode 0x60: memory slot 32 is above 15",
	  4,
	  { ST(0), STX(15), LDM(32), RET } },

	{ "instruction 1, opcode 0x34: divides by 0",
	  3,
	  { LD(1), BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET } },
	{ "instruction 0, opcode 0x64: shifts by 32, which is above 31",
	  2,
	  { BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET } },
	{ "instruction 0, opcode 0x74: shifts by 32, which is above 31",
	  2,
	  { BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32), RET } },
	{ "instruction 0, opcode 0x64: shifts by 4294967295, which is above 31",
	  2,
	  { BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, -1U), RET } },

	/* Jumps: to just behind the end, and far beyond, where it wraps around. */
	TOO_FAR(0x15, 2, 0, 2),
	TOO_FAR(0x15, 0, 2, 2),
	TOO_FAR(0x1d, 255, 0, 255),
	TOO_FAR(0x1d, 0, 255, 255),
	TOO_FAR(0x25, 2, 1, 2),
	TOO_FAR(0x2d, 1, 2, 2),
	TOO_FAR(0x35, 2, 3, 2),
	TOO_FAR(0x3d, 0, 3, 3),
	TOO_FAR(0x45, 3, 0, 3),
	TOO_FAR(0x4d, 0, 2, 2),
	{ "instruction 0, opcode 0x05: jumps over 1 instructions, but only 1 follow",
	  2,
	  { JA(1), RET } },
	{ "instruction 1, opcode 0x05: jumps over 4294967295 instructions, but only 1 follow",
	  3,
	  { RET, JA(-1U), RET } },
	{ "instruction 1, opcode 0x05: jumps over 4294967294 instructions, but only 1 follow",
	  3,
	  { RET, JA(-2U), RET } },
	{ "instruction 0, opcode 0x05: jumps over 2147483648 instructions, but only 1 follow",
	  2,
	  { JA(0x80000000), RET } },
	/* A jump at the end has nowhere to go. */
	{ "instruction 1, opcode 0x05: jumps over 0 instructions, but only 0 follow",
	  2,
	  { RET, JA(0) } },
	{ "instruction 1, opcode 0x15: jumps over 0 instructions, but only 0 follow",
	  2,
	  { RET, JEQ(0, 0) } },

	NOT_LAST(0x00),
	NOT_LAST(0x01),
	NOT_LAST(0x80),
	NOT_LAST(0x81),
	NOT_LAST(0x02),
	NOT_LAST(0x03),
	NOT_LAST(0x04),
	NOT_LAST(0x84),
	NOT_LAST(0xac),
	NOT_LAST(0x07),
	NOT_LAST(0x87),

	/* Slots that were not stored to: not at all; another one; later; by one way only. */
	{ NOT_STORED(0, 0x60, 0), 2, { LDM(0), RET } },
	{ NOT_STORED(0, 0x61, 15), 2, { LDXM(15), RET } },
	{ NOT_STORED(1, 0x60, 2), 3, { ST(1), LDM(2), RET } },
	{ NOT_STORED(0, 0x60, 1), 3, { LDM(1), ST(1), RET } },
	{ NOT_STORED(2, 0x60, 1), 4, { JEQ(1, 0), ST(1), LDM(1), RET } },
	{ NOT_STORED(2, 0x60, 1), 4, { JEQ(0, 1), STX(1), LDM(1), RET } },
	{ NOT_STORED(4, 0x61, 3), 6, { JEQ(0, 2), ST(3), JA(1), ST(4), LDXM(3), RET } },
	{ NOT_STORED(2, 0x60, 1), 4, { JA(1), ST(1), LDM(1), RET } },
	/* By the way that comes second, when the first was a jump from farther. */
	{ NOT_STORED(5, 0x60, 0), 7, { JEQ(1, 0), JA(3), ST(0), JEQ(1, 0), RET, LDM(0), RET } },
	/* What follows a return counts as reached from it. */
	{ NOT_STORED(4, 0x60, 0), 6, { JEQ(0, 2), ST(0), JA(1), RET, LDM(0), RET } },
	{ NOT_STORED(1, 0x60, 0), 3, { RET, LDM(0), RET } },
};

static void test_refusals(void **state)
{
	u32 i;

	(void)state;
	assert_true(ARRAY_SIZE(refusals) >= 50);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *now = &refusals[i];
		struct sock_filter *filter = program_copy(now->filter, now->len);
		struct secmap_why why = { "" };
		int err = secmap_cbpf_valid(filter, now->len, &why);

		if (err != -EINVAL || strcmp(why.text, now->text))
			fail_msg("%d, \"%s\", not \"%s\"", err, why.text, now->text);
		assert_int_equal(secmap_cbpf_valid(filter, now->len, NULL), -EINVAL);
		assert_int_equal(kernel.live, 0);
		free(filter);
	}
}

/* What looks like one of these, and is valid. */
static const struct refusal taken[] = {
	{ "", 1, { RET } },
	{ "", 1, { RET_A } },
	{ "", 2, { BPF_STMT(LD_WORD, 60), RET } },
	{ "", 2, { JA(0), RET } },
	{ "", 3, { JEQ(1, 1), RET, RET } },
	{ "", 4, { ST(15), STX(0), LDXM(15), RET } },
	{ "", 2, { BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 31), RET } },
	{ "", 2, { BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 31), RET } },
	/* By X that is 0, it is known when it is run. */
	{ "", 2, { BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RET } },
	{ "", 2, { BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 32), RET } },
	/* Stored on both ways. */
	{ "", 6, { JEQ(0, 2), ST(3), JA(1), STX(3), LDM(3), RET } },
	/* Stored, and then jumped over what might have been. */
	{ "", 5, { ST(0), JEQ(1, 0), ST(1), LDM(0), RET } },
	/* Never reached: behind a jump, and so on from there. */
	{ "", 4, { JA(1), LDM(0), RET, RET } },
	{ "", 5, { JA(2), JEQ(0, 0), LDXM(9), RET, RET } },
	/* Members that an instruction has no use for. */
	{ "", 2, { { BPF_MISC | BPF_TAX, 255, 255, -1U }, { BPF_RET | BPF_A, 255, 255, -1U } } },
	{ "", 2, { { BPF_JMP | BPF_JA, 255, 255, 0 }, RET } },
	{ "", 2, { { LD_LEN, 255, 255, 1000 }, RET } },
};

static void test_taken(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		struct sock_filter *filter = program_copy(taken[i].filter, taken[i].len);
		struct secmap_why why = { "" };

		if (secmap_cbpf_valid(filter, taken[i].len, &why))
			fail_msg("program %u: %s", i, why.text);
		assert_string_equal(why.text, "");
		assert_int_equal(secmap_cbpf_check(filter, taken[i].len), 0);
		assert_int_equal(kernel.live, 0);
		free(filter);
	}
}

static void test_length(void **state)
{
	static struct sock_filter filter[SECMAP_LIMIT_INSNS + 1];
	struct secmap_why why = { "" };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(filter); i++)
		filter[i] = (struct sock_filter)RET;
	assert_int_equal(secmap_cbpf_valid(filter, SECMAP_LIMIT_INSNS, &why), 0);
	assert_string_equal(why.text, "");
	assert_int_equal(secmap_cbpf_valid(filter, SECMAP_LIMIT_INSNS + 1, &why), -EINVAL);
	assert_string_equal(why.text, "a program of 4097 instructions is not 1 ... 4096");
	assert_int_equal(secmap_cbpf_valid(filter, U32_MAX, &why), -EINVAL);
	assert_string_equal(why.text, "a program of 4294967295 instructions is not 1 ... 4096");
	assert_int_equal(secmap_cbpf_valid(NULL, 0, &why), -EINVAL);
	assert_string_equal(why.text, "a program of 0 instructions is not 1 ... 4096");

	/* The farthest jumps that there are. */
	filter[0] = (struct sock_filter)JA(SECMAP_LIMIT_INSNS - 2);
	filter[1] = (struct sock_filter)JEQ(255, 254);
	assert_int_equal(secmap_cbpf_valid(filter, SECMAP_LIMIT_INSNS, NULL), 0);
	filter[0].k++;
	assert_int_equal(secmap_cbpf_valid(filter, SECMAP_LIMIT_INSNS, NULL), -EINVAL);
}

static void test_memory(void **state)
{
	static const struct sock_filter filter[] = { LD(0), RET };
	struct secmap_why why = { "" };

	(void)state;
	kernel_reset();
	kernel.fail_at = 1;
	assert_int_equal(secmap_cbpf_valid(filter, 2, &why), -ENOMEM);
	assert_string_equal(why.text, "no memory for 2 instructions");
	assert_int_equal(kernel.allocs, 1);
	kernel_reset();
	assert_int_equal(kernel.live, 0);
}

/* All 65536 opcodes, with a constant that all of them may have: 41 are taken. */
static void test_opcodes(void **state)
{
	u32 code, known = 0;

	(void)state;
	for (code = 0; code <= U16_MAX; code++) {
		bool known_now = decoded_opcode(code);
		/* The slot is stored to, and two instructions follow. */
		struct sock_filter filter[] = { ST(4), { code, 1, 1, 4 }, RET, RET };

		if (code == (BPF_JMP | BPF_JA))
			filter[1].k = 1;
		known += known_now;
		assert_int_equal(secmap_cbpf_valid(filter, 4, NULL), known_now ? 0 : -EINVAL);
		assert_int_equal(secmap_cbpf_check(filter, 4), known_now ? 0 : -EINVAL);
	}
	assert_int_equal(known, DECODED_OPCODES);
}

/* The translation is the kernel's: three opcodes change, and nothing else. */
static void test_translation(void **state)
{
	static const u16 translated[][2] = {
		{ LD_WORD, BPF_LDX | BPF_W | BPF_ABS },
		{ LD_LEN, BPF_LD | BPF_IMM },
		{ LDX_LEN, BPF_LDX | BPF_IMM },
	};
	u32 i, t;

	(void)state;
	for (i = 0; i < DECODED_OPCODES; i++) {
		struct sock_filter insn = { decoded_opcodes[i].code, 3, 5, 12 }, before = insn;

		for (t = 0; t < ARRAY_SIZE(translated); t++)
			if (before.code == translated[t][0])
				before.code = translated[t][1];
		if (strchr("nN", decoded_opcodes[i].kind))
			before.k = 64;
		assert_int_equal(secmap_cbpf_check(&insn, 1), 0);
		assert_memory_equal(&insn, &before, sizeof(insn));
	}
	for (i = 0; i < 80; i++) {
		struct sock_filter insn = BPF_STMT(LD_WORD, i);

		assert_int_equal(secmap_cbpf_check(&insn, 1), i < 64 && i % 4 == 0 ? 0 : -EINVAL);
	}
	assert_int_equal(secmap_cbpf_check(NULL, 0), 0);
}

static const struct seccomp_data some_call = {
	.nr = 0x101,
	.arch = AUDIT_ARCH_X86_64,
	.instruction_pointer = 0x1112131421222324,
	.args = { 0xa1a2a3a4b1b2b3b4, 0, 0, 0, 0, 0xc1c2c3c4d1d2d3d4 },
};

static const struct {
	u32 value;
	struct sock_filter filter[PROGRAM];
} runs[] = {
	{ 7, { RET } },
	{ 0, { RET_A } },
	{ 0, { TXA, RET_A } },
	{ 0x101, { BPF_STMT(LD_WORD, 0), RET_A } },
	{ AUDIT_ARCH_X86_64, { BPF_STMT(LD_WORD, 4), RET_A } },
	{ 0x21222324, { BPF_STMT(LD_WORD, 8), RET_A } },
	{ 0x11121314, { BPF_STMT(LD_WORD, 12), RET_A } },
	{ 0xb1b2b3b4, { BPF_STMT(LD_WORD, 16), RET_A } },
	{ 0xa1a2a3a4, { BPF_STMT(LD_WORD, 20), RET_A } },
	{ 0xd1d2d3d4, { BPF_STMT(LD_WORD, 56), RET_A } },
	{ 0xc1c2c3c4, { BPF_STMT(LD_WORD, 60), RET_A } },
	{ 64, { BPF_STMT(LD_LEN, 1), RET_A } },
	{ 64, { BPF_STMT(LDX_LEN, 1), TXA, RET_A } },
	{ 0xfffffffe, { LD(-2U), LDX(3), RET_A } },
	{ 3, { LD(-2U), LDX(3), TXA, RET_A } },
	{ 5, { LD(5), ST(0), LD(6), ST(15), LDM(0), RET_A } },
	{ 6, { LD(5), STX(0), LD(6), ST(15), LDXM(15), TXA, RET_A } },
	{ 9, { LD(5), LDX(9), STX(3), LDM(3), RET_A } },
	{ 8, { LD(8), TAX, LD(1), TXA, RET_A } },
	{ 2, { JA(1), RET, BPF_STMT(BPF_RET, 2) } },
	{ 7, { JA(0), RET, BPF_STMT(BPF_RET, 2) } },

	{ 1, ALU_K(BPF_ADD, 0xffffffff, 2) },
	{ 0x80000000, ALU_X(BPF_ADD, 0x7fffffff, 1) },
	{ 0xffffffff, ALU_K(BPF_SUB, 1, 2) },
	{ 3, ALU_X(BPF_SUB, 1, 0xfffffffe) },
	{ 0xfffffffe, ALU_K(BPF_MUL, 0xffffffff, 2) },
	{ 0, ALU_X(BPF_MUL, 0x10000, 0x10000) },
	{ 1, ALU_X(BPF_MUL, 0xffffffff, 0xffffffff) },
	{ 0x7fffffff, ALU_K(BPF_DIV, 0xffffffff, 2) },
	{ 1, ALU_K(BPF_DIV, 0xffffffff, 0xffffffff) },
	{ 0, ALU_X(BPF_DIV, 0x7fffffff, 0x80000000) },
	{ 1, ALU_X(BPF_DIV, 0xffffffff, 0x80000000) },
	/* This one ends it, with KILL_THREAD. */
	{ 0, { LD(5), LDX(0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 1), RET } },
	{ 0xf0ff, ALU_K(BPF_OR, 0xf00f, 0xff) },
	{ 0xf0ff, ALU_X(BPF_OR, 0xf00f, 0xff) },
	{ 0xf, ALU_K(BPF_AND, 0xf00f, 0xff) },
	{ 0xf, ALU_X(BPF_AND, 0xf00f, 0xff) },
	{ 0xf0f0, ALU_K(BPF_XOR, 0xf00f, 0xff) },
	{ 0xf0f0, ALU_X(BPF_XOR, 0xf00f, 0xff) },
	{ 0x80000000, ALU_K(BPF_LSH, 3, 31) },
	{ 3, ALU_K(BPF_LSH, 3, 0) },
	{ 1, ALU_K(BPF_RSH, 0x80000000, 31) },
	{ 0x40000000, ALU_K(BPF_RSH, 0x80000000, 1) },
	{ 0x80000000, ALU_X(BPF_LSH, 1, 31) },
	{ 1, ALU_X(BPF_RSH, 0x80000000, 31) },
	/* As the processor shifts. */
	{ 1, ALU_X(BPF_LSH, 1, 32) },
	{ 2, ALU_X(BPF_LSH, 1, 33) },
	{ 0x80000000, ALU_X(BPF_LSH, 1, 0xffffffff) },
	{ 0x80000000, ALU_X(BPF_RSH, 0x80000000, 32) },
	{ 0x40000000, ALU_X(BPF_RSH, 0x80000000, 65) },
	{ 0xffffffff, ALU_K(BPF_NEG, 1, 3) },
	{ 0x80000000, ALU_K(BPF_NEG, 0x80000000, 0) },
	{ 0, ALU_K(BPF_NEG, 0, 0) },

	{ 1, JMP_K(BPF_JEQ, 5, 5) },
	{ 2, JMP_K(BPF_JEQ, 5, 0xdead) },
	{ 1, JMP_X(BPF_JEQ, 5, 5) },
	{ 2, JMP_X(BPF_JEQ, 0xdead, 5) },
	{ 1, JMP_K(BPF_JGT, 0x80000000, 0x7fffffff) },
	{ 2, JMP_K(BPF_JGT, 0x7fffffff, 0x80000000) },
	{ 2, JMP_K(BPF_JGT, 5, 5) },
	{ 1, JMP_X(BPF_JGT, 0xffffffff, 0) },
	{ 2, JMP_X(BPF_JGT, 5, 5) },
	{ 1, JMP_K(BPF_JGE, 0xffffffff, 0xffffffff) },
	{ 2, JMP_K(BPF_JGE, 0x7fffffff, 0x80000000) },
	{ 1, JMP_X(BPF_JGE, 0x80000000, 0x7fffffff) },
	{ 2, JMP_X(BPF_JGE, 4, 5) },
	{ 1, JMP_K(BPF_JSET, 0x80000001, 0x80000000) },
	{ 2, JMP_K(BPF_JSET, 0x7fffffff, 0x80000000) },
	{ 1, JMP_X(BPF_JSET, 6, 4) },
	{ 2, JMP_X(BPF_JSET, 6, 1) },
	{ 2, JMP_X(BPF_JSET, 6, 0) },
};

/* The last instruction that is a return. */
static u32 program_len(const struct sock_filter *filter)
{
	u32 len = PROGRAM;

	while (BPF_CLASS(filter[len - 1].code) != BPF_RET)
		len--;
	return len;
}

static void test_runs(void **state)
{
	struct seccomp_data *call = malloc(sizeof(*call));
	bool seen[0x100] = { false };
	u32 i, pc;

	(void)state;
	*call = some_call;
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		u32 len = program_len(runs[i].filter), value;
		struct sock_filter *filter = program_copy(runs[i].filter, len);
		struct decoded decoded[PROGRAM];
		struct secmap_why why;

		if (secmap_cbpf_valid(filter, len, &why))
			fail_msg("program %u: %s", i, why.text);
		value = secmap_cbpf_run(filter, len, call);
		if (value != runs[i].value)
			fail_msg("program %u: %#x, not %#x", i, value, runs[i].value);
		/* Whose reference is right here, too. */
		assert_true(decode(filter, len, decoded));
		assert_int_equal(decoded_run(decoded, call), runs[i].value);
		for (pc = 0; pc < len; pc++)
			seen[filter[pc].code] = true;
		free(filter);
	}
	free(call);
	for (i = 0; i < DECODED_OPCODES; i++)
		assert_true(seen[decoded_opcodes[i].code]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_taken),
		cmocka_unit_test(test_length),	 cmocka_unit_test(test_memory),
		cmocka_unit_test(test_opcodes),	 cmocka_unit_test(test_translation),
		cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
