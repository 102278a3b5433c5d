// SPDX-License-Identifier: GPL-2.0-only
/* Rules against the reference: random policies, judged at the values that matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "reference.h"
#include "rules.h"
#include "seed.h"
#include "spec.h"
#include "table.h"
#include "verdict.h"

#define POLICIES 4000
#define CALLS	 400 /* each */
#define KEYS	 24
#define NUMBERS	 12 /* that a policy has rules for, at most */

static struct spec spec;
static struct reference_table lists[SPEC_TABLES];
static struct secmap_table *tables[SPEC_TABLES];
static u64 keys[SPEC_TABLES][KEYS];

/* What this run has met; each must have happened. */
static struct {
	u64 calls, newer, foreign, rule, fallen, allow, ops[SECMAP_OP_COUNT][2][2];
} seen;

static bool is_allow(u32 action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
}

static u32 random_action(void)
{
	static const u32 actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
		SECCOMP_RET_ERRNO,	  SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG,	  SECCOMP_RET_ALLOW,	   SECCOMP_RET_ALLOW,
	};

	return actions[seed_below(ARRAY_SIZE(actions))] | (u32)seed_below(512);
}

static u32 random_nr(void)
{
	static const u32 edges[] = { 0, 1, 63, 64, 65, 127, 511, 1022, 1023 };

	return seed_once_in(2) ? edges[seed_below(ARRAY_SIZE(edges))] : seed_below(SECMAP_NR_MAX);
}

static void random_table(u32 t)
{
	bool bitmap = seed_once_in(3);
	struct secmap_table_spec table = {
		.type = bitmap ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH,
		.max_entries = bitmap ? 1 + seed_below(200) : KEYS,
		.keys = keys[t],
	};
	u32 want = seed_below(KEYS + 1), i;

	lists[t] = (struct reference_table){ .keys = keys[t] };
	while (want--) {
		u64 key = bitmap ? seed_below(table.max_entries) : seed_edge();

		for (i = 0; i < table.count && keys[t][i] != key; i++)
			;
		if (i == table.count)
			keys[t][table.count++] = key;
	}
	lists[t].count = table.count;
	tables[t] = secmap_table_create(&table, NULL);
	assert_false(IS_ERR(tables[t]));
	spec_table(&spec, tables[t]);
}

static void random_cond(void)
{
	bool narrow = seed_once_in(2);
	u64 fits = narrow ? U32_MAX : U64_MAX;
	u8 op = seed_below(SECMAP_OP_COUNT);
	struct secmap_cond *cond;

	if (op >= SECMAP_OP_IN && !spec.top.table_count)
		op = SECMAP_OP_MASKED_EQ;
	cond = spec_cond(&spec, seed_below(6), op, narrow ? 32 : 64, 0);
	if (op < SECMAP_OP_IN)
		cond->value = seed_edge() & fits;
	else
		cond->table = seed_below(spec.top.table_count);
	if (op >= SECMAP_OP_MASKED_EQ)
		cond->mask = (seed_once_in(2) ? U64_MAX : seed_edge()) & fits;
}

static void random_section(u32 abi)
{
	struct secmap_abi *section = spec_abi(&spec, abi, random_action());
	u32 chance = 1 + seed_below(6), nr, rules, conds;
	bool has_rules[SECMAP_NR_MAX] = { false };

	for (nr = seed_below(NUMBERS); nr; nr--)
		has_rules[random_nr()] = true;
	for (nr = 0; nr < SECMAP_NR_MAX; nr++)
		if (!has_rules[nr] && seed_once_in(chance))
			spec_allow(&spec, nr);
	section->allow_words = seed_once_in(2) ? SECMAP_NR_MAX / 64 : seed_below(17);

	if (seed_once_in(2)) {
		static const u32 edges[] = { 0,	   1,	       1022,	   1023,       1024,
					     1025, 0x3fffffff, 0x40000000, 0xbffffffe, 0xfffffffe };

		section->newer_from = seed_once_in(2) ? seed_below(SECMAP_NR_MAX) :
							edges[seed_below(ARRAY_SIZE(edges))];
		section->newer_action = random_action();
	}
	for (nr = 0; nr < SECMAP_NR_MAX; nr++) {
		if (!has_rules[nr])
			continue;
		for (rules = 1 + seed_below(4); rules; rules--) {
			spec_rule(&spec, nr, random_action());
			conds = seed_once_in(8) ? seed_below(SECMAP_LIMIT_RULE_CONDS + 1) :
						  seed_below(4);
			if (rules > 1 && !conds)
				conds = 1;
			while (conds--)
				random_cond();
		}
	}
}

