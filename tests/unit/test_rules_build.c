// SPDX-License-Identifier: GPL-2.0-only
/* Making rules: each refusal once, each bound, every allocation refused, and the facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "rules.h"
#include "spec.h"
#include "table.h"
#include "verdict.h"

#define ALLOW SECCOMP_RET_ALLOW
#define KILL  SECCOMP_RET_KILL_PROCESS
#define ERRNO SECCOMP_RET_ERRNO

static struct spec spec;
static struct secmap_table *table;

static int make_table(void **state)
{
	struct secmap_table_spec keys = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = 2,
		.count = 2,
		.keys = (u64[]){ 3, 5 },
	};

	(void)state;
	table = secmap_table_create(&keys, NULL);
	return IS_ERR(table);
}

static int free_table(void **state)
{
	(void)state;
	secmap_table_free(table);
	return kernel.live != 0;
}

/* Refused with this errno and sentence, with and without a place for it; nothing stays. */
static void refused(int err, const char *text)
{
	size_t live = kernel.live;
	struct secmap_why why = { "" };
	struct secmap_rules *rules = secmap_rules_create(&spec.top, &why);

	assert_true(IS_ERR(rules));
	assert_string_equal(why.text, text);
	assert_int_equal(PTR_ERR(rules), err);
	assert_int_equal(kernel.live, live);
	rules = secmap_rules_create(&spec.top, NULL);
	assert_int_equal(PTR_ERR(rules), err);
	assert_int_equal(kernel.live, live);
}

/* Something of everything, and nothing wrong with it: two sections, four rules. */
static void base(void)
{
	spec_init(&spec, KILL);
	spec_table(&spec, table);
	spec_abi(&spec, SECMAP_ABI_X86_64, ERRNO | 1);
	spec_allow(&spec, 0);
	spec_allow(&spec, 1023);
	spec_rule(&spec, 5, ALLOW);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);

	spec_abi(&spec, SECMAP_ABI_I386, ERRNO | 1);
	spec_rule(&spec, 5, ALLOW);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	spec_rule(&spec, 5, SECCOMP_RET_LOG);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	spec_cond(&spec, 1, SECMAP_OP_LT, 32, U32_MAX);
	spec_rule(&spec, 7, ERRNO | 2);
}

/* The last section, where most of the faults are put: its index is in the sentences. */
#define SECTION (spec.abis[1].abi)
#define RULES	(spec.rules[1])
#define CONDS	(spec.conds[1])

static void test_base(void **state)
{
	(void)state;
	base();
	secmap_rules_free(spec_taken(&spec));
	secmap_rules_free(NULL);
}

static void test_refuse_top(void **state)
{
	(void)state;
	base();
	spec.top.foreign_action = 0x00010000;
	refused(-EOPNOTSUPP, "foreign_action 0x10000 is unknown");
	base();
	spec.top.foreign_action = ERRNO | 514;
	refused(-EINVAL, "foreign_action 0x50202 has an errno that restarts calls");
	base();
	spec.top.abi_count = 0;
	refused(-EINVAL, "abi_count is 0");
	base();
	spec.top.abi_count = 4;
	refused(-E2BIG, "abi_count 4 is above the limit of 3");
	base();
	spec.top.table_count = SECMAP_LIMIT_TABLES + 1;
	refused(-E2BIG, "table_count 257 is above the limit of 256");
}

