// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/* Rules: what a policy of kind MAPS says, checked once, and made ready to judge. */
#include "kernel.h"
#include "rules.h"
#include "steps.h"
#include "table.h"
#include "verdict.h"

/* What is being built, and where in the spec we are, for the sentence. */
struct rules_place {
	const struct secmap_rules_spec *spec;
	const struct secmap_abi_spec *from; /* spec->abis[abi] */
	struct rules_section *section;
	struct secmap_why *why;
	u32 abi;  /* index into spec->abis */
	u32 rule; /* index into its rules */
	u32 cond; /* index into the rule's conditions */
};

enum rules_depth { IN_ABI, IN_RULE, IN_COND };

/* As secmap_refuse(), the sentence beginning with the place. */
static __printf(4, 5) int refuse(const struct rules_place *place, enum rules_depth depth, int err,
				 const char *fmt, ...)
{
	struct secmap_why *why = place->why;
	va_list args;
	int length;

	if (!why)
		return err;
	length = snprintf(why->text, sizeof(why->text), "abis[%u]", place->abi);
	if (depth >= IN_RULE)
		length += snprintf(why->text + length, sizeof(why->text) - length, ".rules[%u]",
				   place->rule);
	if (depth >= IN_COND)
		length += snprintf(why->text + length, sizeof(why->text) - length, ".conds[%u]",
				   place->cond);
	va_start(args, fmt);
	vsnprintf(why->text + length, sizeof(why->text) - length, fmt, args);
	va_end(args);
	return err;
}

/* What secmap_action_check() has against an action. */
static const char *rules_action_fault(int err)
{
	return err == -EINVAL ? "has an errno that restarts calls" : "is unknown";
}

static bool rules_op_has_table(u8 op)
{
	return op == SECMAP_OP_IN || op == SECMAP_OP_NOT_IN;
}

static bool rules_op_has_mask(u8 op)
{
	return op == SECMAP_OP_MASKED_EQ || rules_op_has_table(op);
}

static int rules_check_cond(const struct rules_place *place, const struct secmap_cond *cond)
{
	u64 excess = cond->width == 32 ? ~(u64)U32_MAX : 0;

	if (cond->op >= SECMAP_OP_COUNT)
		return refuse(place, IN_COND, -EOPNOTSUPP, ": op %u is unknown", cond->op);
	if (cond->pad || cond->pad2)
		return refuse(place, IN_COND, -EINVAL, ": padding is not 0");
	if (cond->arg >= RULES_ARGS)
		return refuse(place, IN_COND, -EINVAL, ": arg %u is above %u", cond->arg,
			      RULES_ARGS - 1);
	if (cond->width != 32 && cond->width != 64)
		return refuse(place, IN_COND, -EINVAL, ": width %u is neither 32 nor 64",
			      cond->width);
	if (rules_op_has_table(cond->op) ? cond->value != 0 : cond->table != 0)
		return refuse(place, IN_COND, -EINVAL, ": op %u has no %s, but it is not 0",
			      cond->op, rules_op_has_table(cond->op) ? "value" : "table");
	if (!rules_op_has_mask(cond->op) && cond->mask)
		return refuse(place, IN_COND, -EINVAL, ": op %u has no mask, but it is not 0",
			      cond->op);
	if (cond->value & excess)
		return refuse(place, IN_COND, -EINVAL, ": value %#llx is wider than 32 bits",
			      cond->value);
	if (cond->mask & excess)
		return refuse(place, IN_COND, -EINVAL, ": mask %#llx is wider than 32 bits",
			      cond->mask);
	if (rules_op_has_table(cond->op) && cond->table >= place->spec->table_count)
		return refuse(place, IN_COND, -EINVAL, ": table %u, but there are only %u",
			      cond->table, place->spec->table_count);
	return 0;
}

/* A condition that was checked, as a range or a look-up; @left as in rules_step_lead(). */
static void rules_build_step(const struct rules_place *place, const struct secmap_cond *cond,
			     struct rules_step *step, u32 left)
{
	bool expect = true;
	u32 table;

