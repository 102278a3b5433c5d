// SPDX-License-Identifier: GPL-2.0-only
/* Prediction for eBPF: what it tells is true of every run, and it tells what can be known. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "kernel.h"
#include "predict.h"
#include "seed.h"
#include "table.h"
#include "verify.h"

#define PROGRAMS 40000
#define LEN	 48
#define VECTORS	 24 /* calls of one number, each with its own arguments and answers */

#define X86_64	 AUDIT_ARCH_X86_64
#define ROOM	 14

/* clang-format off */

#define NR(dst)		LDX(BPF_W, dst, 1, 0)
#define ARCH(dst)	LDX(BPF_W, dst, 1, 4)
#define ARG(dst)	LDX(BPF_DW, dst, 1, 16)
#define NOT_TOLD	{ false, 0, {
#define TOLD(value)	{ true, value, {
#define END_CASE	} }

/* Of number 5 on x86-64. */
static const struct {
	bool told;
	u32 value;
	struct bpf_insn insns[ROOM];
} cases[] = {
	TOLD(3) MOV(0, 3), EXIT END_CASE,
	TOLD(5) NR(0), EXIT END_CASE,
	TOLD(X86_64) ARCH(0), EXIT END_CASE,
	TOLD(5) LDX(BPF_DW, 0, 1, 0), EXIT END_CASE,
	TOLD(0xc000) LDX(BPF_H, 0, 1, 6), EXIT END_CASE,
	TOLD(0xc0) LDX(BPF_B, 0, 1, 7), EXIT END_CASE,
	NOT_TOLD LDX(BPF_B, 0, 1, 8), EXIT END_CASE,
	NOT_TOLD LDX(BPF_DW, 0, 1, 8), EXIT END_CASE,
	NOT_TOLD ARG(0), EXIT END_CASE,
	NOT_TOLD LDX(BPF_W, 0, 1, 60), EXIT END_CASE,
	/* What is returned has 32 bits. */
	TOLD(7) LONG(0, 7, 1), EXIT END_CASE,
	/* Loaded, and not looked at. */
	TOLD(3) ARG(0), MOV(0, 3), EXIT END_CASE,

	/* Branches that are known. */
	TOLD(1) NR(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 1), MOV(0, 2), EXIT END_CASE,
	TOLD(2) NR(2), MOV(0, 1), JMP(BPF_JEQ, 2, 6, 1), MOV(0, 2), EXIT END_CASE,
	TOLD(1) NR(2), MOV(0, 1), JMP32(BPF_JSGT, 2, -1, 1), MOV(0, 2), EXIT END_CASE,
	TOLD(1) NR(2), MOV(0, 1), JMP(BPF_JEQ, 2, 6, 1), JA(1), ARG(0), EXIT END_CASE,
	/* Behind a branch that is not taken nothing is asked. */
	TOLD(1) NR(2), MOV(0, 1), JMP(BPF_JNE, 2, 5, 1), EXIT, ARG(0), EXIT END_CASE,

	/* Branches that are not known: both ways. */
	TOLD(1) ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 0), EXIT END_CASE,
	TOLD(1) ARG(2), JMP(BPF_JEQ, 2, 5, 2), MOV(0, 1), EXIT, MOV(0, 1), EXIT END_CASE,
	TOLD(1) ARG(2), JMP(BPF_JEQ, 2, 5, 2), MOV(0, 1), JA(1), MOV(0, 1), EXIT END_CASE,
	NOT_TOLD ARG(2), JMP(BPF_JEQ, 2, 5, 2), MOV(0, 1), EXIT, MOV(0, 2), EXIT END_CASE,
	NOT_TOLD ARG(2), JMP(BPF_JEQ, 2, 5, 2), MOV(0, 1), JA(1), MOV(0, 2), EXIT END_CASE,
	NOT_TOLD ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 1), MOV(0, 2), EXIT END_CASE,
	NOT_TOLD ARG(2), MOV(0, 1), JMP_X(BPF_JEQ, 0, 2, 1), MOV(0, 2), EXIT END_CASE,
	NOT_TOLD ARG(2), MOV(0, 1), JMP_X(BPF_JEQ, 2, 0, 1), MOV(0, 2), EXIT END_CASE,
	/* They differ where nobody looks; in the upper half. */
	TOLD(1) ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 1), MOV(3, 2), EXIT END_CASE,
	NOT_TOLD ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 2), LONG(0, 1, 1), EXIT END_CASE,
	/* An unknown way, then a known one past what the other leads to. */
	TOLD(1) ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 2), NR(3), JMP(BPF_JEQ, 3, 5, 1),
		MOV(4, 0), EXIT END_CASE,
	NOT_TOLD ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 2), NR(3), JMP(BPF_JEQ, 3, 5, 1),
		MOV(0, 2), EXIT END_CASE,
	/* Three ways. */
	NOT_TOLD ARG(2), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 3), JMP(BPF_JEQ, 2, 6, 2),
		JMP(BPF_JEQ, 2, 7, 1), MOV(0, 2), EXIT END_CASE,

	/* Of operands each can be unknown. */
	TOLD(7) NR(0), MOV(2, 2), ALU_X(BPF_ADD, 0, 2), EXIT END_CASE,
	NOT_TOLD NR(0), ARG(2), ALU_X(BPF_ADD, 0, 2), EXIT END_CASE,
	NOT_TOLD ARG(0), MOV(2, 2), ALU_X(BPF_ADD, 0, 2), EXIT END_CASE,
	NOT_TOLD ARG(0), ALU(BPF_NEG, 0, 0), EXIT END_CASE,
	NOT_TOLD ARG(0), END(BPF_TO_BE, 0, 16), EXIT END_CASE,
	TOLD(0x500) NR(0), END(BPF_TO_BE, 0, 16), EXIT END_CASE,
	TOLD(5) ARG(0), NR(2), MOV_X(0, 2), EXIT END_CASE,
	NOT_TOLD NR(0), ARG(2), ALU32_X(BPF_MOV, 0, 2), EXIT END_CASE,
	TOLD(0) NR(0), MOV(2, 0), ALU_X(BPF_DIV, 0, 2), EXIT END_CASE,

	/* Through the stack and back: whole, in parts, too deep. */
	TOLD(5) NR(2), STX(BPF_DW, -8, 2), FILL(BPF_DW, 0, -8), EXIT END_CASE,
	TOLD(5) NR(2), STX(BPF_W, -4, 2), ST(BPF_W, -8, 1), FILL(BPF_W, 0, -4), EXIT END_CASE,
	TOLD(1) NR(2), STX(BPF_W, -4, 2), ST(BPF_W, -8, 1), FILL(BPF_W, 0, -8), EXIT END_CASE,
	TOLD(0x05000000) ST(BPF_DW, -8, 0), NR(2), STX(BPF_B, -5, 2), FILL(BPF_W, 0, -8), EXIT END_CASE,
	TOLD(9) ST(BPF_DW, -128, 9), FILL(BPF_DW, 0, -128), EXIT END_CASE,
	NOT_TOLD ST(BPF_DW, -136, 9), FILL(BPF_DW, 0, -136), EXIT END_CASE,
	NOT_TOLD ARG(2), STX(BPF_DW, -8, 2), FILL(BPF_DW, 0, -8), EXIT END_CASE,
	NOT_TOLD ARG(2), STX(BPF_B, -8, 2), FILL(BPF_B, 0, -8), EXIT END_CASE,
	NOT_TOLD ARG(2), STX(BPF_DW, -8, 2), ST(BPF_W, -8, 1), FILL(BPF_W, 0, -4), EXIT END_CASE,
	TOLD(1) ARG(2), STX(BPF_DW, -8, 2), ST(BPF_DW, -8, 1), FILL(BPF_W, 0, -8), EXIT END_CASE,
	NOT_TOLD ARG(2), ST(BPF_DW, -8, 1), JMP(BPF_JEQ, 2, 1, 1), ST(BPF_DW, -8, 2),
		FILL(BPF_DW, 0, -8), EXIT END_CASE,
	TOLD(5) STX(BPF_DW, -8, 1), MOV(1, 0), FILL(BPF_DW, 1, -8), NR(0), EXIT END_CASE,

	/* Tables: known key, unknown key; not there; of contents that may change. */
	TOLD(1) NR(2), TABLE(1, TABLE_BITS), CALL(1), EXIT END_CASE,
	TOLD(0) MOV(2, 6), TABLE(1, TABLE_BITS), CALL(1), EXIT END_CASE,
	TOLD(0) LONG(2, 5, 1), TABLE(1, TABLE_BITS), CALL(1), EXIT END_CASE,
	NOT_TOLD ARG(2), TABLE(1, TABLE_BITS), CALL(1), EXIT END_CASE,
	TOLD(4) NR(2), ARG(3), TABLE(1, TABLE_HASH), CALL(2), EXIT END_CASE,
	TOLD(9) MOV(2, 6), MOV(3, 9), TABLE(1, TABLE_HASH), CALL(2), EXIT END_CASE,
	NOT_TOLD MOV(2, 6), ARG(3), TABLE(1, TABLE_HASH), CALL(2), EXIT END_CASE,
	NOT_TOLD ARG(2), MOV(3, 9), TABLE(1, TABLE_HASH), CALL(2), EXIT END_CASE,
	TOLD(0) NR(2), MOV(3, 9), TABLE(1, TABLE_SET), CALL(2), EXIT END_CASE,
	NOT_TOLD NR(2), MOV(3, 9), TABLE(1, TABLE_BPF), CALL(2), EXIT END_CASE,
	TOLD(3) NR(2), MOV(3, 9), TABLE(1, TABLE_BPF), CALL(2), MOV(0, 3), EXIT END_CASE,
	/* A table from the stack; from where it is too deep to be known, which is not table 0. */
	TOLD(1) NR(2), TABLE(6, TABLE_BITS), STX(BPF_DW, -128, 6), FILL(BPF_DW, 1, -128),
		CALL(1), EXIT END_CASE,
	NOT_TOLD NR(2), MOV(3, 9), TABLE(6, TABLE_SET), STX(BPF_DW, -136, 6),
		FILL(BPF_DW, 1, -136), CALL(2), EXIT END_CASE,
};

