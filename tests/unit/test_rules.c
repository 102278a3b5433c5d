// SPDX-License-Identifier: GPL-2.0-only
/* Judging by rules: numbers at every bound, what is newer, and what is allowed at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "rules.h"
#include "spec.h"
#include "table.h"

#define ALLOW SECCOMP_RET_ALLOW
#define KILL  SECCOMP_RET_KILL_PROCESS
#define ERRNO SECCOMP_RET_ERRNO

static struct spec spec;

static void judged(const struct secmap_rules *rules, u32 arch, u32 nr, u32 action, u32 rule)
{
	struct seccomp_data call = { .nr = nr, .arch = arch };
	struct secmap_verdict verdict = secmap_rules_eval(rules, &call);

	assert_int_equal(verdict.action, action);
	assert_int_equal(verdict.rule, rule);
}

/* Numbers at every bound, in every ABI. */
static void test_numbers(void **state)
{
	const u32 x86 = AUDIT_ARCH_X86_64, i386 = AUDIT_ARCH_I386;
	const u32 newer = SECMAP_RULE_NEWER, other = SECMAP_RULE_DEFAULT;
	struct secmap_abi *abi;
	struct secmap_rules *rules;

	(void)state;
	spec_init(&spec, KILL);
	abi = spec_abi(&spec, SECMAP_ABI_X86_64, ERRNO | 1);
	abi->newer_from = 1024;
	abi->newer_action = ERRNO | 38;
	spec_allow(&spec, 1023);
	spec_rule(&spec, 0, SECCOMP_RET_LOG);
	abi = spec_abi(&spec, SECMAP_ABI_X32, ERRNO | 2);
	abi->newer_from = 5;
	abi->newer_action = ERRNO | 39;
	spec_rule(&spec, 1023, SECCOMP_RET_LOG | 1);
	rules = spec_taken(&spec);

	judged(rules, x86, 0, SECCOMP_RET_LOG, 0);
	judged(rules, x86, 1, ERRNO | 1, other);
	judged(rules, x86, 1022, ERRNO | 1, other);
	judged(rules, x86, 1023, ALLOW, SECMAP_RULE_ALLOW);
	judged(rules, x86, 1024, ERRNO | 38, newer);
	judged(rules, x86, 0x3fffffff, ERRNO | 38, newer);
	judged(rules, x86, 0xffffffff, ERRNO | 1, other);

	judged(rules, x86, 0x40000000, ERRNO | 2, other);
	judged(rules, x86, 0x40000000 + 4, ERRNO | 2, other);
	judged(rules, x86, 0x40000000 + 5, ERRNO | 39, newer);
	judged(rules, x86, 0x40000000 + 1022, ERRNO | 39, newer);
	judged(rules, x86, 0x40000000 + 1023, SECCOMP_RET_LOG | 1, 0);
	judged(rules, x86, 0x40000000 + 1024, ERRNO | 39, newer);
	judged(rules, x86, 0x7fffffff, ERRNO | 39, newer);
	judged(rules, x86, 0x80000000, ERRNO | 39, newer);
	judged(rules, x86, 0xfffffffe, ERRNO | 39, newer);

	judged(rules, i386, 0, KILL, SECMAP_RULE_FOREIGN);
	judged(rules, i386, 0xffffffff, KILL, SECMAP_RULE_FOREIGN);
	judged(rules, AUDIT_ARCH_AARCH64, 0, KILL, SECMAP_RULE_FOREIGN);
	judged(rules, 0, 1023, KILL, SECMAP_RULE_FOREIGN);
	secmap_rules_free(rules);

	/* -1 is nobody's newer number, whatever newer_from is. */
	spec_init(&spec, KILL);
	abi = spec_abi(&spec, SECMAP_ABI_I386, ERRNO | 1);
	abi->newer_from = 0;
	abi->newer_action = ERRNO | 38;
	rules = spec_taken(&spec);
	judged(rules, i386, 0, ERRNO | 38, newer);
	judged(rules, i386, 0xfffffffe, ERRNO | 38, newer);
	judged(rules, i386, 0xffffffff, ERRNO | 1, other);
	judged(rules, x86, 0xffffffff, KILL, SECMAP_RULE_FOREIGN);
	secmap_rules_free(rules);
}