	step->arg = cond->arg;
	step->mask = cond->width == 32 ? U32_MAX : U64_MAX;

	switch (cond->op) {
	case SECMAP_OP_NE:
		expect = false;
		fallthrough;
	case SECMAP_OP_EQ:
		step->low = cond->value;
		break;
	case SECMAP_OP_MASKED_EQ:
		step->mask = cond->mask;
		step->low = cond->value & cond->mask;
		break;
	case SECMAP_OP_GE:
		expect = false;
		fallthrough;
	case SECMAP_OP_LT:
		/* Nothing is below 0: then the range is everything, and expected is not it. */
		if (!cond->value)
			expect = !expect;
		step->span = cond->value - 1;
		break;
	case SECMAP_OP_GT:
		expect = false;
		fallthrough;
	case SECMAP_OP_LE:
		step->span = cond->value;
		break;
	case SECMAP_OP_NOT_IN:
		expect = false;
		fallthrough;
	case SECMAP_OP_IN:
		table = array_index_nospec(cond->table, place->spec->table_count);
		step->mask = cond->mask;
		step->table = place->spec->tables[table];
		step->kind = secmap_table_type(step->table) == SECMAP_TABLE_HASH ? RULES_HASH :
										   RULES_BITMAP;
		break;
	}
	rules_step_lead(step, expect, left);
}

/* The only step of a rule without conditions: every value is in the range. */
static void rules_build_always(struct rules_step *step)
{
	step->span = U64_MAX;
	rules_step_lead(step, true, 1);
}

static int rules_check_rule(const struct rules_place *place, const struct secmap_rule *rule)
{
	const struct secmap_rule *before = place->rule ? rule - 1 : NULL;
	int err = secmap_action_check(rule->action);

	if (err)
		return refuse(place, IN_RULE, err, ": action %#x %s", rule->action,
			      rules_action_fault(err));
	if (rule->nr >= SECMAP_NR_MAX)
		return refuse(place, IN_RULE, -EINVAL, ": number %u is above %u", rule->nr,
			      SECMAP_NR_MAX - 1);
	if (before && rule->nr < before->nr)
		return refuse(place, IN_RULE, -EINVAL, ": number %u comes after %u", rule->nr,
			      before->nr);
	if (before && rule->nr == before->nr && !before->cond_count)
		return refuse(place, IN_RULE, -EINVAL, ": number %u has an unconditional rule",
			      rule->nr);
	if (test_bit(array_index_nospec(rule->nr, SECMAP_NR_MAX), place->section->allow))
		return refuse(place, IN_RULE, -EINVAL, ": number %u is in the allow bitmap too",
			      rule->nr);
	if (rule->cond_count > SECMAP_LIMIT_RULE_CONDS)
		return refuse(place, IN_RULE, -E2BIG, ": cond_count %u is above the limit of %u",
			      rule->cond_count, SECMAP_LIMIT_RULE_CONDS);
	return 0;
}

/* The steps of one rule, whose conditions begin at @conds; returns how many, or an errno. */
static int rules_build_rule(struct rules_place *place, const struct secmap_cond *conds,
			    struct rules_step *steps)
{
	const struct secmap_rule *rule = &place->from->rules[place->rule];
	int err;

	for (place->cond = 0; place->cond < rule->cond_count; place->cond++) {
		struct rules_step *step = &steps[place->cond];

		err = rules_check_cond(place, &conds[place->cond]);
		if (err)
			return err;
		rules_build_step(place, &conds[place->cond], step, rule->cond_count - place->cond);
		step->action = rule->action;
		place->section->rules[step - place->section->steps] = place->rule;
	}
	if (rule->cond_count)
		return rule->cond_count;
	rules_build_always(steps);
	steps->action = rule->action;
	place->section->rules[steps - place->section->steps] = place->rule;
	return 1;
}

