// SPDX-License-Identifier: GPL-2.0-only
/* Tallies: each verdict has a counter of its own, which tells what it is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "rules.h"
#include "spec.h"
#include "tally.h"

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO SECCOMP_RET_ERRNO
#define TRAP  SECCOMP_RET_TRAP

static struct spec spec;

/* Native: an unconditional rule, one of two conditions, one of one; x32 has none; i386: defaults. */
static struct secmap_rules *make_rules(void)
{
	struct secmap_abi *abi;
	u32 i;

	spec_init(&spec, TRAP | 5);
	abi = spec_abi(&spec, SECMAP_ABI_X86_64, ERRNO | 1);
	abi->newer_from = 600;
	abi->newer_action = ERRNO | 38;
	spec_allow(&spec, 3);
	spec_rule(&spec, 0, ERRNO | 10);
	spec_rule(&spec, 200, ERRNO | 11);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	spec_cond(&spec, 1, SECMAP_OP_EQ, 64, 1);
	for (i = 0; i < 3; i++) {
		spec_rule(&spec, 200 + i, ERRNO | (12 + i));
		spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 2);
	}
	spec_rule(&spec, SECMAP_NR_MAX - 1, TRAP | 6);
	spec_abi(&spec, SECMAP_ABI_I386, ALLOW);
	return spec_taken(&spec);
}

static void counted(const struct secmap_tally *tally, const struct secmap_rules *rules,
		    struct secmap_count what)
{
	struct secmap_verdict verdict = { what.action, what.rule };
	u32 place = secmap_tally_place(tally, what.abi, verdict);
	struct secmap_count told;

	assert_in_range(place, 0, secmap_tally_size(tally) - 1);
	told = secmap_tally_tell(tally, rules, place);
	assert_int_equal(told.abi, what.abi);
	assert_int_equal(told.nr, what.nr);
	assert_int_equal(told.rule, what.rule);
	assert_int_equal(told.action, what.action);
	assert_int_equal(told.count, 0);
}

static void test_rules(void **state)
{
	struct secmap_rules *rules = make_rules();
	struct secmap_tally tally = secmap_tally_of(rules);
	const u32 none = SECMAP_NR_NONE;

	(void)state;
	assert_int_equal(secmap_tally_size(&tally), 3 * 4 + 6);
	counted(&tally, rules, (struct secmap_count){ 0, none, SECMAP_RULE_ALLOW, ALLOW, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, none, SECMAP_RULE_DEFAULT, ERRNO | 1, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, none, SECMAP_RULE_NEWER, ERRNO | 38, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, 0, 0, ERRNO | 10, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, 200, 1, ERRNO | 11, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, 200, 2, ERRNO | 12, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, 201, 3, ERRNO | 13, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, 202, 4, ERRNO | 14, 0 });
	counted(&tally, rules, (struct secmap_count){ 0, SECMAP_NR_MAX - 1, 5, TRAP | 6, 0 });
	counted(&tally, rules, (struct secmap_count){ 1, none, SECMAP_RULE_FOREIGN, TRAP | 5, 0 });
	counted(&tally, rules, (struct secmap_count){ 2, none, SECMAP_RULE_DEFAULT, ALLOW, 0 });
	secmap_rules_free(rules);
}

/* Each place is told as something whose place it is. */
static void test_there_and_back(void **state)
{
	struct secmap_rules *rules = make_rules();
	struct secmap_tally of_rules = secmap_tally_of(rules), of_program = secmap_tally_of(NULL);
	u32 place;

	(void)state;
	for (place = 0; place < secmap_tally_size(&of_rules); place++) {
		struct secmap_count told = secmap_tally_tell(&of_rules, rules, place);
		struct secmap_verdict verdict = { told.action, told.rule };

		assert_int_equal(secmap_tally_place(&of_rules, told.abi, verdict), place);
	}
	for (place = 0; place < secmap_tally_size(&of_program); place++) {
		struct secmap_count told = secmap_tally_tell(&of_program, NULL, place);
		struct secmap_verdict verdict = { told.action | 77, told.rule };

		assert_int_equal(told.nr, SECMAP_NR_NONE);
		assert_int_equal(secmap_tally_place(&of_program, told.abi, verdict), place);
	}
	secmap_rules_free(rules);
}

static void test_programs(void **state)
{
	struct secmap_tally tally = secmap_tally_of(NULL);
	struct secmap_verdict unknown = { 0x12340000, SECMAP_RULE_PROGRAM };
	u32 place = secmap_tally_place(&tally, SECMAP_ABI_X32, unknown);

	(void)state;
	assert_int_equal(secmap_tally_size(&tally), 3 * 8);
	assert_int_equal(secmap_tally_tell(&tally, NULL, place).action, SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(secmap_tally_tell(&tally, NULL, place).abi, SECMAP_ABI_X32);
}

/* A call of no ABI that has a number is counted nowhere. */
static void test_no_abi(void **state)
{
	struct secmap_tally tally = secmap_tally_of(NULL);
	struct secmap_verdict verdict = { ALLOW, SECMAP_RULE_PROGRAM };

	(void)state;
	assert_int_equal(secmap_tally_place(&tally, SECMAP_ABI_COUNT, verdict),
			 secmap_tally_size(&tally));
	assert_int_equal(secmap_tally_place(&tally, U32_MAX, verdict), secmap_tally_size(&tally));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_no_abi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