/* Numbers with rules, none of which holds, get the default, newer or not. */
static void test_newer_with_rules(void **state)
{
	struct secmap_abi *abi;
	struct secmap_rules *rules;

	(void)state;
	spec_init(&spec, KILL);
	abi = spec_abi(&spec, SECMAP_ABI_X86_64, ERRNO | 1);
	abi->newer_from = 3;
	abi->newer_action = ERRNO | 38;
	spec_rule(&spec, 4, ALLOW);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	rules = spec_taken(&spec);
	judged(rules, AUDIT_ARCH_X86_64, 3, ERRNO | 38, SECMAP_RULE_NEWER);
	judged(rules, AUDIT_ARCH_X86_64, 4, ERRNO | 1, SECMAP_RULE_DEFAULT);
	judged(rules, AUDIT_ARCH_X86_64, 5, ERRNO | 38, SECMAP_RULE_NEWER);
	secmap_rules_free(rules);
}

static u32 weight(const struct secmap_rules *rules, u32 abi)
{
	return bitmap_weight(secmap_rules_allowed(rules, abi), SECMAP_NR_MAX);
}

static void test_allowed(void **state)
{
	const unsigned long *allowed;
	struct secmap_abi *abi;
	struct secmap_rules *rules;

	(void)state;
	spec_init(&spec, KILL);
	abi = spec_abi(&spec, SECMAP_ABI_X86_64, ALLOW);
	abi->newer_from = 1000;
	abi->newer_action = ERRNO | 38;
	spec_allow(&spec, 1001);
	spec_rule(&spec, 1, ERRNO | 1);
	spec_rule(&spec, 2, ERRNO | 1);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	spec_rule(&spec, 3, ALLOW);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	spec_rule(&spec, 1002, ALLOW);
	spec_rule(&spec, 1003, ALLOW);
	spec_cond(&spec, 0, SECMAP_OP_EQ, 64, 1);
	rules = spec_taken(&spec);
	allowed = secmap_rules_allowed(rules, SECMAP_ABI_X86_64);
	/* 0, 3 ... 999 by default; 1001, 1002, 1003. */
	assert_true(test_bit(0, allowed) && test_bit(3, allowed) && test_bit(999, allowed));
	assert_true(test_bit(1001, allowed) && test_bit(1002, allowed) && test_bit(1003, allowed));
	assert_int_equal(weight(rules, SECMAP_ABI_X86_64), 1 + 997 + 3);
	assert_int_equal(weight(rules, SECMAP_ABI_X32), 0);
	assert_int_equal(weight(rules, SECMAP_ABI_I386), 0);
	assert_int_equal(weight(rules, SECMAP_ABI_COUNT), 0);
	assert_int_equal(weight(rules, U32_MAX), 0);
	secmap_rules_free(rules);

	/* Foreign ABIs that are allowed: all of their numbers. */
	spec.top.foreign_action = ALLOW | 1;
	rules = spec_taken(&spec);
	assert_int_equal(weight(rules, SECMAP_ABI_X86_64), 1 + 997 + 3);
	assert_int_equal(weight(rules, SECMAP_ABI_X32), SECMAP_NR_MAX);
	assert_int_equal(weight(rules, SECMAP_ABI_I386), SECMAP_NR_MAX);
	assert_int_equal(weight(rules, SECMAP_ABI_COUNT), SECMAP_NR_MAX);
	secmap_rules_free(rules);
}

/* What is handed over may go once the rules are made; the tables stay. */
static void test_nothing_kept(void **state)
{
	struct secmap_table_spec keys = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = 2,
		.count = 2,
		.keys = (u64[]){ 3, 5 },
	};
	struct secmap_table *table = secmap_table_create(&keys, NULL);
	struct seccomp_data call = { .nr = 9, .arch = AUDIT_ARCH_X86_64, .args = { 5 } };
	struct secmap_rules *rules;
	struct secmap_verdict verdict;

	(void)state;
	assert_false(IS_ERR(table));
	spec_init(&spec, KILL);
	spec_table(&spec, table);
	spec_abi(&spec, SECMAP_ABI_X86_64, KILL);
	spec_rule(&spec, 9, ERRNO | 9);
	spec_cond(&spec, 0, SECMAP_OP_IN, 32, 0)->mask = 7;
	rules = spec_taken(&spec);
	memset(&spec, 0xff, sizeof(spec));
	verdict = secmap_rules_eval(rules, &call);
	assert_int_equal(verdict.action, ERRNO | 9);
	call.args[0] = 0xfffffffffffffffb;
	assert_int_equal(secmap_rules_eval(rules, &call).rule, 0);
	call.args[0] = 4;
	assert_int_equal(secmap_rules_eval(rules, &call).rule, SECMAP_RULE_DEFAULT);
	secmap_rules_free(rules);
	secmap_table_free(table);
}