/* All rules and their conditions, one after the other. */
static int rules_build_rules(struct rules_place *place)
{
	const struct secmap_abi *abi = &place->from->abi;
	struct rules_section *section = place->section;
	u32 conds = 0, steps = 0, nr = 0;
	int count;

	for (place->rule = 0; place->rule < abi->rule_count; place->rule++) {
		const struct secmap_rule *rule = &place->from->rules[place->rule];

		count = rules_check_rule(place, rule);
		if (count)
			return count;
		if (rule->cond_count > abi->cond_count - conds)
			return refuse(place, IN_RULE, -EINVAL,
				      ": cond_count %u, but only %u are left", rule->cond_count,
				      abi->cond_count - conds);
		while (nr <= rule->nr)
			section->first[nr++] = steps;
		count = rules_build_rule(place, place->from->conds + conds, section->steps + steps);
		if (count < 0)
			return count;
		conds += rule->cond_count;
		steps += count;
	}
	if (conds != abi->cond_count)
		return refuse(place, IN_ABI, -EINVAL, ": cond_count %u, but the rules' sum is %u",
			      abi->cond_count, conds);
	while (nr <= SECMAP_NR_MAX)
		section->first[nr++] = steps;
	return 0;
}

static bool action_allows(u32 action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
}

/* What follows from the rules: plainly allowed numbers, and the worst number's cost. */
static int rules_summarise(struct rules_place *place)
{
	const struct secmap_rule *rule = place->from->rules;
	const struct secmap_rule *end = rule + place->from->abi.rule_count;
	struct rules_section *section = place->section;
	u32 nr, step;

	for (nr = 0; nr < SECMAP_NR_MAX; nr++) {
		u32 last_action = rules_eval_rest(section, nr).action;
		bool allows = true;
		u32 cost = 0;

		if (test_bit(nr, section->allow))
			last_action = SECCOMP_RET_ALLOW;
		for (; rule < end && rule->nr == nr; rule++) {
			cost += 1 + rule->cond_count;
			allows = allows && action_allows(rule->action);
			/* Where no condition holds: an unconditional rule is the last one. */
			last_action = rule->cond_count ? section->default_action : rule->action;
		}
		for (step = section->first[nr]; step < section->first[nr + 1]; step++)
			if (section->steps[step].kind != RULES_RANGE)
				cost += SECMAP_COST_LOOKUP - 1;
		if (cost > SECMAP_LIMIT_COST)
			return refuse(place, IN_ABI, -E2BIG,
				      ": number %u costs %u to judge, the limit is %u", nr, cost,
				      SECMAP_LIMIT_COST);
		section->cost = max(section->cost, cost);
		if (allows && action_allows(last_action))
			__set_bit(nr, section->allowed);
	}
	return 0;
}

static int rules_check_abi(const struct rules_place *place)
{
	const struct secmap_abi *abi = &place->from->abi;
	u32 words = SECMAP_NR_MAX / 64;
	u32 i;
	int err;

	if (abi->abi >= SECMAP_ABI_COUNT)
		return refuse(place, IN_ABI, -EOPNOTSUPP, ": ABI %u is unknown", abi->abi);
	for (i = 0; i < place->abi; i++)
		if (place->spec->abis[i].abi.abi == abi->abi)
			return refuse(place, IN_ABI, -EEXIST, ": ABI %u has a section before",
				      abi->abi);
	if (abi->allow_words > words)
		return refuse(place, IN_ABI, -E2BIG, ": allow_words %u is above the limit of %u",
			      abi->allow_words, words);
	if (abi->rule_count > SECMAP_LIMIT_RULES)
		return refuse(place, IN_ABI, -E2BIG, ": rule_count %u is above the limit of %u",
			      abi->rule_count, SECMAP_LIMIT_RULES);
	if (abi->cond_count > SECMAP_LIMIT_SECTION_CONDS)
		return refuse(place, IN_ABI, -E2BIG, ": cond_count %u is above the limit of %u",
			      abi->cond_count, SECMAP_LIMIT_SECTION_CONDS);
	err = secmap_action_check(abi->default_action);
	if (err)
		return refuse(place, IN_ABI, err, ": default_action %#x %s", abi->default_action,
			      rules_action_fault(err));
	if (abi->newer_from == SECMAP_NEWER_NONE && abi->newer_action)
		return refuse(place, IN_ABI, -EINVAL, ": newer_action, but newer_from is NONE");
	err = secmap_action_check(abi->newer_action);
	if (err)
		return refuse(place, IN_ABI, err, ": newer_action %#x %s", abi->newer_action,
			      rules_action_fault(err));
	return 0;
}

