/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies: an object around what is said, and the sets that it looks into. */
#ifndef _SECMAP_POLICY_H
#define _SECMAP_POLICY_H

#include <linux/atomic.h>

#include "body.h"
#include "object.h"
#include "set.h"
#include "stats.h"
#include "watch.h"

struct secmap_swap;

/**
 * struct secmap_policy - what a stack is made of
 * @body: what it says; a reference. Changed when a table is, under the lock of the list of all
 *	stacks; what was there is dropped a grace period later: so secmap_policy_body() finds a
 *	reference to take
 * @swap: what is being put in its place, by who changes stacks (replace.c), or NULL
 * @stacks: in how many places of stacks it is that have references
 * @rate: how much it may tell watchers
 * @sealed: nothing is to come in its place; set for good
 * @lent: it may be carried by other tasks than its maker's unprivileged ones; set for good, and
 *	before a stack with which they do is listed
 * @stats: from the first time on that it is counted; owned, set once
 * @counts: @stats while it is counted, else NULL
 * @set_count: length of @sets
 * @sets: a reference each; NULL: a map of bpf(2), which the program has
 */
struct secmap_policy {
	struct secmap_object object;
	struct secmap_body __rcu *body;
	const struct secmap_swap *swap;
	atomic_t stacks;
	struct secmap_rate rate;
	bool sealed;
	bool lent;
	struct secmap_stats *stats;
	struct secmap_stats __rcu *counts;
	u32 set_count;
	struct secmap_set *sets[];
};

struct secmap_policy *secmap_policy_create(struct secmap_rules_spec *spec, struct secmap_set **sets,
					   const char *name, struct secmap_why *why);
struct secmap_policy *secmap_policy_create_cbpf(u64 filter, u16 len, const char *name,
						struct secmap_why *why);
struct secmap_policy *secmap_policy_create_ebpf(struct secmap_program_spec *spec,
						struct secmap_set **sets, const char *name,
						struct secmap_why *why);
struct secmap_policy *secmap_policy_create_strict(void);
struct secmap_policy *secmap_policy_create_open(void);
struct secmap_body *secmap_policy_body(const struct secmap_policy *policy);
void secmap_policy_describe(const struct secmap_policy *policy, struct secmap_policy_info *info);

void secmap_policy_give(struct secmap_policy *policy, struct task_struct *task);

static inline void secmap_policy_put(struct secmap_policy *policy)
{
	secmap_object_put(&policy->object);
}

static inline struct secmap_policy *secmap_policy_of(struct secmap_object *object)
{
	return IS_ERR(object) ? ERR_CAST(object) :
				container_of(object, struct secmap_policy, object);
}

/* What it has counted so far, if it was ever counted on. */
static inline struct secmap_stats *secmap_policy_stats(const struct secmap_policy *policy)
{
	/* Pairs with secmap_count(). */
	return smp_load_acquire(&policy->stats);
}

static inline bool secmap_policy_is_counted(const struct secmap_policy *policy)
{
	return rcu_access_pointer(policy->counts);
}

u32 secmap_policy_judge_counted(const struct secmap_policy *policy, const struct secmap_body *body,
				const struct secmap_call *call);

#endif
