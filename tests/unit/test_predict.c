// SPDX-License-Identifier: GPL-2.0-only
/* Prediction: what it tells is true, and it tells no less than seccomp(2) can. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "cbpf.h"
#include "kernel.h"
#include "predict.h"
#include "program.h"
#include "seed.h"

#define PROGRAMS    30000
#define LEN	    48
#define VECTORS	    64 /* calls of one number, each with its own arguments */
#define NUMBERS	    8  /* that are to be like it */

#define X86_64	    AUDIT_ARCH_X86_64

#define LD_NR	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)
#define LD_ARCH	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4)
#define LD_IP	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8)
#define LD_ARG	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16)
#define LD(k)	    BPF_STMT(BPF_LD | BPF_IMM, k)
#define LDX(k)	    BPF_STMT(BPF_LDX | BPF_IMM, k)
#define ST(k)	    BPF_STMT(BPF_ST, k)
#define STX(k)	    BPF_STMT(BPF_STX, k)
#define LDM(k)	    BPF_STMT(BPF_LD | BPF_MEM, k)
#define LDXM(k)	    BPF_STMT(BPF_LDX | BPF_MEM, k)
#define TAX	    BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define TXA	    BPF_STMT(BPF_MISC | BPF_TXA, 0)
#define ALU(op, k)  BPF_STMT(BPF_ALU | (op) | BPF_K, k)
#define ALU_X(op)   BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define JUMP(op, k) BPF_JUMP(BPF_JMP | (op) | BPF_K, k, 0, 1)
#define JEQ(k)	    JUMP(BPF_JEQ, k)
#define JEQ_X	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1)
#define RET(k)	    BPF_STMT(BPF_RET | BPF_K, k)
#define RET_A	    BPF_STMT(BPF_RET | BPF_A, 0)

#define ROOM	    12

/* Of number 5 on x86-64. */
static const struct {
	bool told;
	u32 value;
	struct sock_filter filter[ROOM];
} cases[] = {
	{ true, 3, { RET(3) } },
	{ true, 0, { RET_A } },
	{ true, 0, { TXA, RET_A } },
	{ true, 5, { LD_NR, RET_A } },
	{ true, X86_64, { LD_ARCH, RET_A } },
	{ true, 64, { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RET_A } },
	{ true, 64, { BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), TXA, RET_A } },
	{ false, 0, { LD_IP, RET_A } },
	{ false, 0, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12), RET_A } },
	{ false, 0, { LD_ARG, RET_A } },
	{ false, 0, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), RET_A } },
	/* Loaded, and not looked at. */
	{ true, 3, { LD_ARG, RET(3) } },
	{ true, 5, { LD_ARG, LD_NR, RET_A } },
	{ true, 7, { LD_ARG, LD(7), RET_A } },

	{ true, 1, { LD_NR, JEQ(5), RET(1), RET(2) } },
	{ true, 2, { LD_NR, JEQ(6), RET(1), RET(2) } },
	{ false, 0, { LD_ARG, JEQ(5), RET(1), RET(2) } },
	/* Nobody asks where it leads. */
	{ false, 0, { LD_ARG, JEQ(5), RET(1), RET(1) } },
	{ true, 2, { LD_ARCH, BPF_STMT(BPF_JMP | BPF_JA, 1), RET(1), RET(2) } },

	/* Of the two operands each can be unknown. */
	{ true, 1, { LDX(5), LD_NR, JEQ_X, RET(1), RET(2) } },
	{ false, 0, { LD_ARG, TAX, LD_NR, JEQ_X, RET(1), RET(2) } },
	{ false, 0, { LDX(5), LD_ARG, JEQ_X, RET(1), RET(2) } },
	{ true, 7, { LDX(2), LD_NR, ALU_X(BPF_ADD), RET_A } },
	{ false, 0, { LDX(2), LD_ARG, ALU_X(BPF_ADD), RET_A } },
	{ false, 0, { LD_ARG, TAX, LD_NR, ALU_X(BPF_ADD), RET_A } },
	{ false, 0, { LD_ARG, ALU(BPF_ADD, 1), RET_A } },
	{ false, 0, { LD_ARG, ALU(BPF_NEG, 0), RET_A } },
	{ true, -5U, { LD_ARG, TAX, LD_NR, ALU(BPF_NEG, 0), RET_A } },
	{ true, 1, { LD_NR, ALU(BPF_AND, 3), RET_A } },
	{ true, 2, { LD_NR, ALU(BPF_DIV, 2), RET_A } },

	/* A division by an unknown X may be the end. */
	{ true, 2, { LDX(2), LD_NR, ALU_X(BPF_DIV), RET_A } },
	{ true, 0, { LDX(0), LD_NR, ALU_X(BPF_DIV), RET(3) } },
	{ true, 0, { LDX(0), LD_ARG, ALU_X(BPF_DIV), RET(3) } },
	{ true, 3, { LDX(2), LD_ARG, ALU_X(BPF_DIV), RET(3) } },
	{ false, 0, { LDX(2), LD_ARG, ALU_X(BPF_DIV), RET_A } },
	{ false, 0, { LD_ARG, TAX, ALU_X(BPF_DIV), RET(3) } },

	/* Through the memory and back. */
	{ true, 5, { LD_NR, ST(0), LD_ARG, LDM(0), RET_A } },
	{ true, 5, { LD_NR, ST(15), LD_ARG, ST(14), LDXM(15), TXA, RET_A } },
	{ true, 9, { LDX(9), STX(3), LD_ARG, TAX, LDM(3), RET_A } },
	{ false, 0, { LD_NR, ST(0), LD_ARG, ST(0), LD(1), LDM(0), RET_A } },
	{ false, 0, { LD_ARG, ST(0), LD_NR, LDM(0), RET_A } },
	{ false, 0, { LD_ARG, ST(7), LD_NR, LDXM(7), TXA, RET_A } },
	{ false, 0, { LD_ARG, TAX, LD_NR, STX(7), LDM(7), RET_A } },
	{ true, 5, { LD_ARG, ST(7), LD_NR, ST(7), LDM(7), RET_A } },
	{ true, 5, { LD_ARG, TAX, LD_NR, TAX, LD_ARG, TXA, RET_A } },
	{ false, 0, { LD_ARG, TAX, LD_NR, TXA, RET_A } },
};