static size_t rules_section_bytes(u32 steps)
{
	const struct rules_section *section;

	return struct_size(section, steps, steps) + steps * sizeof(*section->rules);
}

static int rules_build_section(struct rules_place *place, struct secmap_rules *rules)
{
	const struct secmap_abi *abi = &place->from->abi;
	struct rules_section *section;
	u32 steps = abi->cond_count;
	size_t bytes;
	u32 i;
	int err;

	err = rules_check_abi(place);
	if (err)
		return err;

	for (i = 0; i < abi->rule_count; i++)
		steps += !place->from->rules[i].cond_count;
	bytes = rules_section_bytes(steps);
	section = secmap_alloc(bytes);
	if (!section)
		return refuse(place, IN_ABI, -ENOMEM, ": no memory for %zu bytes", bytes);
	rules->sections[abi->abi] = section;
	rules->facts.bytes += bytes;
	place->section = section;

	section->rules = (u16 *)(section->steps + steps);
	section->default_action = abi->default_action;
	section->newer_from = abi->newer_from;
	section->newer_action = abi->newer_action;
	for (i = 0; i < abi->allow_words * 64; i++)
		if (place->from->allow[i / 64] & BIT_ULL(i % 64))
			__set_bit(i, section->allow);

	err = rules_build_rules(place);
	if (err)
		return err;
	return rules_summarise(place);
}

static void rules_note_facts(const struct rules_place *place, struct secmap_rules_facts *facts)
{
	const struct secmap_abi *abi = &place->from->abi;
	const struct rules_section *section = place->section;
	u32 i;

	facts->abis |= 1U << abi->abi;
	facts->allow_count[abi->abi] = bitmap_weight(section->allowed, SECMAP_NR_MAX);
	facts->rule_count[abi->abi] = abi->rule_count;
	facts->cond_count[abi->abi] = abi->cond_count;
	facts->default_action[abi->abi] = abi->default_action;
	facts->cost = max(facts->cost, section->cost);

	facts->actions |= secmap_action_bit(abi->default_action);
	if (abi->newer_from != SECMAP_NEWER_NONE)
		facts->actions |= secmap_action_bit(abi->newer_action);
	if (facts->allow_count[abi->abi])
		facts->actions |= SECMAP_ACTION_ALLOW;
	for (i = 0; i < abi->rule_count; i++)
		facts->actions |= secmap_action_bit(place->from->rules[i].action);
}

static int rules_build(struct secmap_rules *rules, const struct secmap_rules_spec *spec,
		       struct secmap_why *why)
{
	struct rules_place place = { .spec = spec, .why = why };
	int err;

	err = secmap_action_check(spec->foreign_action);
	if (err)
		return secmap_refuse(why, err, "foreign_action %#x %s", spec->foreign_action,
				     rules_action_fault(err));
	if (spec->abi_count > SECMAP_ABI_COUNT)
		return secmap_refuse(why, -E2BIG, "abi_count %u is above the limit of %u",
				     spec->abi_count, SECMAP_ABI_COUNT);
	if (!spec->abi_count)
		return secmap_refuse(why, -EINVAL, "abi_count is 0");
	if (spec->table_count > SECMAP_LIMIT_TABLES)
		return secmap_refuse(why, -E2BIG, "table_count %u is above the limit of %u",
				     spec->table_count, SECMAP_LIMIT_TABLES);