static void random_policy(void)
{
	u32 order = seed_below(6), count = 1 + seed_below(3), i;
	static const u8 orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	spec_init(&spec, random_action());
	for (i = seed_below(4); i; i--)
		random_table(spec.top.table_count);
	for (i = 0; i < count; i++)
		random_section(orders[order][i]);
}

/* An argument at, or beside, a value that one of the conditions looks for. */
static u64 telling_argument(const struct secmap_cond *cond)
{
	u64 value = cond->value;

	if (cond->op >= SECMAP_OP_IN && lists[cond->table].count)
		value = keys[cond->table][seed_below(lists[cond->table].count)];
	if (cond->op >= SECMAP_OP_MASKED_EQ && seed_once_in(2))
		value = (value & cond->mask) | (seed_next() & ~cond->mask);
	if (cond->width == 32 && seed_once_in(2))
		value |= seed_next() << 32;
	if (seed_once_in(2))
		value += seed_below(3) - 1;
	return value;
}

static u32 telling_nr(const struct secmap_abi_spec *section)
{
	static const u32 edges[] = {
		1023,	    1024,	0x3fffffff, 0x40000000, 0x40000000 + 1023,
		0xbffffffe, 0xbfffffff, 0xfffffffe, 0xffffffff
	};

	switch (seed_below(section->abi.rule_count ? 8 : 4)) {
	case 0:
		return edges[seed_below(ARRAY_SIZE(edges))];
	case 1:
		return section->abi.newer_from + (u32)seed_below(3) - 1;
	case 2:
		return random_nr();
	case 3:
		return seed_next();
	default:
		return section->rules[seed_below(section->abi.rule_count)].nr;
	}
}

static void random_call(struct seccomp_data *call)
{
	const struct secmap_abi_spec *section = &spec.abis[seed_below(spec.top.abi_count)];
	const struct secmap_cond *cond = section->conds;
	u32 i, c, nr = telling_nr(section);

	*call = (struct seccomp_data){ .nr = nr, .arch = AUDIT_ARCH_X86_64 };
	if (section->abi.abi == SECMAP_ABI_I386)
		call->arch = AUDIT_ARCH_I386;
	else if (section->abi.abi == SECMAP_ABI_X32 && !seed_once_in(8))
		call->nr = nr + 0x40000000U;
	if (seed_once_in(32))
		call->arch = seed_once_in(2) ? AUDIT_ARCH_AARCH64 : seed_next();

	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		call->args[i] = seed_edge();
	for (i = 0; i < section->abi.rule_count; i++)
		for (c = 0; c < section->rules[i].cond_count; c++, cond++)
			if (section->rules[i].nr == nr && !seed_once_in(4))
				call->args[cond->arg] = telling_argument(cond);
}

static void note(const struct secmap_verdict *verdict)
{
	seen.calls++;
	switch (verdict->rule) {
	case SECMAP_RULE_ALLOW:
		seen.allow++;
		break;
	case SECMAP_RULE_DEFAULT:
		seen.fallen++;
		break;
	case SECMAP_RULE_NEWER:
		seen.newer++;
		break;
	case SECMAP_RULE_FOREIGN:
		seen.foreign++;
		break;
	default:
		seen.rule++;
	}
}

