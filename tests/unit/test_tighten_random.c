// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tightening against the reference: small random policies and changed ones, whose verdicts on all
 * calls that can be told apart are compared. What is shown must be so; and of what is so most must
 * be shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "reference.h"
#include "seed.h"
#include "spec.h"
#include "tighten.h"

#define PAIRS	20000
#define RULES	5
#define CONDS	3
#define KEYS	5
#define TABLES	3
#define VALUES	6 /* that conditions compare with: 0 ... VALUES - 1 */
#define NUMBER	5 /* that has rules */
#define ALLOWED 6 /* that may be in the bitmap */

struct model_cond {
	u8 arg, op, width, table;
	u64 value, mask;
};

struct model_rule {
	u32 action, conds;
	struct model_cond cond[CONDS];
};

struct model {
	u32 abi, rules, tables, otherwise, foreign, newer_from, newer;
	bool allows, bitmap[TABLES];
	u32 counts[TABLES];
	u64 keys[TABLES][KEYS];
	struct model_rule rule[RULES];
};

/* A model, and what is made of it. */
struct made {
	struct model model;
	struct spec spec;
	struct reference_table lists[TABLES];
	struct secmap_table *tables[TABLES];
	struct secmap_rules *rules;
};

static struct made was, is;

static const u64 arguments[] = { 0,	      1,	   2,		3,
				 4,	      5,	   6,		7,
				 8,	      0x7fffffff,  0xfffffffe,	0xffffffff,
				 0x100000000, 0x100000001, 0x100000002, 0x100000003,
				 0x100000004, 0x100000005, 0x100000006, 0x8000000000000004,
				 U64_MAX };

static u32 random_action(void)
{
	static const u32 actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO | 1,
				       SECCOMP_RET_ERRNO | 2,	 SECCOMP_RET_USER_NOTIF,
				       SECCOMP_RET_TRACE,	 SECCOMP_RET_LOG,
				       SECCOMP_RET_ALLOW,	 SECCOMP_RET_ALLOW };

	return actions[seed_below(ARRAY_SIZE(actions))];
}

static struct model_cond random_cond(const struct model *model)
{
	static const u64 masks[] = { U64_MAX, U32_MAX, 0, 1, 3, 4, 5, 7, 0xfffffffffffffffe };
	struct model_cond cond = {
		.arg = seed_below(2),
		.op = seed_below(SECMAP_OP_COUNT),
		.width = seed_once_in(3) ? 32 : 64,
	};

	if (cond.op >= SECMAP_OP_IN && !model->tables)
		cond.op = SECMAP_OP_EQ;
	if (cond.op >= SECMAP_OP_IN)
		cond.table = seed_below(model->tables);
	else
		cond.value = seed_once_in(16) ? U32_MAX - seed_below(2) : seed_below(VALUES);
	if (cond.op >= SECMAP_OP_MASKED_EQ)
		cond.mask = seed_once_in(2) ? U64_MAX : masks[seed_below(ARRAY_SIZE(masks))];
	if (cond.width == 32)
		cond.mask &= U32_MAX;
	return cond;
}

static struct model_rule random_rule(const struct model *model)
{
	struct model_rule rule = { random_action(), 1 + seed_below(CONDS), { { 0 } } };
	u32 i;

	for (i = 0; i < rule.conds; i++)
		rule.cond[i] = random_cond(model);
	return rule;
}

static void random_keys(struct model *model, u32 t)
{
	u32 want = seed_below(KEYS + 1), i;

	model->counts[t] = 0;
	model->bitmap[t] = seed_once_in(2);
	while (want--) {
		u64 key = seed_below(VALUES);

		if (!model->bitmap[t] && seed_once_in(8))
			key += 0x100000000;
		for (i = 0; i < model->counts[t] && model->keys[t][i] != key; i++)
			;
		if (i == model->counts[t])
			model->keys[t][model->counts[t]++] = key;
	}
}

