/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Rules: what a policy of kind MAPS says, as data, and its evaluation. Immutable once
 * built. A pure function of struct seccomp_data and the tables.
 */
#ifndef _SECMAP_RULES_H
#define _SECMAP_RULES_H

#include "kernel.h"
#include "limits.h"
#include "why.h"
#include <secmap/secmap.h>

struct secmap_steps;
struct secmap_table;
struct secmap_rules;

/* One ABI section as user space gave it, its arrays copied; nothing is kept. */
struct secmap_abi_spec {
	struct secmap_abi abi;		 /* pointers in it are not used */
	const u64 *allow;		 /* abi.allow_words */
	const struct secmap_rule *rules; /* abi.rule_count */
	const struct secmap_cond *conds; /* abi.cond_count */
};

struct secmap_rules_spec {
	u32 foreign_action;
	u32 abi_count;
	const struct secmap_abi_spec *abis;
	u32 table_count;
	const struct secmap_table *const *tables; /* outlive the rules */
};

/* Which ABI a call is of, and its number there. */
struct secmap_where {
	u32 abi; /* SECMAP_ABI_*, or SECMAP_ABI_COUNT: none of them */
	u32 nr;	 /* without the x32 bit; any value */
};

/* What x32 adds to its numbers, which share AUDIT_ARCH_X86_64. */
#define SECMAP_X32_BIT 0x40000000U

/**
 * secmap_where() - the ABI of a call, as the call's entry sees it
 * @arch: AUDIT_ARCH_*
 * @nr: number as in struct seccomp_data
 *
 * x32 shares AUDIT_ARCH_X86_64 and sets bit 30. -1 has that bit too, but means "skip"
 * (a tracer puts it there) and belongs to the native ABI, as libseccomp has it.
 */
static inline struct secmap_where secmap_where(u32 arch, u32 nr)
{
	if (arch == AUDIT_ARCH_X86_64) {
		if (nr < SECMAP_X32_BIT || nr == U32_MAX)
			return (struct secmap_where){ SECMAP_ABI_X86_64, nr };
		return (struct secmap_where){ SECMAP_ABI_X32, nr - SECMAP_X32_BIT };
	}
	if (arch == AUDIT_ARCH_I386)
		return (struct secmap_where){ SECMAP_ABI_I386, nr };
	return (struct secmap_where){ SECMAP_ABI_COUNT, nr };
}

struct secmap_rules *secmap_rules_create(const struct secmap_rules_spec *spec,
					 struct secmap_why *why);
struct secmap_rules *secmap_rules_with_table(const struct secmap_rules *rules,
					     const struct secmap_table *from,
					     const struct secmap_table *to);
void secmap_rules_free(struct secmap_rules *rules);

struct secmap_verdict secmap_rules_eval(const struct secmap_rules *rules,
					const struct seccomp_data *call);
struct secmap_verdict secmap_rules_eval_at(const struct secmap_rules *rules,
					   struct secmap_where where, const u64 *args);
bool secmap_rules_constant(const struct secmap_rules *rules, struct secmap_where where,
			   u32 *action);
struct secmap_steps secmap_rules_steps(const struct secmap_rules *rules, struct secmap_where where);
u32 secmap_rules_action(const struct secmap_rules *rules, u32 abi, u32 rule, u32 *nr);

/*
 * SECMAP_NR_MAX bits: numbers of this ABI that are allowed whatever the arguments are
 * (by the bitmap, by an unconditional rule or by the default). For an ABI without a
 * section: all of them if foreign_action is ALLOW, else none.
 */
const unsigned long *secmap_rules_allowed(const struct secmap_rules *rules, u32 abi);

/* Facts for POLICY_INFO. */
struct secmap_rules_facts {
	u32 abis;    /* bit per section */
	u32 actions; /* SECMAP_ACTION_* it can answer with */
	u32 foreign_action;
	u32 cost; /* worst call: rules and conditions */
	u32 allow_count[SECMAP_ABI_COUNT];
	u32 rule_count[SECMAP_ABI_COUNT];
	u32 cond_count[SECMAP_ABI_COUNT];
	u32 default_action[SECMAP_ABI_COUNT];
	size_t bytes;
};

const struct secmap_rules_facts *secmap_rules_facts(const struct secmap_rules *rules);

#endif