/* clang-format on */

static void check_verified(const struct bpf_insn *insns, u32 len)
{
	struct secmap_verify_facts facts;
	struct secmap_why why;

	if (secmap_verify(insns, len, program_types, PROGRAM_TABLES, &facts, &why))
		fail_msg("%s", why.text);
}

static struct secmap_predict_room *room_of(const struct bpf_insn *insns, u32 len)
{
	const struct secmap_ebpf program = { insns, len, program_tables(), PROGRAM_TABLES };
	struct secmap_predict_room *room = secmap_predict_room_create(&program);

	assert_non_null(room);
	return room;
}

static void test_cases(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct bpf_insn *insns = cases[i].insns;
		struct secmap_predict_room *room;
		u32 len = ROOM, action = 0;
		bool told;

		while (insns[len - 1].code != (BPF_JMP | BPF_EXIT))
			len--;
		check_verified(insns, len);
		room = room_of(insns, len);
		/* The room is as good the third time, for another ABI and another number. */
		secmap_predict_ebpf(room, AUDIT_ARCH_I386, 7, &action);
		secmap_predict_ebpf(room, X86_64, 7, &action);
		told = secmap_predict_ebpf(room, X86_64, 5, &action);
		if (told != cases[i].told || (told && action != cases[i].value))
			fail_msg("case %u: %d, %#x", i, told, action);
		secmap_predict_room_free(room);
	}
	program_tables_free();
	assert_int_equal(kernel.live, 0);
	printf("%zu programs\n", ARRAY_SIZE(cases));
}