static void test_cases(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sock_filter *filter = cases[i].filter;
		u32 len = ROOM, action = 0, last;
		bool told;

		while (BPF_CLASS(filter[len - 1].code) != BPF_RET)
			len--;
		assert_int_equal(secmap_cbpf_valid(filter, len, NULL), 0);
		told = secmap_predict_cbpf(filter, len, X86_64, 5, &last, &action);
		if (told != cases[i].told || (told && action != cases[i].value))
			fail_msg("case %u: %d, %#x", i, told, action);
	}
}

/*
 * A list as people write it: wrong ABI, x32, some numbers allowed, one for an argument. All
 * numbers but that one are told, each rightly.
 */
static void test_list(void **state)
{
	static const struct sock_filter filter[] = {
		LD_ARCH,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, X86_64, 1, 0),
		RET(SECCOMP_RET_KILL_PROCESS),
		LD_NR,
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 16, 0, 5),
		LD_ARG,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x5401, 2, 3),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 231, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 202, 0, 1),
		RET(SECCOMP_RET_ALLOW),
		RET(SECCOMP_RET_ERRNO | 1),
	};
	u32 nr, last, action;

	(void)state;
	assert_int_equal(secmap_cbpf_valid(filter, ARRAY_SIZE(filter), NULL), 0);
	for (nr = 0; nr < 1024; nr++) {
		bool allowed = nr == 231 || nr == 202;
		bool told =
			secmap_predict_cbpf(filter, ARRAY_SIZE(filter), X86_64, nr, &last, &action);

		assert_int_equal(told, nr != 16);
		if (told)
			assert_int_equal(action,
					 allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | 1);
		assert_true(secmap_predict_cbpf(filter, ARRAY_SIZE(filter), X86_64, nr | 0x40000000,
						&last, &action));
		assert_int_equal(action, SECCOMP_RET_ERRNO | 1);
		assert_true(secmap_predict_cbpf(filter, ARRAY_SIZE(filter), AUDIT_ARCH_I386, nr,
						&last, &action));
		assert_int_equal(action, SECCOMP_RET_KILL_PROCESS);
	}
}

