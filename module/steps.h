/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What rules are made of: for rules_build.c, which makes them, and rules.c, which judges by
 * them; the others use rules.h. Immutable once built.
 *
 * Each condition becomes a step: do some bits of an argument lie in a range, or in a
 * table? A rule is its steps in a row, a number all steps of its rules.
 */
#ifndef _SECMAP_STEPS_H
#define _SECMAP_STEPS_H

#include "kernel.h"
#include "rules.h"

struct secmap_table;

#define RULES_ARGS 6U /* of struct seccomp_data */

/* Does ((argument & mask) in the range, or in the table) equal @expect? */
struct rules_step {
	u64 mask;
	u64 low; /* first value of the range */
	union {
		u64 span; /* its last value, less the first */
		const struct secmap_table *table;
	};
	u16 rule; /* whose step it is */
	u8 left;  /* steps of that rule, from this one on */
	u8 arg;
	bool in_table;
	bool expect;
};

/* What is said about one ABI, in one piece of memory. Immutable once built. */
struct rules_section {
	DECLARE_BITMAP(allow, SECMAP_NR_MAX);	/* as handed over */
	DECLARE_BITMAP(allowed, SECMAP_NR_MAX); /* whatever the arguments are, all told */
	u32 first[SECMAP_NR_MAX + 1];		/* steps of nr: first[nr] ... first[nr + 1] - 1 */
	u32 default_action;
	u32 newer_from;
	u32 newer_action;
	u32 cost;     /* of the worst number */
	u32 *actions; /* by rule; behind steps[] */
	struct rules_step steps[];
};

struct secmap_rules {
	/* By SECMAP_ABI_*; NULL: no section, as always for SECMAP_ABI_COUNT. */
	struct rules_section *sections[SECMAP_ABI_COUNT + 1];
	DECLARE_BITMAP(foreign_allowed, SECMAP_NR_MAX);
	struct secmap_rules_facts facts;
};

/* For numbers that are not in @allow and have no rule. */
static inline struct secmap_verdict rules_eval_rest(const struct rules_section *section, u32 nr)
{
	/* -1 is never newer, and SECMAP_NEWER_NONE is the same number. */
	if (nr >= section->newer_from && nr != U32_MAX)
		return (struct secmap_verdict){ section->newer_action, SECMAP_RULE_NEWER };
	return (struct secmap_verdict){ section->default_action, SECMAP_RULE_DEFAULT };
}

#endif
