/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies: an object around rules and the tables that they look into, or around a program. */
#ifndef _SECMAP_POLICY_H
#define _SECMAP_POLICY_H

#include <linux/atomic.h>

#include "call.h"
#include "object.h"
#include "program.h"
#include "rules.h"
#include "stats.h"
#include "table.h"
#include "watch.h"

/* A table with its descriptor, id and name. Immutable. */
struct secmap_set {
	struct secmap_object object;
	struct secmap_table *table;
};

/**
 * struct secmap_policy - what a stack is made of
 * @rules: of kind MAPS; immutable, owned
 * @program: of kinds CBPF and EBPF, where there are no @rules; immutable but for live maps, owned
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
	struct secmap_rules *rules;
	struct secmap_program *program;
	atomic_t stacks;
	struct secmap_rate rate;
	bool sealed;
	bool lent;
	struct secmap_stats *stats;
	struct secmap_stats __rcu *counts;
	u32 set_count;
	struct secmap_set *sets[];
};

struct secmap_set *secmap_set_create(const struct secmap_table_spec *spec, const char *name);
struct secmap_policy *secmap_policy_create(struct secmap_rules_spec *spec, struct secmap_set **sets,
					   const char *name, struct secmap_why *why);
struct secmap_policy *secmap_policy_create_cbpf(u64 filter, u16 len, const char *name,
						struct secmap_why *why);
struct secmap_policy *secmap_policy_create_ebpf(struct secmap_program_spec *spec,
						struct secmap_set **sets, const char *name,
						struct secmap_why *why);
struct secmap_policy *secmap_policy_create_strict(void);
struct secmap_policy *secmap_policy_create_open(void);
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

static inline struct secmap_set *secmap_set_of(struct secmap_object *object)
{
	return IS_ERR(object) ? ERR_CAST(object) : container_of(object, struct secmap_set, object);
}

/* What judging one call may cost. Classic BPF is counted by itself: secmap_policy_insns(). */
static inline u32 secmap_policy_cost(const struct secmap_policy *policy)
{
	return policy->rules ? secmap_rules_facts(policy->rules)->cost : policy->program->cost;
}

/* How many instructions its program has, 0 if it is none of classic BPF. */
static inline u32 secmap_policy_insns(const struct secmap_policy *policy)
{
	if (!policy->program || secmap_program_is_ebpf(policy->program))
		return 0;
	return secmap_program_len(policy->program);
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

/* Context: the task does not migrate. Sleeps never, stores nothing that others read. */
static inline u32 secmap_policy_judge(const struct secmap_policy *policy,
				      const struct secmap_call *call)
{
	if (policy->rules)
		return secmap_rules_eval_at(policy->rules, call->where, call->data.args).action;
	return secmap_program_run(policy->program, &call->data);
}

u32 secmap_policy_judge_counted(const struct secmap_policy *policy, const struct secmap_call *call);
bool secmap_policy_constant(const struct secmap_policy *policy, struct secmap_where where,
			    u32 *action);
struct secmap_verdict secmap_policy_test(const struct secmap_policy *policy,
					 const struct seccomp_data *call);

#endif