	rules->facts.bytes = sizeof(*rules);
	rules->facts.foreign_action = spec->foreign_action;
	rules->facts.actions = secmap_action_bit(spec->foreign_action);
	if (action_allows(spec->foreign_action))
		bitmap_fill(rules->foreign_allowed, SECMAP_NR_MAX);

	for (place.abi = 0; place.abi < spec->abi_count; place.abi++) {
		place.from = &spec->abis[place.abi];
		err = rules_build_section(&place, rules);
		if (err)
			return err;
		rules_note_facts(&place, &rules->facts);
	}
	return 0;
}

/**
 * secmap_rules_create() - check what a policy says, and make it ready to judge
 * @spec: what it says; the tables must outlive the rules
 * @why: says why it was refused; may be NULL
 *
 * Sleeps. The sizes of the records are not looked at: who copied them has done so.
 *
 * Return: rules for secmap_rules_free(), or
 * * -EOPNOTSUPP	- an action, ABI or operator is unknown
 * * -EEXIST		- two sections for one ABI
 * * -E2BIG		- an array, or the cost of a number, is above its limit
 * * -EINVAL		- anything else that secmap.h does not allow
 * * -ENOMEM		- no memory
 */
struct secmap_rules *secmap_rules_create(const struct secmap_rules_spec *spec,
					 struct secmap_why *why)
{
	struct secmap_rules *rules = secmap_alloc(sizeof(*rules));
	int err;

	if (!rules) {
		err = secmap_refuse(why, -ENOMEM, "no memory for %zu bytes", sizeof(*rules));
		return ERR_PTR(err);
	}
	err = rules_build(rules, spec, why);
	if (err) {
		secmap_rules_free(rules);
		return ERR_PTR(err);
	}
	return rules;
}

static struct rules_section *rules_copy_section(const struct rules_section *section,
						const struct secmap_table *from,
						const struct secmap_table *to)
{
	u32 steps = section->first[SECMAP_NR_MAX];
	size_t bytes = rules_section_bytes(steps);
	struct rules_section *copy = secmap_alloc(bytes);
	struct rules_step *step;

	if (!copy)
		return NULL;
	memcpy(copy, section, bytes);
	copy->rules = (u16 *)(copy->steps + steps);
	for (step = copy->steps; step < copy->steps + steps; step++)
		if (step->kind != RULES_RANGE && step->table == from)
			step->table = to;
	return copy;
}

/**
 * secmap_rules_with_table() - the same rules, over another table of the same type
 * @rules: the rules
 * @from: the table that they look into
 * @to: the one that they are to look into instead; must outlive what is returned
 *
 * Sleeps. No fact depends on what is in a table.
 *
 * Return: rules for secmap_rules_free(), or NULL: no memory.
 */
struct secmap_rules *secmap_rules_with_table(const struct secmap_rules *rules,
					     const struct secmap_table *from,
					     const struct secmap_table *to)
{
	struct secmap_rules *copy = secmap_alloc(sizeof(*copy));
	u32 abi;

	if (!copy)
		return NULL;
	memcpy(copy, rules, sizeof(*copy));
	memset(copy->sections, 0, sizeof(copy->sections));
	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++) {
		if (!rules->sections[abi])
			continue;
		copy->sections[abi] = rules_copy_section(rules->sections[abi], from, to);
		if (!copy->sections[abi]) {
			secmap_rules_free(copy);
			return NULL;
		}
	}
	return copy;
}

/**
 * secmap_rules_free() - the end of rules
 * @rules: rules that nobody evaluates any more, or NULL
 */
void secmap_rules_free(struct secmap_rules *rules)
{
	u32 abi;

	if (!rules)
		return;
	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++)
		secmap_release(rules->sections[abi]);
	secmap_release(rules);
}
