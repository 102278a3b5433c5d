// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier against runs. Random programs, written by the rules, are taken; what is taken of
 * these, of changed ones and of all that can be made of a few instructions never trips.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "kernel.h"
#include "seed.h"
#include "verify.h"

#define PROGRAMS 60000
#define BREAKS	 4  /* of each */
#define LONG_ONE 40 /* programs of up to SECMAP_LIMIT_INSNS */
#define CALLS	 8  /* each */

static struct bpf_insn program[SECMAP_LIMIT_INSNS];

/* What this run has met. */
static struct {
	u64 taken, broken, broken_taken, runs;
	u32 returned[16]; /* values, by their last four bits */
	bool opcodes[256];
} seen;

static u32 run_call(const struct bpf_insn *insns, u32 len, const struct seccomp_data *call,
		    u64 *salt)
{
	struct secmap_interpreter run = program_interpreter(insns, len, salt);
	struct secmap_why why = { "" };
	u32 value;

	if (secmap_interpret(&run, call, &value, &why)) {
		ebpf_print(insns, len);
		fail_msg("%u instructions: %s", len, why.text);
	}
	seen.runs++;
	return value;
}

/*
 * Run it with calls and answers that are random; no step may be wrong. What it returns does
 * not depend on fields that it is said not to load.
 */
static void run_calls(const struct bpf_insn *insns, u32 len, u32 calls, u32 fields)
{
	struct seccomp_data *call = malloc(sizeof(*call));
	u32 value, i;

	assert_non_null(call);
	for (i = 0; i < calls; i++) {
		u64 salt = seed_next();

		ebpf_call(call);
		value = run_call(insns, len, call, &salt);
		ebpf_call_scramble(call, fields);
		assert_int_equal(run_call(insns, len, call, &salt), value);
		seen.returned[value % 16]++;
	}
	free(call);
}

/* Is it taken? Then it runs. */
static bool judge(const struct bpf_insn *from, u32 len, u32 calls, struct secmap_why *why)
{
	struct bpf_insn *insns = ebpf_copy(from, len);
	struct secmap_verify_facts facts = { 0 }, other;
	size_t live = kernel.live;
	int err;

	*why = (struct secmap_why){ "" };
	err = secmap_verify(insns, len, program_types, PROGRAM_TABLES, &facts, why);
	assert_int_equal(kernel.live, live);
	assert_true(!err || err == -EINVAL);
	assert_int_equal(!why->text[0], !err);
	if (!err) {
		other = ebpf_facts(insns, len);
		assert_memory_equal(&facts, &other, sizeof(facts));
		assert_true(facts.stack <= EBPF_STACK && facts.fields <= U16_MAX);
		run_calls(insns, len, calls, facts.fields);
	}
	free(insns);
	return !err;
}

/* Return how long it has become. */
static u32 judge_random(u32 len)
{
	struct secmap_why why;
	u32 pc;

	if (len + EBPF_TELLING <= SECMAP_LIMIT_INSNS && seed_once_in(4))
		len = ebpf_random_telling(program, len, seed_below);
	else
		ebpf_random(program, len, seed_below);
	for (pc = 0; pc < len; pc++)
		seen.opcodes[program[pc].code] = true;
	if (!judge(program, len, CALLS, &why)) {
		ebpf_print(program, len);
		fail_msg("refused: %s", why.text);
	}
	seen.taken++;
	return len;
}