static void test_refuse_abi(void **state)
{
	(void)state;
	base();
	SECTION.abi = 3;
	refused(-EOPNOTSUPP, "abis[1]: ABI 3 is unknown");
	base();
	SECTION.abi = SECMAP_ABI_X86_64;
	refused(-EEXIST, "abis[1]: ABI 0 has a section before");
	base();
	SECTION.allow_words = 17;
	refused(-E2BIG, "abis[1]: allow_words 17 is above the limit of 16");
	base();
	SECTION.rule_count = SECMAP_LIMIT_RULES + 1;
	refused(-E2BIG, "abis[1]: rule_count 16385 is above the limit of 16384");
	base();
	SECTION.cond_count = SECMAP_LIMIT_SECTION_CONDS + 1;
	refused(-E2BIG, "abis[1]: cond_count 65537 is above the limit of 65536");
	base();
	SECTION.default_action = 0x12345678;
	refused(-EOPNOTSUPP, "abis[1]: default_action 0x12345678 is unknown");
	base();
	SECTION.default_action = ERRNO | 512;
	refused(-EINVAL, "abis[1]: default_action 0x50200 has an errno that restarts calls");
	base();
	SECTION.newer_action = ERRNO | 38;
	refused(-EINVAL, "abis[1]: newer_action, but newer_from is NONE");
	base();
	SECTION.newer_from = 400;
	SECTION.newer_action = 0x00060000;
	refused(-EOPNOTSUPP, "abis[1]: newer_action 0x60000 is unknown");
	base();
	SECTION.newer_from = 400;
	SECTION.newer_action = ERRNO | 516;
	refused(-EINVAL, "abis[1]: newer_action 0x50204 has an errno that restarts calls");
	base();
	spec.abis[0].abi.abi = U32_MAX;
	refused(-EOPNOTSUPP, "abis[0]: ABI 4294967295 is unknown");
}

static void test_refuse_rule(void **state)
{
	(void)state;
	base();
	RULES[1].action = 0x7fff0000 - 0x10000;
	refused(-EOPNOTSUPP, "abis[1].rules[1]: action 0x7ffe0000 is unknown");
	base();
	RULES[1].action = ERRNO | 513;
	refused(-EINVAL, "abis[1].rules[1]: action 0x50201 has an errno that restarts calls");
	base();
	RULES[2].nr = 1024;
	refused(-EINVAL, "abis[1].rules[2]: number 1024 is above 1023");
	base();
	RULES[2].nr = U32_MAX;
	refused(-EINVAL, "abis[1].rules[2]: number 4294967295 is above 1023");
	base();
	RULES[2].nr = 4;
	refused(-EINVAL, "abis[1].rules[2]: number 4 comes after 5");
	base();
	spec_rule(&spec, 7, ALLOW);
	refused(-EINVAL, "abis[1].rules[3]: number 7 has an unconditional rule");
	base();
	spec_allow(&spec, 7);
	refused(-EINVAL, "abis[1].rules[2]: number 7 is in the allow bitmap too");
	base();
	RULES[2].cond_count = SECMAP_LIMIT_RULE_CONDS + 1;
	refused(-E2BIG, "abis[1].rules[2]: cond_count 33 is above the limit of 32");
	base();
	RULES[2].cond_count = 1;
	refused(-EINVAL, "abis[1].rules[2]: cond_count 1, but only 0 are left");
	base();
	RULES[0].cond_count = 4;
	refused(-EINVAL, "abis[1].rules[0]: cond_count 4, but only 3 are left");
	base();
	RULES[1].cond_count = 1;
	refused(-EINVAL, "abis[1]: cond_count 3, but the rules' sum is 2");
	base();
	SECTION.rule_count = 0;
	refused(-EINVAL, "abis[1]: cond_count 3, but the rules' sum is 0");
}

/* Every operator that there is not. */
static void test_refuse_op(void **state)
{
	char text[80];
	u32 op;

	(void)state;
	base();
	CONDS[2].op = 9;
	refused(-EOPNOTSUPP, "abis[1].rules[1].conds[1]: op 9 is unknown");
	for (op = SECMAP_OP_COUNT; op <= 0xff; op++) {
		base();
		CONDS[0].op = op;
		snprintf(text, sizeof(text), "abis[1].rules[0].conds[0]: op %u is unknown", op);
		refused(-EOPNOTSUPP, text);
	}
}

static void test_refuse_cond(void **state)
{
	(void)state;
	base();
	CONDS[2].pad = 1;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: padding is not 0");
	base();
	CONDS[2].pad2 = 0x80000000;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: padding is not 0");
	base();
	CONDS[2].arg = 6;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: arg 6 is above 5");
	base();
	CONDS[2].arg = 255;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: arg 255 is above 5");
	base();
	CONDS[2].width = 0;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: width 0 is neither 32 nor 64");
	base();
	CONDS[2].width = 33;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: width 33 is neither 32 nor 64");
	base();
	CONDS[2].value = 1ULL << 32;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: value 0x100000000 is wider than 32 bits");
	base();
	CONDS[2].op = SECMAP_OP_MASKED_EQ;
	CONDS[2].mask = 1ULL << 63;
	refused(-EINVAL,
		"abis[1].rules[1].conds[1]: mask 0x8000000000000000 is wider than 32 bits");
	base();
	CONDS[2].op = SECMAP_OP_IN;
	CONDS[2].value = 0;
	CONDS[2].mask = 1ULL << 32;
	refused(-EINVAL, "abis[1].rules[1].conds[1]: mask 0x100000000 is wider than 32 bits");
}