static void random_model(struct model *model)
{
	u32 i;

	*model = (struct model){
		.abi = seed_below(SECMAP_ABI_COUNT),
		.rules = seed_below(RULES),
		.tables = seed_below(TABLES + 1),
		.otherwise = random_action(),
		.foreign = SECCOMP_RET_KILL_PROCESS,
		.newer_from = SECMAP_NEWER_NONE,
		.allows = seed_once_in(2),
	};
	for (i = 0; i < model->tables; i++)
		random_keys(model, i);
	for (i = 0; i < model->rules; i++)
		model->rule[i] = random_rule(model);
	if (model->rules && seed_once_in(4))
		model->rule[model->rules - 1].conds = 0;
	if (seed_once_in(4)) {
		model->newer_from = seed_once_in(2) ? 1000 : 2000;
		model->newer = random_action();
	}
}

static void insert(struct model *model, u32 at, struct model_rule rule)
{
	if (model->rules == RULES)
		return;
	memmove(&model->rule[at + 1], &model->rule[at],
		(model->rules++ - at) * sizeof(model->rule[0]));
	model->rule[at] = rule;
}

static void take_out(struct model *model, u32 at)
{
	memmove(&model->rule[at], &model->rule[at + 1],
		(--model->rules - at) * sizeof(model->rule[0]));
}

/* Without conditions only the last one may be. */
static void mend(struct model *model)
{
	u32 i;

	for (i = 0; i + 1 < model->rules; i++)
		if (!model->rule[i].conds)
			model->rule[i] = random_rule(model);
}

/* What somebody may do to a profile; some of it tightens, some loosens. */
static void change(struct model *model)
{
	u32 at = model->rules ? seed_below(model->rules) : 0, t = seed_below(TABLES);
	struct model_rule *rule = &model->rule[at];
	struct model_rule other;

	switch (seed_below(model->rules ? 12 : 4)) {
	case 0:
		insert(model, 0, random_rule(model));
		break;
	case 1:
		model->otherwise = random_action();
		break;
	case 2:
		model->allows = !model->allows;
		break;
	case 3:
		if (t < model->tables)
			random_keys(model, t);
		break;
	case 4:
		if (t < model->tables && model->counts[t])
			model->counts[t]--;
		break;
	case 5:
		take_out(model, at);
		break;
	case 6:
		rule->action = random_action();
		break;
	case 7:
		if (rule->conds && rule->conds < CONDS)
			rule->cond[rule->conds++] = random_cond(model);
		break;
	case 8:
		if (rule->conds > 1)
			rule->conds--;
		break;
	case 9:
		if (rule->conds)
			rule->cond[seed_below(rule->conds)] = random_cond(model);
		break;
	case 10:
		other = *rule;
		*rule = model->rule[0];
		model->rule[0] = other;
		break;
	default:
		insert(model, at, random_rule(model));
		model->rule[at].action = SECCOMP_RET_ERRNO | 1;
		break;
	}
	mend(model);
}

static void make_tables(struct made *made)
{
	const struct model *model = &made->model;
	u32 i;

	for (i = 0; i < model->tables; i++) {
		struct secmap_table_spec table = {
			.type = model->bitmap[i] ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH,
			.max_entries = VALUES,
			.count = model->counts[i],
			.keys = model->keys[i],
		};

		made->tables[i] = secmap_table_create(&table, NULL);
		assert_false(IS_ERR(made->tables[i]));
		spec_table(&made->spec, made->tables[i]);
		made->lists[i] = (struct reference_table){ model->keys[i], model->counts[i] };
	}
}

