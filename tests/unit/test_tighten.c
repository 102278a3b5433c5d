// SPDX-License-Identifier: GPL-2.0-only
/* Tightening: what is shown to tighten, what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "spec.h"
#include "tighten.h"

#define ALLOW	SECCOMP_RET_ALLOW
#define EPERM_	(SECCOMP_RET_ERRNO | 1)
#define ENOSYS_ (SECCOMP_RET_ERRNO | 38)

static struct spec spec;
static struct secmap_table *tables[2];
static struct secmap_looser looser;
static struct secmap_why why;

static void begin(u32 default_action)
{
	spec_init(&spec, SECCOMP_RET_KILL_PROCESS);
	spec_table(&spec, tables[0]);
	spec_table(&spec, tables[1]);
	spec_abi(&spec, SECMAP_ABI_X86_64, default_action);
}

static struct secmap_cond *rule_if(u32 action, u8 arg, u8 op, u64 value)
{
	spec_rule(&spec, 41, action);
	return spec_cond(&spec, arg, op, 64, value);
}

static void rule_in(u32 action, u8 op, u32 table)
{
	struct secmap_cond *cond = rule_if(action, 0, op, 0);

	cond->table = table;
	cond->mask = U64_MAX;
}

static void rule_mask(u32 action, u64 mask, u64 value)
{
	rule_if(action, 0, SECMAP_OP_MASKED_EQ, value)->mask = mask;
}

static int compare(struct secmap_rules *from, struct secmap_rules *to)
{
	int err = secmap_tighten_check(from, to, &looser);

	why.text[0] = '\0';
	if (err == -EXDEV)
		assert_int_equal(secmap_tighten_refuse(&looser, &why), -EXDEV);
	secmap_rules_free(from);
	secmap_rules_free(to);
	return err;
}

static void assert_tightens(struct secmap_rules *from)
{
	int err = compare(from, spec_taken(&spec));

	if (err)
		fail_msg("%d: %s", err, why.text);
}

static void assert_loosens(struct secmap_rules *from, const char *text)
{
	assert_int_equal(compare(from, spec_taken(&spec)), -EXDEV);
	assert_string_equal(why.text, text);
}

/* 1, 2, 3 and 1, 2. */
static int make_tables(void **state)
{
	static const u64 keys[] = { 1, 2, 3 };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		struct secmap_table_spec table = {
			.type = i ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH,
			.max_entries = 8,
			.count = 3 - i,
			.keys = keys,
		};

		tables[i] = secmap_table_create(&table, NULL);
		assert_false(IS_ERR(tables[i]));
	}
	return 0;
}

static int free_tables(void **state)
{
	(void)state;
	secmap_table_free(tables[0]);
	secmap_table_free(tables[1]);
	assert_int_equal(kernel.live, 0);
	return 0;
}

static void test_the_same(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(ENOSYS_);
	spec_allow(&spec, 1);
	rule_if(ALLOW, 0, SECMAP_OP_NE, 16);
	rule_in(ALLOW, SECMAP_OP_IN, 0);
	from = spec_taken(&spec);
	assert_tightens(from);
}

static void test_fewer_numbers(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	spec_allow(&spec, 1);
	spec_allow(&spec, 2);
	from = spec_taken(&spec);
	begin(ENOSYS_);
	spec_allow(&spec, 2);
	assert_tightens(from);
	begin(EPERM_);
	spec_allow(&spec, 1);
	from = spec_taken(&spec);
	spec_allow(&spec, 2);
	assert_loosens(from, "x86_64 number 2: calls may get ALLOW by the bitmap that got ERRNO by "
			     "default_action");
}

static void test_a_stricter_default(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(ALLOW);
	from = spec_taken(&spec);
	begin(EPERM_);
	spec_allow(&spec, 1);
	assert_tightens(from);
	begin(EPERM_);
	from = spec_taken(&spec);
	begin(ALLOW);
	assert_loosens(from,
		       "x86_64 number 0: calls may get ALLOW by default_action that got ERRNO "
		       "by default_action");
}

static void test_a_number_that_gets_rules(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	spec_allow(&spec, 41);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 1);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 2);
	assert_tightens(from);
	from = spec_taken(&spec);
	begin(EPERM_);
	spec_allow(&spec, 41);
	assert_loosens(from,
		       "x86_64 number 41: calls may get ALLOW by the bitmap that got ERRNO by "
		       "default_action");
}

static void test_a_rule_that_denies_comes_first(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_LE, 16);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ENOSYS_, 1, SECMAP_OP_GT, 5);
	rule_if(ALLOW, 0, SECMAP_OP_LE, 16);
	assert_tightens(from);
}

static void test_a_rule_goes_or_gets_a_condition(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 1);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 2);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 2);
	spec_cond(&spec, 1, SECMAP_OP_NE, 64, 7);
	assert_tightens(from);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 2);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 3);
	assert_loosens(from, "x86_64 number 41: calls may get ALLOW by rule 0 that got ERRNO by "
			     "default_action");
}