static void test_refuse_meaningless(void **state)
{
	char text[80];
	u32 op;

	(void)state;
	for (op = 0; op < SECMAP_OP_COUNT; op++) {
		bool in_table = op == SECMAP_OP_IN || op == SECMAP_OP_NOT_IN;

		base();
		CONDS[0] = (struct secmap_cond){ .op = op, .width = 64 };
		if (in_table)
			CONDS[0].value = 1;
		else
			CONDS[0].table = 1;
		snprintf(text, sizeof(text),
			 "abis[1].rules[0].conds[0]: op %u has no %s, but it is not 0", op,
			 in_table ? "value" : "table");
		refused(-EINVAL, text);

		base();
		CONDS[0] = (struct secmap_cond){ .op = op, .width = 64, .mask = 1 };
		if (in_table || op == SECMAP_OP_MASKED_EQ) {
			secmap_rules_free(spec_taken(&spec));
			continue;
		}
		snprintf(text, sizeof(text),
			 "abis[1].rules[0].conds[0]: op %u has no mask, but it is not 0", op);
		refused(-EINVAL, text);
	}
}

static void test_refuse_table(void **state)
{
	u8 op;

	(void)state;
	for (op = SECMAP_OP_IN; op <= SECMAP_OP_NOT_IN; op++) {
		base();
		CONDS[0].op = op;
		CONDS[0].value = 0;
		CONDS[0].table = 1;
		refused(-EINVAL, "abis[1].rules[0].conds[0]: table 1, but there are only 1");
		spec.top.table_count = 0;
		CONDS[0].table = 0;
		refused(-EINVAL, "abis[1].rules[0].conds[0]: table 0, but there are only 0");
	}
}

/* Rules of number 9, one condition each: a cost of two a rule. */
static void costly(u32 rules)
{
	spec_init(&spec, KILL);
	spec_abi(&spec, SECMAP_ABI_X32, KILL);
	spec_rule(&spec, 8, ALLOW);
	while (rules--) {
		spec_rule(&spec, 9, ALLOW);
		spec_cond(&spec, 0, SECMAP_OP_EQ, 64, rules);
	}
}

static void test_cost(void **state)
{
	struct secmap_rules *rules;

	(void)state;
	costly(SECMAP_LIMIT_COST / 2);
	rules = spec_taken(&spec);
	assert_int_equal(secmap_rules_facts(rules)->cost, SECMAP_LIMIT_COST);
	secmap_rules_free(rules);

	spec_rule(&spec, 9, ALLOW);
	refused(-E2BIG, "abis[0]: number 9 costs 4097 to judge, the limit is 4096");

	costly(3);
	rules = spec_taken(&spec);
	assert_int_equal(secmap_rules_facts(rules)->cost, 6);
	secmap_rules_free(rules);
}