static void judge(const struct secmap_rules *rules, const struct seccomp_data *call)
{
	struct secmap_verdict ours = secmap_rules_eval(rules, call);
	struct secmap_verdict theirs = reference_judge(&spec.top, lists, call);
	struct secmap_where where = secmap_where(call->arch, call->nr);
	u32 constant;

	note(&theirs);
	if (ours.action != theirs.action || ours.rule != theirs.rule)
		fail_msg(
			"arch %#x nr %#x args %llx %llx %llx %llx %llx %llx: %#x, %#x, not %#x, %#x",
			call->arch, call->nr, call->args[0], call->args[1], call->args[2],
			call->args[3], call->args[4], call->args[5], ours.action, ours.rule,
			theirs.action, theirs.rule);

	if (where.nr < SECMAP_NR_MAX && test_bit(where.nr, secmap_rules_allowed(rules, where.abi)))
		assert_true(is_allow(theirs.action));
	/* Of ALLOW the data may differ: it does nothing. */
	if (secmap_rules_constant(rules, where, &constant))
		assert_true(is_allow(constant) ? is_allow(theirs.action) :
						 constant == theirs.action);
	assert_true(secmap_rules_facts(rules)->actions & secmap_action_bit(ours.action));
}

/* What a policy says of a number: found out from the spec, rule by rule. */
struct sayings {
	u32 rules;
	bool all_allow;	   /* its rules */
	bool first_always; /* the first one has no conditions */
	bool last_always;
};

static struct sayings sayings(const struct secmap_abi_spec *section, u32 nr)
{
	struct sayings said = { .all_allow = true };
	u32 i;

	for (i = 0; i < section->abi.rule_count; i++) {
		const struct secmap_rule *rule = &section->rules[i];

		if (rule->nr != nr)
			continue;
		said.first_always = said.first_always || (!said.rules && !rule->cond_count);
		said.last_always = !rule->cond_count;
		said.all_allow = said.all_allow && is_allow(rule->action);
		said.rules++;
	}
	return said;
}

/* Every number that is plainly allowed, or constant, is said to be. */
static void check_number(const struct secmap_rules *rules, const struct secmap_abi_spec *section,
			 u32 nr, u32 *allowed)
{
	struct secmap_where where = { section->abi.abi, nr };
	struct seccomp_data call = { .nr = nr, .arch = AUDIT_ARCH_X86_64 };
	struct sayings said = sayings(section, nr);
	u32 action;
	bool plain;

	if (where.abi == SECMAP_ABI_I386)
		call.arch = AUDIT_ARCH_I386;
	if (where.abi == SECMAP_ABI_X32)
		call.nr += 0x40000000;
	action = reference_judge(&spec.top, lists, &call).action;

	if (said.rules)
		plain = said.all_allow &&
			(said.last_always || is_allow(section->abi.default_action));
	else
		plain = is_allow(action);

	assert_int_equal(test_bit(nr, secmap_rules_allowed(rules, where.abi)), plain);
	/* More may be constant, as "at least 0" is; judge() sees that it is true. */
	if (plain || !said.rules || said.first_always)
		assert_true(secmap_rules_constant(rules, where, &action));
	*allowed += plain;
}

static void check_numbers(const struct secmap_rules *rules)
{
	u32 i, nr, allowed;

	for (i = 0; i < spec.top.abi_count; i++) {
		allowed = 0;
		for (nr = 0; nr < SECMAP_NR_MAX; nr++)
			check_number(rules, &spec.abis[i], nr, &allowed);
		assert_int_equal(secmap_rules_facts(rules)->allow_count[spec.abis[i].abi.abi],
				 allowed);
	}
}

