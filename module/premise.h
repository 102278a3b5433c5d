/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Premises: conditions that hold for the arguments of some calls, and what follows from them. Not
 * all that follows is found out; what is found out is true.
 */
#ifndef _SECMAP_PREMISE_H
#define _SECMAP_PREMISE_H

#include "kernel.h"
#include "limits.h"
#include "steps.h"

/* Those of two rules, one more, and what was derived. */
#define PREMISES_DERIVED 64U
#define PREMISES_MAX	 (2 * SECMAP_LIMIT_RULE_CONDS + 1 + PREMISES_DERIVED)

/* What premises say of a condition. Both, if no arguments are as the premises have it. */
#define PREMISES_HOLDS 1U
#define PREMISES_FAILS 2U

/**
 * struct secmap_premises - what is known of the arguments of a call
 * @budget: steps and keys that may still be looked at; at 0 nothing is found out any more
 * @count: of @steps
 * @derived_count: of @derived
 * @known: the bits of each argument that are known
 * @value: what they are; the others are 0
 * @steps: the conditions; not owned
 * @derived: those of them that belong to no rule
 */
struct secmap_premises {
	u32 budget;
	u32 count;
	u32 derived_count;
	u64 known[RULES_ARGS];
	u64 value[RULES_ARGS];
	const struct rules_step *steps[PREMISES_MAX];
	struct rules_step derived[PREMISES_DERIVED];
};

void secmap_premises_begin(struct secmap_premises *premises, u32 abi);
bool secmap_premises_add(struct secmap_premises *premises, const struct rules_step *step);
bool secmap_premises_add_opposite(struct secmap_premises *premises, const struct rules_step *step);
bool secmap_premises_clash(struct secmap_premises *premises);
u32 secmap_premises_say(struct secmap_premises *premises, const struct rules_step *step);

bool secmap_premises_look(struct secmap_premises *premises);
bool secmap_premises_same_keys(struct secmap_premises *premises, const struct secmap_table *one,
			       const struct secmap_table *other);

#endif
