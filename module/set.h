/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets: table objects. What is in one is immutable; to change it something else is put there. */
#ifndef _SECMAP_SET_H
#define _SECMAP_SET_H

#include <linux/atomic.h>
#include <linux/refcount.h>

#include "object.h"
#include "table.h"

/* What was in a set at some time; immutable. The last reference frees it, and the table. */
struct secmap_contents {
	refcount_t refs;
	struct secmap_table *table;
};

/**
 * struct secmap_set - a table with its descriptor, id and name
 * @max_entries: bits, or keys, that there is room for
 * @policies: that look into it
 * @sealed: its contents stay; set for good, and changed and relied on under what replace.c locks
 * @contents: what is in it; a reference. Changed by secmap_update() alone, which drops what was
 *	there a grace period later: so secmap_set_contents() finds a reference to take
 */
struct secmap_set {
	struct secmap_object object;
	u32 max_entries;
	atomic_t policies;
	bool sealed;
	struct secmap_contents __rcu *contents;
};

struct secmap_set *secmap_set_create(const struct secmap_table_spec *spec, const char *name);
struct secmap_contents *secmap_set_contents(const struct secmap_set *set);
void secmap_set_describe(const struct secmap_set *set, struct secmap_table_info *info);

struct secmap_contents *secmap_contents_create(struct secmap_table *table);
struct secmap_contents *secmap_contents_get(struct secmap_contents *contents);
void secmap_contents_put(struct secmap_contents *contents);

int __must_check secmap_sets_keep(void);
void secmap_sets_release(void);
int __must_check secmap_sets_begin_change(void);
void secmap_sets_end_change(void);

static inline struct secmap_set *secmap_set_of(struct secmap_object *object)
{
	return IS_ERR(object) ? ERR_CAST(object) : container_of(object, struct secmap_set, object);
}

static inline void secmap_set_put(struct secmap_set *set)
{
	secmap_object_put(&set->object);
}

#endif