static void test_ranges_and_masks(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_LT, 100);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_GE, 10);
	spec_cond(&spec, 0, SECMAP_OP_LE, 64, 99);
	assert_tightens(from);
	/* clone: no new namespaces, and then fewer flags still. */
	begin(EPERM_);
	rule_mask(ALLOW, 0x7e020000, 0);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_mask(ALLOW, 0x7e020011, 0x11);
	assert_tightens(from);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_mask(ALLOW, 0x7e020010, 0x10);
	assert_loosens(from, "x86_64 number 41: calls may get ALLOW by rule 0 that got ERRNO by "
			     "default_action");
}

static void test_tables(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	rule_in(ALLOW, SECMAP_OP_IN, 0);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_in(ALLOW, SECMAP_OP_IN, 1);
	assert_tightens(from);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_in(ALLOW, SECMAP_OP_IN, 0);
	assert_loosens(from, "x86_64 number 41: calls may get ALLOW by rule 0 that got ERRNO by "
			     "default_action");
	begin(ALLOW);
	rule_in(EPERM_, SECMAP_OP_IN, 1);
	from = spec_taken(&spec);
	begin(ALLOW);
	rule_in(EPERM_, SECMAP_OP_IN, 0);
	assert_tightens(from);
}

static void test_values_become_a_table(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 3);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 2);
	rule_if(ALLOW, 0, SECMAP_OP_EQ, 1);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_in(ALLOW, SECMAP_OP_IN, 0);
	assert_tightens(from);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_GE, 1);
	spec_cond(&spec, 0, SECMAP_OP_LE, 64, 3);
	assert_tightens(from);
}

/* A list of what is allowed, and one of what is not. */
static void test_said_the_other_way_round(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_LT, 10);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(EPERM_, 0, SECMAP_OP_GE, 8);
	spec_rule(&spec, 41, ALLOW);
	assert_tightens(from);
	from = spec_taken(&spec);
	begin(EPERM_);
	rule_if(ALLOW, 0, SECMAP_OP_LT, 9);
	assert_loosens(from, "x86_64 number 41: calls may get ALLOW by rule 0 that got ERRNO by "
			     "rule 0");
}

/* It may be called, and is never newer. */
static void test_number_minus_one(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	from = spec_taken(&spec);
	begin(ALLOW);
	spec.abis[0].abi.newer_from = 0;
	spec.abis[0].abi.newer_action = EPERM_;
	assert_loosens(from, "x86_64 number 4294967295: calls may get ALLOW by default_action that "
			     "got ERRNO by default_action");
}

static void test_arguments_of_i386_are_narrow(void **state)
{
	static const u32 abis[] = { SECMAP_ABI_X86_64, SECMAP_ABI_X32, SECMAP_ABI_I386 };
	struct secmap_rules *from;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(abis); i++) {
		begin(EPERM_);
		spec.abis[0].abi.abi = abis[i];
		rule_if(ALLOW, 0, SECMAP_OP_LE, U32_MAX);
		from = spec_taken(&spec);
		begin(EPERM_);
		spec.abis[0].abi.abi = abis[i];
		spec_rule(&spec, 41, ALLOW);
		assert_int_equal(compare(from, spec_taken(&spec)),
				 abis[i] == SECMAP_ABI_I386 ? 0 : -EXDEV);
	}
}

static void test_newer_numbers(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(EPERM_);
	spec.abis[0].abi.newer_from = 2000;
	spec.abis[0].abi.newer_action = SECCOMP_RET_TRAP;
	from = spec_taken(&spec);
	spec.abis[0].abi.newer_from = 1500;
	assert_tightens(from);
	from = spec_taken(&spec);
	spec.abis[0].abi.newer_from = 2500;
	assert_loosens(from, "x86_64 number 1500: calls may get ERRNO by default_action that got "
			     "TRAP by newer_action");
	/* Such numbers are those of x32. */
	spec.abis[0].abi.newer_from = 0x40000000;
	from = spec_taken(&spec);
	spec.abis[0].abi.newer_from = 0x40000001;
	assert_tightens(from);
}

static void test_other_abis(void **state)
{
	struct secmap_rules *from;

	(void)state;
	begin(ALLOW);
	from = spec_taken(&spec);
	spec.top.foreign_action = ALLOW;
	assert_loosens(from, "x32 number 0: calls may get ALLOW by foreign_action that got "
			     "KILL_PROCESS by foreign_action");
	spec_abi(&spec, SECMAP_ABI_X32, ALLOW);
	spec_abi(&spec, SECMAP_ABI_I386, ALLOW);
	spec.top.foreign_action = EPERM_;
	from = spec_taken(&spec);
	spec.top.foreign_action = ALLOW;
	assert_loosens(from, "other ABIs: calls may get ALLOW by foreign_action that got ERRNO by "
			     "foreign_action");
	from = spec_taken(&spec);
	begin(ALLOW);
	assert_tightens(from);
}

