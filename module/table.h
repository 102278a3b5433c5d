/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Tables: bitmaps and hash maps u64 -> u64, as data. Immutable once built, so that
 * readers need no lock; look-ups cost at most SECMAP_LIMIT_PROBES slots, which is
 * checked when the table is built.
 */
#ifndef _SECMAP_TABLE_H
#define _SECMAP_TABLE_H

#include "kernel.h"
#include "limits.h"
#include "why.h"
#include <secmap/secmap.h>

/* What a table is to hold; arrays of the caller's, @count long, not kept. */
struct secmap_table_spec {
	u32 type;	 /* SECMAP_TABLE_* */
	u32 max_entries; /* bits, or keys */
	u32 count;
	const u64 *keys;
	const u64 *values; /* NULL: all 0 */
	const char *list;  /* what a sentence calls @keys; NULL: "keys" */
};

/* What is done to the keys of a table; arrays of the caller's, not kept. */
struct secmap_table_change {
	bool whole; /* nothing stays that is not in @keys */
	u32 remove_count;
	const u64 *remove; /* each is there, and not in @keys */
	u32 count;
	const u64 *keys;   /* to be there afterwards, whether they are there or not, */
	const u64 *values; /* with these values; NULL: all 0 */
};

struct secmap_table;

struct secmap_table *secmap_table_create(const struct secmap_table_spec *spec,
					 struct secmap_why *why);
struct secmap_table *secmap_table_create_changed(const struct secmap_table *table, u32 max_entries,
						 const struct secmap_table_change *change,
						 struct secmap_why *why);
void secmap_table_free(struct secmap_table *table);

bool secmap_table_has(const struct secmap_table *table, u64 key);
bool secmap_table_get(const struct secmap_table *table, u64 key, u64 *value);
bool secmap_table_next(const struct secmap_table *table, size_t *cursor, u64 *key, bool *found);

u32 secmap_table_type(const struct secmap_table *table);
u32 secmap_table_count(const struct secmap_table *table);
size_t secmap_table_bytes(const struct secmap_table *table);

#endif