/* As much as there may be, in all three sections; the last of it decides. */
static void test_most(void **state)
{
	struct seccomp_data call = { .nr = 1023, .arch = AUDIT_ARCH_I386, .args = { 7 } };
	u32 abi, i, c;
	struct secmap_rules *rules;
	struct secmap_verdict verdict;

	(void)state;
	spec_init(&spec, KILL);
	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++) {
		spec_abi(&spec, abi, KILL);
		for (i = 0; i < SECMAP_LIMIT_RULES; i++) {
			bool last = i == SECMAP_LIMIT_RULES - 1;

			spec_rule(&spec, i / 16, SECCOMP_RET_LOG | (i & 0xffff));
			for (c = 0; c < 4; c++)
				spec_cond(&spec, 0, last ? SECMAP_OP_EQ : SECMAP_OP_NE, 64, 7);
		}
	}
	rules = spec_taken(&spec);
	verdict = secmap_rules_eval(rules, &call);
	assert_int_equal(verdict.rule, SECMAP_LIMIT_RULES - 1);
	assert_int_equal(verdict.action, SECCOMP_RET_LOG | (SECMAP_LIMIT_RULES - 1));
	assert_int_equal(secmap_rules_facts(rules)->cost, 16 * 5);
	assert_true(secmap_rules_facts(rules)->bytes >
		    3 * (SECMAP_LIMIT_RULES * 8ULL + SECMAP_LIMIT_SECTION_CONDS * 16ULL));
	secmap_rules_free(rules);

	/* The most conditions that a rule may have. */
	spec_init(&spec, KILL);
	spec_abi(&spec, 0, KILL);
	spec_rule(&spec, 0, ALLOW);
	for (c = 0; c < SECMAP_LIMIT_RULE_CONDS; c++)
		spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 7);
	secmap_rules_free(spec_taken(&spec));
}

static void test_no_memory(void **state)
{
	size_t live = kernel.live, at;

	(void)state;
	base();
	for (at = 1; at < 100; at++) {
		struct secmap_why why = { "" };
		struct secmap_rules *rules;

		kernel_reset();
		kernel.fail_at = at;
		rules = secmap_rules_create(&spec.top, &why);
		if (!IS_ERR(rules)) {
			secmap_rules_free(rules);
			break;
		}
		assert_int_equal(PTR_ERR(rules), -ENOMEM);
		assert_non_null(strstr(why.text, "no memory for "));
		assert_int_equal(kernel.live, live);
	}
	/* The rules, and two sections. */
	assert_int_equal(at, 4);
	kernel_reset();
}

static void test_facts(void **state)
{
	const struct secmap_rules_facts *facts;
	struct secmap_rules *rules;

	(void)state;
	base();
	spec.top.foreign_action = SECCOMP_RET_TRAP;
	SECTION.newer_from = 900;
	SECTION.newer_action = SECCOMP_RET_KILL_THREAD;
	rules = spec_taken(&spec);
	facts = secmap_rules_facts(rules);
	assert_int_equal(facts->abis, 1 << SECMAP_ABI_X86_64 | 1 << SECMAP_ABI_I386);
	assert_int_equal(facts->actions, SECMAP_ACTION_TRAP | SECMAP_ACTION_ERRNO |
						 SECMAP_ACTION_ALLOW | SECMAP_ACTION_LOG |
						 SECMAP_ACTION_KILL_THREAD);
	assert_int_equal(facts->foreign_action, SECCOMP_RET_TRAP);
	assert_int_equal(facts->cost, 5);
	assert_int_equal(facts->allow_count[SECMAP_ABI_X86_64], 2);
	assert_int_equal(facts->allow_count[SECMAP_ABI_X32], 0);
	assert_int_equal(facts->allow_count[SECMAP_ABI_I386], 0);
	assert_int_equal(facts->rule_count[SECMAP_ABI_X86_64], 1);
	assert_int_equal(facts->rule_count[SECMAP_ABI_I386], 3);
	assert_int_equal(facts->cond_count[SECMAP_ABI_X86_64], 1);
	assert_int_equal(facts->cond_count[SECMAP_ABI_I386], 3);
	assert_int_equal(facts->default_action[SECMAP_ABI_I386], ERRNO | 1);
	assert_int_equal(facts->default_action[SECMAP_ABI_X32], 0);
	assert_true(facts->bytes > 2 * 2048 && facts->bytes < 16384);
	secmap_rules_free(rules);

	/* What no call can get is not among the actions. */
	spec_init(&spec, KILL);
	spec_abi(&spec, SECMAP_ABI_X32, KILL);
	rules = spec_taken(&spec);
	assert_int_equal(secmap_rules_facts(rules)->actions, SECMAP_ACTION_KILL_PROCESS);
	secmap_rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_refuse_top),
		cmocka_unit_test(test_refuse_abi),
		cmocka_unit_test(test_refuse_rule),
		cmocka_unit_test(test_refuse_op),
		cmocka_unit_test(test_refuse_cond),
		cmocka_unit_test(test_refuse_meaningless),
		cmocka_unit_test(test_refuse_table),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, make_table, free_table);
}
