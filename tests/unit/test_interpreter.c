// SPDX-License-Identifier: GPL-2.0-only
/* The interpreter of eBPF trips over each wrong step: or no test that waits for it says anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "kernel.h"
#include "seed.h"

#define PROGRAM 10

/* clang-format off */

#define TRIPS(text, ...)	{ text, { __VA_ARGS__, EXIT } }

/* None of these is taken by the verifier, and none is asked. */
static const struct {
	const char *text;
	struct bpf_insn insns[PROGRAM];
} trips[] = {
	/* Registers. */
	{ "insn 0: r0 is no number", { EXIT } },
	TRIPS("insn 1: r0 is no number", MOV_X(0, 1)),
	TRIPS("insn 0: r2 is no number", ALU(BPF_ADD, 2, 1)),
	TRIPS("insn 1: r2 is no number", MOV(0, 1), ALU_X(BPF_ADD, 0, 2)),
	TRIPS("insn 0: r1 is no number", ALU(BPF_ADD, 1, 8)),
	TRIPS("insn 0: r10 is no number", ALU(BPF_ADD, 10, 8)),
	TRIPS("insn 0: r12 is no number", ALU(BPF_ADD, 12, 8)),
	TRIPS("insn 0: r1 is no number", END(BPF_TO_LE, 1, 64)),
	TRIPS("insn 0: r1 is no number", ALU32_X(BPF_MOV, 0, 1)),
	TRIPS("insn 0: r1 is no number", JMP(BPF_JEQ, 1, 0, 0)),
	TRIPS("insn 1: r1 is no number", MOV(0, 1), JMP32_X(BPF_JEQ, 0, 1, 0)),
	TRIPS("insn 0: r3 is copied", MOV_X(0, 3)),
	TRIPS("insn 0: r10 is copied", MOV_X(0, 10)),
	TRIPS("insn 0: r15 is copied", MOV_X(0, 15)),
	TRIPS("insn 0: r10 is set", MOV(10, 0)),
	TRIPS("insn 0: r11 is set", MOV(11, 0)),
	TRIPS("insn 0: r10 is set", LDX(BPF_W, 10, 1, 0)),
	TRIPS("insn 1: r10 is set", LONG(10, 0, 0)),
	/* Loads. */
	TRIPS("insn 0: loads by r0", LDX(BPF_W, 0, 0, 0)),
	TRIPS("insn 1: loads by r2", MOV(2, 0), LDX(BPF_W, 0, 2, 0)),
	TRIPS("insn 2: loads by r2", TABLE(2, 0), LDX(BPF_W, 0, 2, 0)),
	TRIPS("insn 0: no such load", LDX(BPF_W, 0, 13, 0)),
	TRIPS("insn 0: no such load", INSN(0x81, 0, 1, 0, 0)),
	TRIPS("insn 0: 4 bytes at 64 of the context", LDX(BPF_W, 0, 1, 64)),
	TRIPS("insn 0: 8 bytes at 60 of the context", LDX(BPF_DW, 0, 1, 60)),
	TRIPS("insn 0: 4 bytes at -4 of the context", LDX(BPF_W, 0, 1, -4)),
	TRIPS("insn 0: 4 bytes at 2 of the context", LDX(BPF_W, 0, 1, 2)),
	TRIPS("insn 0: 8 bytes at -520 of the stack", FILL(BPF_DW, 0, -520)),
	TRIPS("insn 0: 1 bytes at 0 of the stack", FILL(BPF_B, 0, 0)),
	TRIPS("insn 0: 4 bytes at -6 of the stack", FILL(BPF_W, 0, -6)),
	TRIPS("insn 0: 8 bytes at -8 are loaded and were not written", FILL(BPF_DW, 0, -8)),
	TRIPS("insn 1: 8 bytes at -8 are loaded and were not written",
	      ST(BPF_W, -8, 0), FILL(BPF_DW, 0, -8)),
	TRIPS("insn 1: 4 bytes at -8 are loaded and were not written",
	      STX(BPF_DW, -8, 1), FILL(BPF_W, 0, -8)),
	TRIPS("insn 2: 8 bytes at -8 are loaded and were not written",
	      STX(BPF_DW, -8, 1), ST(BPF_B, -3, 0), FILL(BPF_DW, 0, -8)),
	/* Stores. */
	TRIPS("insn 0: stores by r1", INSN(0x7a, 1, 0, 0, 0)),
	TRIPS("insn 0: stores by r2", INSN(0x7a, 2, 0, -8, 0)),
	TRIPS("insn 0: stores by r14", INSN(0x7a, 14, 0, -8, 0)),
	TRIPS("insn 0: stores by r10", INSN(0xdb, 10, 1, -8, 0)), /* atomic */
	TRIPS("insn 0: 8 bytes at 0 of the stack", ST(BPF_DW, 0, 0)),
	TRIPS("insn 0: 8 bytes at -516 of the stack", ST(BPF_DW, -516, 0)),
	TRIPS("insn 0: stores r10", STX(BPF_DW, -8, 10)),
	TRIPS("insn 0: stores 8 bytes of r3", STX(BPF_DW, -8, 3)),
	TRIPS("insn 0: stores 4 bytes of r1", STX(BPF_W, -8, 1)),
	/* Tables and helpers. */
	TRIPS("insn 1: no such table", TABLE(1, 4)),
	TRIPS("insn 1: no such table", INSN(0x18, 1, 1, 0, 0), INSN(0, 0, 0, 0, 0)),
	TRIPS("insn 0: no such load", INSN(0x18, 1, 0, 0, 0), EXIT),
	TRIPS("insn 0: no such load", INSN(0x20, 0, 0, 0, 0)),
	TRIPS("insn 0: no such helper, or no table in r1", CALL(1)),
	TRIPS("insn 2: no such helper, or no table in r1", TABLE(1, 0), INSN(0x85, 0, 1, 0, 1)),
	TRIPS("insn 2: helper 2 is not for such a table", TABLE(1, TABLE_BITS), CALL(2)),
	TRIPS("insn 2: helper 1 is not for such a table", TABLE(1, TABLE_HASH), CALL(1)),
	TRIPS("insn 2: helper 1 is not for such a table", TABLE(1, TABLE_BPF), CALL(1)),
	TRIPS("insn 2: helper 3 is not for such a table", TABLE(1, TABLE_HASH), CALL(3)),
	TRIPS("insn 2: r2 is no number", TABLE(1, TABLE_BITS), CALL(1)),
	TRIPS("insn 3: r3 is no number", MOV(2, 0), TABLE(1, TABLE_SET), CALL(2)),
	TRIPS("insn 4: no such helper, or no table in r1",
	      MOV(2, 0), TABLE(1, TABLE_BITS), CALL(1), CALL(1)),
	TRIPS("insn 5: r5 is no number",
	      MOV(5, 0), MOV(2, 0), TABLE(1, TABLE_BITS), CALL(1), ALU(BPF_ADD, 5, 1)),
	/* What is no instruction, and ways that lead out. */
	TRIPS("insn 0: no such instruction", INSN(0xe7, 0, 0, 0, 0)),
	TRIPS("insn 0: no such instruction", INSN(0x37, 0, 0, 1, 1)), /* signed division */
	TRIPS("insn 1: no such order of bytes", MOV(0, 0), END(BPF_TO_LE, 0, 8)),
	TRIPS("insn 1: no such order of bytes", MOV(0, 0), INSN(0xd7, 0, 0, 0, 16)),
	TRIPS("insn 0: no such jump", INSN(0x06, 0, 0, 0, 0)),
	TRIPS("insn 0: no such jump", INSN(0x8d, 0, 0, 0, 0)),
	TRIPS("insn 0: no such jump", INSN(0xe5, 0, 0, 0, 0)),
	TRIPS("insn 0: jumps back", JA(-1)),
	TRIPS("insn 1: jumps back", MOV(0, 0), JMP(BPF_JEQ, 0, 0, -2)),
	TRIPS("insn 2: runs on behind the end", JA(1)),
	TRIPS("insn 32768: runs on behind the end", JA(32767)),
	/* Into the middle of LD_IMM64. */
	TRIPS("insn 2: no such load", JA(1), LONG(0, 0, 0)),
};