/*
 * A list as people write it: wrong ABI, x32, some numbers allowed by a bitmap, one for an
 * argument. All numbers but that one are told, each rightly.
 */
static void test_list(void **state)
{
	static const struct bpf_insn insns[] = {
		MOV_X(6, 1),
		LDX(BPF_W, 2, 6, 4),
		JMP32(BPF_JNE, 2, (s32)X86_64, 14),
		LDX(BPF_W, 7, 6, 0),
		JMP32(BPF_JGE, 7, 0x40000000, 12),
		JMP32(BPF_JEQ, 7, 16, 6),
		MOV_X(2, 7),
		TABLE(1, TABLE_BITS),
		CALL(1),
		JMP(BPF_JEQ, 0, 0, 6),
		JA(2),
		LDX(BPF_DW, 2, 6, 24),
		JMP(BPF_JNE, 2, 0x5401, 3),
		LONG(0, SECCOMP_RET_ALLOW, 0),
		EXIT,
		MOV(0, SECCOMP_RET_ERRNO | 1),
		EXIT,
	};
	u32 len = ARRAY_SIZE(insns), nr, action;
	struct secmap_predict_room *room;

	(void)state;
	check_verified(insns, len);
	room = room_of(insns, len);
	for (nr = 0; nr < 1024; nr++) {
		bool allowed = secmap_table_has(program_tables()[TABLE_BITS], nr);
		bool told = secmap_predict_ebpf(room, X86_64, nr, &action);

		assert_int_equal(told, nr != 16);
		if (told)
			assert_int_equal(action,
					 allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | 1);
		assert_true(secmap_predict_ebpf(room, X86_64, nr | 0x40000000, &action));
		assert_int_equal(action, SECCOMP_RET_ERRNO | 1);
		assert_true(secmap_predict_ebpf(room, AUDIT_ARCH_I386, nr, &action));
		assert_int_equal(action, SECCOMP_RET_ERRNO | 1);
	}
	secmap_predict_room_free(room);
	program_tables_free();
}