/* From 5 on, up to where is it the same? */
static const struct {
	u32 last;
	struct sock_filter filter[ROOM];
} ranges[] = {
	{ U32_MAX, { RET(3) } },
	{ U32_MAX, { LD_ARG, RET_A } },
	{ U32_MAX, { LD_NR, RET(3) } },
	{ U32_MAX, { LD_NR, LD_ARCH, RET_A } },
	{ U32_MAX, { LD_NR, LD(7), JEQ(7), RET(1), RET(2) } },
	{ 5, { LD_NR, RET_A } },
	{ 5, { LD_NR, TAX, LD(7), TXA, RET_A } },

	{ 5, { LD_NR, JEQ(5), RET(1), RET(2) } },
	{ 8, { LD_NR, JEQ(9), RET(1), RET(2) } },
	{ U32_MAX, { LD_NR, JEQ(4), RET(1), RET(2) } },
	{ 5, { LD_NR, JUMP(BPF_JGT, 5), RET(1), RET(2) } },
	{ 9, { LD_NR, JUMP(BPF_JGT, 9), RET(1), RET(2) } },
	{ U32_MAX, { LD_NR, JUMP(BPF_JGT, 4), RET(1), RET(2) } },
	{ U32_MAX, { LD_NR, JUMP(BPF_JGE, 5), RET(1), RET(2) } },
	{ 8, { LD_NR, JUMP(BPF_JGE, 9), RET(1), RET(2) } },
	{ U32_MAX, { LD_NR, JUMP(BPF_JGE, 0), RET(1), RET(2) } },
	{ U32_MAX, { LD_NR, JUMP(BPF_JGT, U32_MAX), RET(1), RET(2) } },
	{ 5, { LD_NR, JUMP(BPF_JSET, 1), RET(1), RET(2) } },
	/* The nearest bound of those on the way. */
	{ 6, { LD_NR, JUMP(BPF_JGE, 9), RET(1), JEQ(7), RET(2), RET(3) } },
	{ 6, { LD_NR, JUMP(BPF_JGE, 7), RET(1), JEQ(9), RET(2), RET(3) } },
	/* Also where it cannot be told. */
	{ 8, { LD_NR, JUMP(BPF_JGE, 9), RET(1), LD_ARG, JEQ(1), RET(2), RET(3) } },

	/* What is computed from it is not followed. */
	{ 5, { LD_NR, ALU(BPF_AND, 0xff), JEQ(9), RET(1), RET(2) } },
	{ 5, { LDX(2), LD_NR, ALU_X(BPF_ADD), RET(1) } },
	{ 5, { LD_NR, TAX, LD(2), ALU_X(BPF_ADD), RET(1) } },
	{ 5, { LD_NR, TAX, LD(2), ALU_X(BPF_DIV), RET(1) } },
	{ 5, { LD_NR, TAX, LD(2), JEQ_X, RET(1), RET(2) } },
	{ 5, { LD_NR, TAX, JEQ_X, RET(1), RET(2) } },
	{ 8, { LDX(9), LD_NR, JEQ_X, RET(1), RET(2) } },

	/* Wherever it is kept it is the number. */
	{ 8, { LD_NR, ST(3), LD(0), LDM(3), JEQ(9), RET(1), RET(2) } },
	{ 8, { LD_NR, TAX, STX(3), LD(0), LDM(3), JEQ(9), RET(1), RET(2) } },
	{ 8, { LD_NR, TAX, LD(0), TXA, JEQ(9), RET(1), RET(2) } },
	{ U32_MAX, { LD_NR, ST(3), LD(4), ST(3), LDM(3), JEQ(9), RET(1), RET(2) } },
};

static void test_ranges(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct sock_filter *filter = ranges[i].filter;
		u32 len = ROOM, last, action;

		while (BPF_CLASS(filter[len - 1].code) != BPF_RET)
			len--;
		assert_int_equal(secmap_cbpf_valid(filter, len, NULL), 0);
		secmap_predict_cbpf(filter, len, X86_64, 5, &last, &action);
		if (last != ranges[i].last)
			fail_msg("range %u: up to %u", i, last);
	}
}

static struct sock_filter program[LEN];