/* clang-format on */

static void test_trips(void **state)
{
	const struct seccomp_data call = { .nr = 1 };
	struct secmap_why why;
	u32 i, value = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(trips); i++) {
		struct secmap_interpreter run;
		struct bpf_insn *insns;
		u32 len = PROGRAM;
		int err;

		while (trips[i].insns[len - 1].code != (BPF_JMP | BPF_EXIT))
			len--;
		/* In memory of just that size. */
		insns = ebpf_copy(trips[i].insns, len);
		why = (struct secmap_why){ "" };
		run = program_interpreter(insns, len, NULL);
		err = secmap_interpret(&run, &call, &value, &why);
		if (err != -EFAULT || strcmp(why.text, trips[i].text))
			fail_msg("case %u: %d, \"%s\", not \"%s\"", i, err, why.text,
				 trips[i].text);
		assert_int_equal(secmap_interpret(&run, &call, &value, NULL), -EFAULT);
		free(insns);
	}
	program_tables_free();
	printf("%zu trips\n", ARRAY_SIZE(trips));
}

static u64 answer(void *of, u32 table, u64 key, u64 otherwise)
{
	*(u32 *)of = table;
	return key + otherwise;
}

/* What a BPF map holds is asked of whoever runs it; if of nobody, it is empty. */
static void test_lookup(void **state)
{
	static const struct bpf_insn insns[] = { MOV(2, 30), MOV(3, 12), TABLE(1, TABLE_BPF),
						 CALL(2), EXIT };
	struct secmap_interpreter run = program_interpreter(insns, ARRAY_SIZE(insns), NULL);
	const struct seccomp_data call = { .nr = 1 };
	u32 asked = 99, value;

	(void)state;
	assert_int_equal(secmap_interpret(&run, &call, &value, NULL), 0);
	assert_int_equal(value, 12);
	run.lookup = answer;
	run.lookup_of = &asked;
	assert_int_equal(secmap_interpret(&run, &call, &value, NULL), 0);
	assert_int_equal(value, 42);
	assert_int_equal(asked, TABLE_BPF);
	program_tables_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trips),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