static void test_random(void **state)
{
	u32 i, b, codes = 0;

	(void)state;
	seed_start("programs against runs");
	program_tables();
	for (i = 0; i < PROGRAMS; i++) {
		u32 len = 2 + seed_below(seed_once_in(8) ? 100 : 24);

		len = judge_random(len);
		for (b = 0; b < BREAKS; b++) {
			struct secmap_why why;

			ebpf_break(program, len, seed_below);
			seen.broken++;
			seen.broken_taken += judge(program, len, CALLS, &why);
		}
	}
	for (i = 0; i < LONG_ONE; i++)
		judge_random(SECMAP_LIMIT_INSNS - seed_below(seed_once_in(2) ? 4 : 3000));
	program_tables_free();
	printf("%llu programs taken; of %llu changed ones %llu; %llu runs\n", seen.taken,
	       seen.broken, seen.broken_taken, seen.runs);
	assert_true(seen.broken_taken > seen.broken / 20);
	assert_true(seen.broken_taken < seen.broken * 19 / 20);
	for (i = 0; i < ARRAY_SIZE(seen.returned); i++)
		assert_true(seen.returned[i] > PROGRAMS / 100);
	/* All opcodes of the subset, and the second half of LD_IMM64. */
	for (i = 0; i < ARRAY_SIZE(seen.opcodes); i++)
		codes += seen.opcodes[i];
	assert_int_equal(codes, 25 + 27 + 25 + 22 + 12 + 2);
}

/* Of these all programs of up to WORDS are made, ended with an exit, with r0 set first and not. */
#define WORDS 4

/* clang-format off */
static const struct word {
	u32 len;
	struct bpf_insn insns[2];
} words[] = {
	{ 1, { MOV(0, 1) } },
	{ 1, { MOV_X(0, 1) } },
	{ 1, { MOV_X(1, 0) } },
	{ 1, { MOV_X(2, 1) } },
	{ 1, { MOV(2, 1) } },
	{ 1, { ALU_X(BPF_ADD, 0, 2) } },
	{ 1, { ALU32_X(BPF_MOV, 2, 1) } },
	{ 1, { LDX(BPF_W, 0, 1, 16) } },
	{ 1, { LDX(BPF_DW, 2, 2, 56) } },
	{ 1, { LDX(BPF_DW, 2, 1, 60) } },
	{ 1, { STX(BPF_DW, -8, 1) } },
	{ 1, { STX(BPF_DW, -8, 0) } },
	{ 1, { STX(BPF_W, -8, 1) } },
	{ 1, { ST(BPF_W, -8, 1) } },
	{ 1, { ST(BPF_W, -4, 1) } },
	{ 1, { FILL(BPF_DW, 1, -8) } },
	{ 1, { FILL(BPF_DW, 0, -8) } },
	{ 1, { FILL(BPF_W, 0, -8) } },
	{ 2, { TABLE(1, TABLE_BITS) } },
	{ 2, { TABLE(1, TABLE_HASH) } },
	{ 2, { LONG(2, 5, 5) } },
	{ 1, { CALL(1) } },
	{ 1, { JA(0) } },
	{ 1, { JA(1) } },
	{ 1, { JMP(BPF_JEQ, 0, 1, 0) } },
	{ 1, { JMP(BPF_JEQ, 0, 1, 1) } },
	{ 1, { JMP(BPF_JGT, 2, 1, 2) } },
	{ 1, { JMP_X(BPF_JSET, 0, 2, 1) } },
	{ 1, { EXIT } },
};
/* clang-format on */

static void test_exhaustive(void **state)
{
	u32 count = ARRAY_SIZE(words), total = 0, taken = 0, words_here, n, all;

	(void)state;
	seed_start("all short programs");
	program_tables();
	for (words_here = 0, all = 1; words_here <= WORDS; words_here++, all *= count) {
		for (n = 0; n < 2 * all; n++) {
			u32 len = n % 2, rest = n / 2, w;
			struct secmap_why why;

			program[0] = (struct bpf_insn)MOV(0, 1);
			for (w = 0; w < words_here; w++, rest /= count) {
				const struct word *word = &words[rest % count];

				memcpy(&program[len], word->insns, word->len * sizeof(*program));
				len += word->len;
			}
			program[len++] = (struct bpf_insn)EXIT;
			total++;
			taken += judge(program, len, 2, &why);
		}
	}
	program_tables_free();
	printf("%u short programs, %u taken\n", total, taken);
	assert_int_equal(total, 1465082);
	assert_true(taken > total / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_exhaustive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