/* What this run has met. */
static struct {
	u32 valid, told, telling, kernel, wide;
} seen;

/*
 * Can seccomp(2) tell that the call is allowed? It knows A alone, as loaded from number and
 * ABI, masked and compared with constants.
 */
static bool kernel_tells(u32 len, u32 arch, u32 nr)
{
	u32 a = 0, pc;

	for (pc = 0; pc < len; pc++) {
		const struct sock_filter *insn = &program[pc];
		bool yes;

		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (insn->k > 4)
				return false;
			a = insn->k ? arch : nr;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += insn->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == insn->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= insn->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > insn->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = a & insn->k;
			break;
		case BPF_RET | BPF_K:
			return insn->k == SECCOMP_RET_ALLOW;
		default:
			return false;
		}
		pc += yes ? insn->jt : insn->jf;
	}
	return false;
}

/* Does it never load what is not known? */
static bool loads_known(u32 len)
{
	u32 pc;

	for (pc = 0; pc < len; pc++)
		if (program[pc].code == (BPF_LD | BPF_W | BPF_ABS) && program[pc].k > 4)
			return false;
	return true;
}

/* Numbers that are said to be like @nr. */
static void judge_others(const struct sock_filter *filter, u32 len, u32 arch, u32 nr, u32 last,
			 bool told, u32 action)
{
	u32 unused, other, i;

	assert_true(last >= nr);
	seen.wide += last > nr && last < U32_MAX;
	for (i = 0; i < NUMBERS; i++) {
		u32 another = i ? nr + seed_next() % ((u64)last - nr + 1) : last;

		assert_int_equal(secmap_predict_cbpf(filter, len, arch, another, &unused, &other),
				 told);
		if (told)
			assert_int_equal(other, action);
	}
}

static void judge(const struct sock_filter *filter, u32 len, u32 arch, u32 nr)
{
	struct seccomp_data call;
	u32 last, action, value, i;
	bool told = secmap_predict_cbpf(filter, len, arch, nr, &last, &action);

	judge_others(filter, len, arch, nr, last, told, action);
	if (!told) {
		assert_false(loads_known(len));
		assert_false(kernel_tells(len, arch, nr));
		return;
	}
	seen.told++;
	/* Told although there is something to be wrong about. */
	seen.telling += !loads_known(len);
	if (kernel_tells(len, arch, nr)) {
		seen.kernel++;
		assert_int_equal(action, SECCOMP_RET_ALLOW);
	}
	for (i = 0; i < VECTORS; i++) {
		program_call(&call);
		call.nr = nr;
		call.arch = arch;
		value = secmap_cbpf_run(filter, len, &call);
		if (value != action)
			fail_msg("%u instructions, arch %#x, nr %#x: %#x, not %#x", len, arch, nr,
				 value, action);
	}
}

static void test_random(void **state)
{
	static const u32 archs[] = { X86_64, AUDIT_ARCH_I386 };
	u32 i, pc, len;

	(void)state;
	seed_start("prediction against runs");
	for (i = 0; i < PROGRAMS; i++) {
		struct sock_filter *filter;

		len = 1 + seed_below(LEN);
		program_random(program, len);
		for (pc = 0; pc < len; pc++)
			if (program[pc].code == (BPF_RET | BPF_K) && seed_once_in(2))
				program[pc].k = SECCOMP_RET_ALLOW;
		if (secmap_cbpf_valid(program, len, NULL))
			continue;
		seen.valid++;
		filter = program_copy(program, len);
		judge(filter, len, archs[seed_below(2)], seed_below(6));
		judge(filter, len, archs[seed_below(2)], seed_next());
		free(filter);
	}
	printf("%u programs: of %u calls %u told, %u where arguments are loaded; seccomp(2): %u; like some others: %u\n",
	       seen.valid, 2 * seen.valid, seen.told, seen.telling, seen.kernel, seen.wide);
	assert_true(seen.valid > PROGRAMS / 4);
	assert_true(seen.told > seen.valid / 2 && seen.telling > seen.valid / 8);
	assert_true(seen.told < 2 * seen.valid * 9 / 10);
	assert_true(seen.kernel > seen.valid / 50);
	assert_true(seen.wide > seen.valid / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