/* Two tables, one of them twice: what is said of its new keys, and all else as before. */
static void test_another_table(void **state)
{
	const struct secmap_table *tables[3];
	static const u64 keys[] = { 5, 6, 7 };
	struct secmap_rules *rules, *changed;
	struct secmap_cond *cond;
	struct seccomp_data call = { .nr = 9, .arch = AUDIT_ARCH_X86_64 };
	size_t live, at;
	u32 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct secmap_table_spec one = {
			.type = i == 1 ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH,
			.max_entries = 8,
			.count = 1,
			.keys = &keys[i],
		};

		tables[i] = secmap_table_create(&one, NULL);
		assert_false(IS_ERR(tables[i]));
	}
	spec_init(&spec, KILL);
	spec_table(&spec, tables[0]);
	spec_table(&spec, tables[1]);
	spec_abi(&spec, SECMAP_ABI_X86_64, ALLOW);
	spec_allow(&spec, 3);
	spec_rule(&spec, 9, ERRNO | 1);
	spec_cond(&spec, 0, SECMAP_OP_IN, 64, 0)->mask = 0xff;
	spec_rule(&spec, 9, ERRNO | 2);
	cond = spec_cond(&spec, 0, SECMAP_OP_IN, 64, 0);
	cond->mask = 0xff;
	cond->table = 1;
	spec_rule(&spec, 10, ERRNO | 3);
	spec_abi(&spec, SECMAP_ABI_I386, ERRNO | 4);
	spec_rule(&spec, 9, ERRNO | 5);
	spec_cond(&spec, 0, SECMAP_OP_NOT_IN, 32, 0)->mask = 0xff;
	rules = spec_taken(&spec);
	live = kernel.live;
	for (at = 1; at <= 3; at++) {
		kernel_reset();
		kernel.fail_at = at;
		assert_null(secmap_rules_with_table(rules, tables[0], tables[2]));
		assert_int_equal(kernel.live, live);
	}
	kernel_reset();
	changed = secmap_rules_with_table(rules, tables[0], tables[2]);
	assert_non_null(changed);
	assert_memory_equal(secmap_rules_facts(changed), secmap_rules_facts(rules),
			    sizeof(struct secmap_rules_facts));
	assert_memory_equal(secmap_rules_allowed(changed, SECMAP_ABI_X86_64),
			    secmap_rules_allowed(rules, SECMAP_ABI_X86_64), SECMAP_NR_MAX / 8);
	secmap_rules_free(rules);
	secmap_table_free((struct secmap_table *)tables[0]);

	judged(changed, AUDIT_ARCH_X86_64, 3, ALLOW, SECMAP_RULE_ALLOW);
	judged(changed, AUDIT_ARCH_X86_64, 10, ERRNO | 3, 2);
	judged(changed, AUDIT_ARCH_I386, 10, ERRNO | 4, SECMAP_RULE_DEFAULT);
	for (i = 5; i <= 8; i++) {
		static const u32 said[] = { [5] = ALLOW, ERRNO | 2, ERRNO | 1, ALLOW };

		call.args[0] = i;
		call.arch = AUDIT_ARCH_X86_64;
		assert_int_equal(secmap_rules_eval(changed, &call).action, said[i]);
		call.arch = AUDIT_ARCH_I386;
		assert_int_equal(secmap_rules_eval(changed, &call).action,
				 ERRNO | (i == 7 ? 4 : 5));
	}
	secmap_rules_free(changed);
	secmap_table_free((struct secmap_table *)tables[1]);
	secmap_table_free((struct secmap_table *)tables[2]);
}

static int nothing_left(void **state)
{
	(void)state;
	return kernel.live != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	      cmocka_unit_test(test_newer_with_rules),
		cmocka_unit_test(test_allowed),	      cmocka_unit_test(test_nothing_kept),
		cmocka_unit_test(test_another_table),
	};

	return cmocka_run_group_tests(tests, NULL, nothing_left);
}