static void make(struct made *made)
{
	const struct model *model = &made->model;
	struct secmap_abi *section;
	u32 i, c;

	spec_init(&made->spec, model->foreign);
	make_tables(made);
	section = spec_abi(&made->spec, model->abi, model->otherwise);
	section->newer_from = model->newer_from;
	section->newer_action = model->newer;
	if (model->allows)
		spec_allow(&made->spec, ALLOWED);
	for (i = 0; i < model->rules; i++) {
		const struct model_rule *rule = &model->rule[i];

		spec_rule(&made->spec, NUMBER, rule->action);
		for (c = 0; c < rule->conds; c++) {
			const struct model_cond *from = &rule->cond[c];
			struct secmap_cond *cond = spec_cond(&made->spec, from->arg, from->op,
							     from->width, from->value);

			cond->mask = from->mask;
			cond->table = from->table;
		}
	}
	made->rules = spec_taken(&made->spec);
}

static void unmake(struct made *made)
{
	u32 i;

	secmap_rules_free(made->rules);
	for (i = 0; i < made->model.tables; i++)
		secmap_table_free(made->tables[i]);
}

/* Written down once more, as secmap.h says it. */
static bool looser(u32 old, u32 new)
{
	static const u32 order[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
				     SECCOMP_RET_TRAP,	       SECCOMP_RET_ERRNO,
				     SECCOMP_RET_USER_NOTIF,   SECCOMP_RET_TRACE,
				     SECCOMP_RET_LOG,	       SECCOMP_RET_ALLOW };
	u32 i = 0, k = 0;

	while (order[i] != (old & SECCOMP_RET_ACTION_FULL))
		i++;
	while (order[k] != (new &SECCOMP_RET_ACTION_FULL))
		k++;
	return k > i || (order[i] == SECCOMP_RET_TRACE && order[k] == SECCOMP_RET_USER_NOTIF);
}

static bool looser_at(u32 nr, u64 first, u64 second)
{
	struct seccomp_data call = { .nr = nr,
				     .arch = AUDIT_ARCH_X86_64,
				     .args = { first, second } };

	if (was.model.abi == SECMAP_ABI_I386)
		call.arch = AUDIT_ARCH_I386;
	if (was.model.abi == SECMAP_ABI_X32)
		call.nr |= 0x40000000;
	return looser(reference_judge(&was.spec.top, was.lists, &call).action,
		      reference_judge(&is.spec.top, is.lists, &call).action);
}

/* Is there any call that the new one is less strict about? */
static bool loosened(void)
{
	static const u32 numbers[] = { 0,    4,	   ALLOWED, 999,	1000,	   1023,
				       1024, 1999, 2000,    0x3fffffff, 0xbffffffe };
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (looser_at(numbers[i], 0, 0))
			return true;
	if (was.model.abi != SECMAP_ABI_X32 && looser_at(U32_MAX, 0, 0))
		return true;
	for (i = 0; i < ARRAY_SIZE(arguments); i++)
		for (k = 0; k < ARRAY_SIZE(arguments); k++)
			if (looser_at(NUMBER, arguments[i], arguments[k]))
				return true;
	return false;
}

static void test_random(void **state)
{
	u32 p, changes, tighter = 0, shown = 0;

	(void)state;
	seed_start("tightening against the reference");
	for (p = 0; p < PAIRS; p++) {
		struct secmap_looser found;
		bool refused;

		random_model(&was.model);
		is.model = was.model;
		if (seed_once_in(8)) {
			random_model(&is.model);
			is.model.abi = was.model.abi;
		}
		for (changes = seed_below(4); changes; changes--)
			change(&is.model);
		make(&was);
		make(&is);
		refused = secmap_tighten_check(was.rules, is.rules, &found);
		if (loosened()) {
			if (!refused)
				fail_msg("pair %u: a call is gained", p);
		} else {
			tighter++;
			shown += !refused;
		}
		assert_false(refused && found.spent);
		unmake(&was);
		unmake(&is);
		assert_int_equal(kernel.live, 0);
	}
	printf("%u pairs, %u tighten, of which %u are shown to\n", PAIRS, tighter, shown);
	assert_true(tighter > PAIRS / 8 && tighter < PAIRS * 7 / 8);
	/* So many are, of small policies without sense. */
	assert_true(shown > tighter * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