static void test_actions(void **state)
{
	static const u32 order[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
				     SECCOMP_RET_TRAP,	       SECCOMP_RET_ERRNO,
				     SECCOMP_RET_USER_NOTIF,   SECCOMP_RET_TRACE,
				     SECCOMP_RET_LOG,	       SECCOMP_RET_ALLOW };
	struct secmap_rules *from;
	u32 i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(order); i++)
		for (k = 0; k < ARRAY_SIZE(order); k++) {
			bool traced =
				order[i] == SECCOMP_RET_TRACE && order[k] == SECCOMP_RET_USER_NOTIF;

			begin(order[i] | 7);
			from = spec_taken(&spec);
			begin(order[k] | 8);
			assert_int_equal(compare(from, spec_taken(&spec)),
					 k > i || traced ? -EXDEV : 0);
		}
}

static void test_many_rules(void **state)
{
	struct secmap_rules *from;
	u32 i;

	(void)state;
	begin(EPERM_);
	for (i = 0; i < 2000; i++)
		rule_if(ALLOW, 0, SECMAP_OP_EQ, 2 * i);
	from = spec_taken(&spec);
	begin(EPERM_);
	for (i = 2000; i-- > 0;)
		rule_if(ALLOW, 0, SECMAP_OP_EQ, 2 * i);
	assert_tightens(from);
}

/* It does tighten, but each of the keys would have to be looked at: told, and in time. */
static void test_too_much(void **state)
{
	struct secmap_table_spec table = {
		.type = SECMAP_TABLE_BITMAP,
		.max_entries = SECMAP_LIMIT_BITMAP_BITS,
		.count = SECMAP_LIMIT_BITMAP_BITS,
	};
	u64 *keys = calloc(table.count, sizeof(*keys));
	struct secmap_rules *from;
	u32 i;

	(void)state;
	for (i = 0; i < table.count; i++)
		keys[i] = i;
	table.keys = keys;
	begin(EPERM_);
	for (i = 0; i < 4; i++) {
		rule_if(ALLOW, 0, i & 1 ? SECMAP_OP_LT : SECMAP_OP_GE, 600000);
		spec_cond(&spec, 1, i & 2 ? SECMAP_OP_LT : SECMAP_OP_GE, 64, 5);
	}
	from = spec_taken(&spec);
	begin(EPERM_);
	spec.tables[0] = secmap_table_create(&table, NULL);
	rule_in(ALLOW, SECMAP_OP_IN, 0);
	assert_loosens(from, "x86_64 number 41: too much to find out whether calls get "
			     "ALLOW by rule 0 that got ERRNO by default_action");
	secmap_table_free((struct secmap_table *)spec.tables[0]);
	free(keys);
}

/* Tables that take long to go through, and have next to nothing in them: as bounded. */
static void test_nearly_empty_tables(void **state)
{
	static const u64 last = SECMAP_LIMIT_BITMAP_BITS - 1;
	struct secmap_table_spec table = {
		.type = SECMAP_TABLE_BITMAP,
		.max_entries = SECMAP_LIMIT_BITMAP_BITS,
		.count = 1,
		.keys = &last,
	};
	struct secmap_table *sparse[] = { secmap_table_create(&table, NULL),
					  secmap_table_create(&table, NULL) };
	struct secmap_rules *from;
	u32 i;

	(void)state;
	begin(EPERM_);
	spec.tables[0] = sparse[0];
	for (i = 0; i < 240; i++)
		rule_in(ALLOW, SECMAP_OP_NOT_IN, 0);
	from = spec_taken(&spec);
	begin(EPERM_);
	spec.tables[0] = sparse[1];
	for (i = 0; i < 239; i++)
		rule_in(i % 2 ? SECCOMP_RET_LOG : ALLOW, SECMAP_OP_IN, 0);
	assert_int_equal(compare(from, spec_taken(&spec)), -EXDEV);
	assert_true(looser.spent);
	secmap_table_free(sparse[0]);
	secmap_table_free(sparse[1]);
}

static void test_no_memory(void **state)
{
	struct secmap_rules *from, *to;

	(void)state;
	begin(ALLOW);
	from = spec_taken(&spec);
	to = spec_taken(&spec);
	kernel_reset();
	kernel.fail_at = 1;
	assert_int_equal(compare(from, to), -ENOMEM);
	kernel_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same),
		cmocka_unit_test(test_fewer_numbers),
		cmocka_unit_test(test_a_stricter_default),
		cmocka_unit_test(test_a_number_that_gets_rules),
		cmocka_unit_test(test_a_rule_that_denies_comes_first),
		cmocka_unit_test(test_a_rule_goes_or_gets_a_condition),
		cmocka_unit_test(test_ranges_and_masks),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_values_become_a_table),
		cmocka_unit_test(test_said_the_other_way_round),
		cmocka_unit_test(test_number_minus_one),
		cmocka_unit_test(test_arguments_of_i386_are_narrow),
		cmocka_unit_test(test_newer_numbers),
		cmocka_unit_test(test_other_abis),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_nearly_empty_tables),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, make_tables, free_tables);
}
