// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Rules: judging by them. A pure function of number, arguments and tables, called by the
 * probe; rules_build.c has made sure that it is bounded.
 */
#include "kernel.h"
#include "rules.h"
#include "steps.h"

/* The first rule of this number that holds, or the default. */
static struct secmap_verdict rules_eval_number(const struct rules_section *section, u32 nr,
					       const u64 *args)
{
	static const u8 in_order[RULES_ARGS] = { 0, 1, 2, 3, 4, 5 };
	const struct rules_step *step = section->steps + section->first[nr];
	const struct rules_step *end = section->steps + section->first[nr + 1];

	if (step == end)
		return rules_eval_rest(section, nr);
	if (rules_first(&step, end, args, in_order))
		return (struct secmap_verdict){ step->action,
						section->rules[step - section->steps] };
	return (struct secmap_verdict){ section->default_action, SECMAP_RULE_DEFAULT };
}

/**
 * secmap_rules_eval_at() - judge a call whose ABI is known
 * @rules: the rules
 * @where: its ABI and number
 * @args: its six arguments; those of i386 are 32 bits wide
 *
 * Called by the probe, preemption off or on: no lock, no sleep, no allocation, no store
 * outside of its own frame; at most facts.cost rules and conditions.
 *
 * Return: the verdict.
 */
struct secmap_verdict secmap_rules_eval_at(const struct secmap_rules *rules,
					   struct secmap_where where, const u64 *args)
{
	const struct rules_section *section = rules->sections[where.abi];
	u32 nr = where.nr;

	if (!section)
		return (struct secmap_verdict){ rules->facts.foreign_action, SECMAP_RULE_FOREIGN };
	if (nr >= SECMAP_NR_MAX)
		return rules_eval_rest(section, nr);
	nr = array_index_nospec(nr, SECMAP_NR_MAX);
	if (test_bit(nr, section->allow))
		return (struct secmap_verdict){ SECCOMP_RET_ALLOW, SECMAP_RULE_ALLOW };
	return rules_eval_number(section, nr, args);
}

/**
 * secmap_rules_eval() - judge a call
 * @rules: the rules
 * @call: the call, as the kernel's entry saw it
 *
 * As secmap_rules_eval_at(). The kernel takes the lower halves of an i386 call's arguments,
 * whatever a 64-bit program left in the upper ones, and so do we.
 *
 * Return: the verdict.
 */
struct secmap_verdict secmap_rules_eval(const struct secmap_rules *rules,
					const struct seccomp_data *call)
{
	struct secmap_where where = secmap_where(call->arch, call->nr);
	u64 args[RULES_ARGS];
	u32 i;

	for (i = 0; i < RULES_ARGS; i++)
		args[i] = where.abi == SECMAP_ABI_I386 ? (u32)call->args[i] : call->args[i];
	return secmap_rules_eval_at(rules, where, args);
}

/* Does this step decide, whatever the arguments are? */
static bool rules_step_always(const struct rules_step *step)
{
	return step->kind == RULES_RANGE && step->span == U64_MAX && !step->next[true];
}

/**
 * secmap_rules_constant() - is the action the same whatever the arguments are?
 * @rules: the rules
 * @where: the call's ABI and number
 * @action: the action, if it is
 *
 * Return: whether it is.
 */
bool secmap_rules_constant(const struct secmap_rules *rules, struct secmap_where where, u32 *action)
{
	static const u64 none[RULES_ARGS];
	const struct rules_section *section = rules->sections[where.abi];
	const struct rules_step *step;

	if (section && where.nr < SECMAP_NR_MAX && !test_bit(where.nr, section->allowed)) {
		step = section->steps + section->first[where.nr];
		if (step != section->steps + section->first[where.nr + 1] &&
		    !rules_step_always(step))
			return false;
	}
	*action = secmap_rules_eval_at(rules, where, none).action;
	return true;
}

/**
 * secmap_rules_steps() - what has to be looked at for a number
 * @rules: the rules
 * @where: the call's ABI and number, below SECMAP_NR_MAX
 *
 * Return: its steps; @first is NULL if its action does not come from any.
 */
struct secmap_steps secmap_rules_steps(const struct secmap_rules *rules, struct secmap_where where)
{
	const struct rules_section *section = rules->sections[where.abi];
	struct secmap_steps steps = { 0 };

	if (!section || section->first[where.nr] == section->first[where.nr + 1])
		return steps;
	steps.first = section->steps + section->first[where.nr];
	steps.end = section->steps + section->first[where.nr + 1];
	steps.otherwise = section->default_action;
	return steps;
}

/* The first step of a rule; rules lie in a row. */
static u32 rules_step_of(const struct rules_section *section, u32 rule)
{
	u32 low = 0, high = section->first[SECMAP_NR_MAX];

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (section->rules[middle] < rule)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The number that a step is about: the last one that begins there or before. */
static u32 rules_number_of(const struct rules_section *section, u32 step)
{
	u32 low = 0, high = SECMAP_NR_MAX - 1;

	while (low < high) {
		u32 middle = (low + high + 1) / 2;

		if (section->first[middle] <= step)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/**
 * secmap_rules_action() - what is said where something decides
 * @rules: the rules
 * @abi: SECMAP_ABI_*
 * @rule: SECMAP_RULE_*, or below the ABI's rule_count
 * @nr: the number that a rule is about; untouched where @rule is none
 *
 * Return: SECCOMP_RET_* with its data.
 */
u32 secmap_rules_action(const struct secmap_rules *rules, u32 abi, u32 rule, u32 *nr)
{
	const struct rules_section *section = rules->sections[abi];
	u32 step;

	if (!section || rule == SECMAP_RULE_FOREIGN)
		return rules->facts.foreign_action;
	if (rule == SECMAP_RULE_ALLOW)
		return SECCOMP_RET_ALLOW;
	if (rule == SECMAP_RULE_DEFAULT)
		return section->default_action;
	if (rule == SECMAP_RULE_NEWER)
		return section->newer_action;
	step = rules_step_of(section, rule);
	*nr = rules_number_of(section, step);
	return section->steps[step].action;
}

/**
 * secmap_rules_allowed() - what is allowed whatever the arguments are
 * @rules: the rules
 * @abi: SECMAP_ABI_*, or anything else for an ABI that has no number
 *
 * Return: SECMAP_NR_MAX bits, which live as long as the rules.
 */
const unsigned long *secmap_rules_allowed(const struct secmap_rules *rules, u32 abi)
{
	if (abi >= SECMAP_ABI_COUNT || !rules->sections[abi])
		return rules->foreign_allowed;
	return rules->sections[abi]->allowed;
}

/**
 * secmap_rules_facts() - what there is to tell about rules
 * @rules: the rules
 *
 * Return: facts, which live as long as the rules.
 */
const struct secmap_rules_facts *secmap_rules_facts(const struct secmap_rules *rules)
{
	return &rules->facts;
}