static struct bpf_insn program[LEN];

/* What this run has met. */
static struct {
	u32 told, telling, not_told;
} seen;

/* Does it never load what is not known, nor keep anything too deep on the stack? */
static bool loads_known(u32 len)
{
	u32 pc;

	for (pc = 0; pc < len; pc++) {
		const struct bpf_insn *insn = &program[pc];

		if (BPF_CLASS(insn->code) == BPF_LDX && (insn->off >= 8 || insn->off < -128))
			return false;
		if (insn->code == 0x18 && insn->src_reg && insn->imm == TABLE_BPF)
			return false;
	}
	return true;
}

static void judge(struct secmap_predict_room *room, u32 len, u32 arch, u32 nr)
{
	u64 salt;
	struct secmap_interpreter run = program_interpreter(program, len, &salt);
	struct secmap_why why = { "" };
	struct seccomp_data call;
	u32 action, value, i;

	if (!secmap_predict_ebpf(room, arch, nr, &action)) {
		assert_false(loads_known(len));
		seen.not_told++;
		return;
	}
	seen.told++;
	/* Told although there is something to be wrong about. */
	seen.telling += !loads_known(len);
	for (i = 0; i < VECTORS; i++) {
		salt = seed_next();
		ebpf_call(&call);
		call.nr = nr;
		call.arch = arch;
		if (secmap_interpret(&run, &call, &value, &why))
			fail_msg("%s", why.text);
		if (value != action) {
			ebpf_print(program, len);
			fail_msg("arch %#x, nr %#x: %#x, not %#x", arch, nr, value, action);
		}
	}
}

static void test_random(void **state)
{
	static const u32 archs[] = { X86_64, AUDIT_ARCH_I386 };
	u32 i, n, len;

	(void)state;
	seed_start("prediction against runs");
	for (i = 0; i < PROGRAMS; i++) {
		struct secmap_predict_room *room;

		len = 2 + seed_below(LEN - 1);
		ebpf_random(program, len, seed_below);
		room = room_of(program, len);
		for (n = 0; n < 3; n++)
			judge(room, len, archs[seed_below(2)], seed_below(8));
		judge(room, len, archs[seed_below(2)], seed_next());
		secmap_predict_room_free(room);
	}
	program_tables_free();
	assert_int_equal(kernel.live, 0);
	printf("%u programs: %u calls told, %u where something is unknown; %u not told\n", PROGRAMS,
	       seen.told, seen.telling, seen.not_told);
	assert_true(seen.telling > PROGRAMS / 2 && seen.not_told > PROGRAMS / 4);
}

static void test_memory(void **state)
{
	static const struct bpf_insn insns[] = { MOV(0, 0), JA(0), EXIT };
	const struct secmap_ebpf of = { insns, ARRAY_SIZE(insns), NULL, 0 };
	size_t n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		kernel_reset();
		kernel.fail_at = n;
		assert_null(secmap_predict_room_create(&of));
		assert_int_equal(kernel.live, 0);
	}
	kernel_reset();
	secmap_predict_room_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
