/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies: an object around rules, and the tables that they look into. */
#ifndef _SECMAP_POLICY_H
#define _SECMAP_POLICY_H

#include <linux/atomic.h>

#include "object.h"
#include "rules.h"
#include "table.h"

/* A table with its descriptor, id and name. Immutable. */
struct secmap_set {
	struct secmap_object object;
	struct secmap_table *table;
};

/**
 * struct secmap_policy - what a stack is made of
 * @rules: immutable, owned
 * @stacks: how many stacks hold it; for POLICY_INFO only
 * @set_count: length of @sets
 * @sets: a reference each
 */
struct secmap_policy {
	struct secmap_object object;
	struct secmap_rules *rules;
	atomic_t stacks;
	u32 set_count;
	struct secmap_set *sets[];
};

struct secmap_set *secmap_set_create(const struct secmap_table_spec *spec, const char *name);
struct secmap_policy *secmap_policy_create(struct secmap_rules_spec *spec, struct secmap_set **sets,
					   const char *name, struct secmap_why *why);
void secmap_policy_describe(const struct secmap_policy *policy, struct secmap_policy_info *info);

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

/* Context: any. Sleeps never, stores nothing. */
static inline u32 secmap_policy_judge(const struct secmap_policy *policy, struct secmap_where where,
				      const u64 *args)
{
	return secmap_rules_eval_at(policy->rules, where, args).action;
}

#endif