static void test_random(void **state)
{
	struct secmap_why why = { "" };
	struct seccomp_data call;
	u32 p, i;

	(void)state;
	seed_start("rules against the reference");
	for (p = 0; p < POLICIES; p++) {
		struct secmap_rules *rules;

		random_policy();
		rules = secmap_rules_create(&spec.top, &why);
		if (IS_ERR(rules))
			fail_msg("refused: %ld, %s", PTR_ERR(rules), why.text);
		if (!(p % 16))
			check_numbers(rules);
		for (i = 0; i < CALLS; i++) {
			random_call(&call);
			judge(rules, &call);
		}
		secmap_rules_free(rules);
		for (i = 0; i < spec.top.table_count; i++)
			secmap_table_free(tables[i]);
		assert_int_equal(kernel.live, 0);
	}
	printf("%llu calls: %llu by a rule, %llu by bitmap, %llu default, %llu newer, %llu foreign\n",
	       seen.calls, seen.rule, seen.allow, seen.fallen, seen.newer, seen.foreign);
	assert_true(seen.rule > seen.calls / 20);
	assert_true(seen.allow && seen.fallen && seen.newer && seen.foreign);
}

/*
 * One condition at a time, at every pair of edges: which leaves no operator, width or
 * edge to chance.
 */
static const u64 edges[] = { 0x0,
			     0x1,
			     0x2,
			     0x7fffffff,
			     0x80000000,
			     0x80000001,
			     0xfffffffe,
			     0xffffffff,
			     0x100000000,
			     0x100000001,
			     0x7fffffffffffffff,
			     0x8000000000000000,
			     0xffffffff00000000,
			     0xfffffffffffffffe,
			     0xffffffffffffffff };

static void judge_edges(u8 op, u8 width, u64 value, u64 mask)
{
	struct seccomp_data call = { .nr = 7, .arch = AUDIT_ARCH_X86_64 };
	struct secmap_rules *rules;
	struct secmap_cond *cond;
	u32 i;

	spec_init(&spec, SECCOMP_RET_KILL_PROCESS);
	spec_table(&spec, tables[0]);
	spec_abi(&spec, SECMAP_ABI_X86_64, SECCOMP_RET_ERRNO | 1);
	spec_rule(&spec, 7, SECCOMP_RET_LOG);
	cond = spec_cond(&spec, 5, op, width, op < SECMAP_OP_IN ? value : 0);
	cond->mask = op >= SECMAP_OP_MASKED_EQ ? mask : 0;
	rules = secmap_rules_create(&spec.top, NULL);
	assert_false(IS_ERR(rules));
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		struct secmap_verdict verdict;

		call.args[5] = edges[i];
		verdict = reference_judge(&spec.top, lists, &call);
		seen.ops[op][width == 32][verdict.rule == 0] = 1;
		judge(rules, &call);
	}
	secmap_rules_free(rules);
}

static void test_edges(void **state)
{
	struct secmap_table_spec table = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = 5,
		.count = 5,
		.keys = (u64[]){ 0, 1, 0x80000000, 0xffffffff00000000, U64_MAX },
	};
	u32 op, v, m, w;

	(void)state;
	tables[0] = secmap_table_create(&table, NULL);
	assert_false(IS_ERR(tables[0]));
	lists[0] = (struct reference_table){ table.keys, table.count };
	for (op = 0; op < SECMAP_OP_COUNT; op++)
		for (w = 32; w <= 64; w += 32)
			for (v = 0; v < ARRAY_SIZE(edges); v++)
				for (m = 0; m < ARRAY_SIZE(edges); m++)
					if (w == 64 || (edges[v] | edges[m]) <= U32_MAX)
						judge_edges(op, w, edges[v], edges[m]);
	secmap_table_free(tables[0]);
	assert_int_equal(kernel.live, 0);
	for (op = 0; op < SECMAP_OP_COUNT; op++)
		for (w = 0; w < 2; w++)
			assert_true(seen.ops[op][w][0] && seen.ops[op][w][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
