/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What rules are made of: for rules_build.c, which makes them, rules.c, which judges by them,
 * and the probe, which does so inline; the others use rules.h. Immutable once built.
 *
 * Each condition becomes a step: do some bits of an argument lie in a range, or in a
 * table? A rule is its steps in a row, a number all steps of its rules.
 */
#ifndef _SECMAP_STEPS_H
#define _SECMAP_STEPS_H

#include "kernel.h"
#include "lookup.h"
#include "rules.h"

#define RULES_ARGS 6U /* of struct seccomp_data */

enum rules_kind { RULES_RANGE, RULES_BITMAP, RULES_HASH };

/* Is (argument & mask) in the range, or in the table? */
struct rules_step {
	u64 mask;
	u64 low; /* first value of the range */
	union {
		u64 span; /* its last value, less the first */
		const struct secmap_table *table;
	};
	u32 action; /* of its rule */
	u8 next[2]; /* how many steps on to go if not, and if so; 0: the rule holds */
	u8 arg;
	u8 kind; /* enum rules_kind */
};

static_assert(SECMAP_LIMIT_RULE_CONDS < 1 << 8 && SECMAP_LIMIT_RULES <= 1 << 16);

/* What is said about one ABI, in one piece of memory. Immutable once built. */
struct rules_section {
	DECLARE_BITMAP(allow, SECMAP_NR_MAX);	/* as handed over */
	DECLARE_BITMAP(allowed, SECMAP_NR_MAX); /* whatever the arguments are, all told */
	u32 first[SECMAP_NR_MAX + 1];		/* steps of nr: first[nr] ... first[nr + 1] - 1 */
	u32 default_action;
	u32 newer_from;
	u32 newer_action;
	u32 cost;   /* of the worst number */
	u16 *rules; /* by step: which one it belongs to; behind steps[] */
	struct rules_step steps[];
};

struct secmap_rules {
	/* By SECMAP_ABI_*; NULL: no section, as always for SECMAP_ABI_COUNT. */
	struct rules_section *sections[SECMAP_ABI_COUNT + 1];
	DECLARE_BITMAP(foreign_allowed, SECMAP_NR_MAX);
	struct secmap_rules_facts facts;
};

/*
 * A condition that holds if the value is within, or, without @expect, if it is not: one of @left
 * steps of its rule, itself and those behind it.
 */
static inline void rules_step_lead(struct rules_step *step, bool expect, u8 left)
{
	step->next[expect] = left > 1;
	step->next[!expect] = left;
}

/* Must the value be within? */
static inline bool rules_step_expects(const struct rules_step *step)
{
	return step->next[true] < step->next[false];
}

/* Steps of its rule, itself and those behind it. */
static inline u8 rules_step_left(const struct rules_step *step)
{
	return max(step->next[false], step->next[true]);
}

static __always_inline bool rules_step_within(const struct rules_step *step, u64 arg)
{
	u64 value = arg & step->mask;
	size_t place;

	if (step->kind == RULES_HASH)
		return lookup_hash(step->table, value, &place);
	if (step->kind == RULES_RANGE)
		return value - step->low <= step->span;
	return lookup_bitmap(step->table, value);
}

/**
 * rules_first() - the first rule of a number that holds
 * @from: the number's first step; becomes the rule's last one
 * @end: behind its last one; there is at least one
 * @args: the call's arguments, among other things
 * @places: where in @args each of them is
 *
 * Return: whether one holds.
 */
static __always_inline bool rules_first(const struct rules_step **from,
					const struct rules_step *end, const u64 *args,
					const u8 *places)
{
	const struct rules_step *step = *from;
	size_t within;
	u32 next;

	do {
		within = rules_step_within(step, args[places[step->arg]]);
		next = step->next[within];
		if (!next) {
			*from = step;
			return true;
		}
		step += next;
	} while (step < end);
	return false;
}

/**
 * struct secmap_steps - what is said of one number
 * @first: of its steps; NULL: none of its own
 * @end: behind the last one
 * @otherwise: the action where no rule holds
 *
 * Points into rules, and lives as long as they do.
 */
struct secmap_steps {
	const struct rules_step *first;
	const struct rules_step *end;
	u32 otherwise;
};

/* The action for a number that has steps; @args and @places as rules_first(). */
static __always_inline u32 rules_action(const struct secmap_steps *steps, const u64 *args,
					const u8 *places)
{
	const struct rules_step *step = steps->first;

	return rules_first(&step, steps->end, args, places) ? step->action : steps->otherwise;
}

/* For numbers that are not in @allow and have no rule. */
static inline struct secmap_verdict rules_eval_rest(const struct rules_section *section, u32 nr)
{
	/* -1 is never newer, and SECMAP_NEWER_NONE is the same number. */
	if (nr >= section->newer_from && nr != U32_MAX)
		return (struct secmap_verdict){ section->newer_action, SECMAP_RULE_NEWER };
	return (struct secmap_verdict){ section->default_action, SECMAP_RULE_DEFAULT };
}

#endif
