/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Looking into a table, and what it is made of for that. For table.c, and for steps.h and
 * ebpf_build.c, which do it in the probe and save the call; the others use table.h.
 *
 * A hash map is an array of keys in the order of their home slots (linear probing as
 * Robin Hood does it): a key lies in its home slot, or behind it with no empty slot
 * between. The home comes from multiplying by a random odd number, so that nobody can
 * choose keys that collide.
 */
#ifndef _SECMAP_LOOKUP_H
#define _SECMAP_LOOKUP_H

#include "kernel.h"
#include "limits.h"
#include <secmap/secmap.h>

/* Immutable once built. */
struct secmap_table {
	u32 type;     /* SECMAP_TABLE_* */
	u32 max_bits; /* bitmap: number of bits */
	u32 probes;   /* hash map: slots that a look-up touches at most */
	u32 shift;    /* hash map: 64 - log2 of the home slots */
	u64 multiplier;
	u64 empty;   /* in empty slots; not one of the keys */
	u64 *values; /* parallel to keys[]; NULL: all 0 */
	size_t bytes;
	u32 count; /* keys, or bits that are set */
	union {
		DECLARE_FLEX_ARRAY(unsigned long, bits);
		/*
		 * The home slots, and SECMAP_LIMIT_PROBES more: no probe has to wrap
		 * round, and the last slot is always empty.
		 */
		DECLARE_FLEX_ARRAY(u64, keys);
	};
};

static inline bool lookup_bitmap(const struct secmap_table *table, u64 key)
{
	/* All ones if the key is in bounds, else 0; and nothing that could be speculated past. */
	u64 mask = array_index_mask_nospec(key, table->max_bits);

	return test_bit(key & mask, table->bits) & mask;
}

static inline size_t lookup_home(const struct secmap_table *table, u64 key)
{
	return (key * table->multiplier) >> table->shift;
}

/*
 * Is the key there, and where? The shift bounds the home slot, also under speculation;
 * from there on it is @probes slots at most, and these exist.
 */
static __always_inline bool lookup_hash(const struct secmap_table *table, u64 key, size_t *place)
{
	const u64 *at = table->keys + lookup_home(table, key);
	const u64 *end = at + table->probes;
	u64 empty = table->empty;

	if (unlikely(key == empty))
		return false;
	do {
		if (*at == key) {
			*place = at - table->keys;
			return true;
		}
		if (*at == empty)
			return false;
	} while (++at < end);
	return false;
}

static inline u64 lookup_value(const struct secmap_table *table, size_t place)
{
	return table->values ? table->values[place] : 0;
}

#endif
