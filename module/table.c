// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Tables: bitmaps and hash maps u64 -> u64, checked and built; see lookup.h for what
 * they are made of.
 *
 * What a look-up may cost is not hoped for: building a hash map fails when a key would
 * lie SECMAP_LIMIT_PROBES slots from home, and is tried again with another number.
 */
#include "kernel.h"
#include "lookup.h"
#include "table.h"

/* Builds with different random numbers before the slots are doubled, and before giving up. */
#define TABLE_TRIES 8
/* At least so many slots a key, as a power of two: first, and at last. */
#define TABLE_ROOM_FIRST 1
#define TABLE_ROOM_LAST	 2
/* So many keys are still few pages: with twice the room a third of a slot less is looked at. */
#define TABLE_SMALL 1024U
/*
 * So few keys, as most sets of arguments have, get room until each lies at home: then every
 * look-up touches one slot, and what it costs is not left to chance.
 */
#define TABLE_FEW	    16U
#define TABLE_ROOM_LAST_FEW 4
/* Keys between two offers to let others run. */
#define TABLE_BREATH 4096
/* Slots that secmap_table_next() looks at. */
#define TABLE_GLANCE 64U

static size_t table_slots(const struct secmap_table *table)
{
	return ((size_t)1 << (64 - table->shift)) + SECMAP_LIMIT_PROBES;
}

static struct secmap_table *table_bitmap_create(const struct secmap_table_spec *spec,
						struct secmap_why *why)
{
	size_t longs = BITS_TO_LONGS(spec->max_entries);
	struct secmap_table *table;
	size_t bytes;
	int err;
	u32 i;

	bytes = struct_size(table, bits, longs);
	table = secmap_alloc(bytes);
	if (!table) {
		err = secmap_refuse(why, -ENOMEM, "no memory for %u bits", spec->max_entries);
		return ERR_PTR(err);
	}
	table->type = SECMAP_TABLE_BITMAP;
	table->max_bits = spec->max_entries;
	table->bytes = bytes;
	table->count = spec->count;

	for (i = 0; i < spec->count; i++) {
		u64 key = spec->keys[i];

		if (key >= table->max_bits) {
			err = secmap_refuse(why, -EINVAL,
					    "keys[%u]: bit %llu is outside of max_entries %u", i,
					    key, table->max_bits);
			goto free;
		}
		key = array_index_nospec(key, table->max_bits);
		if (__test_and_set_bit(key, table->bits)) {
			err = secmap_refuse(why, -EEXIST, "keys[%u]: bit %llu is given twice", i,
					    key);
			goto free;
		}
	}
	return table;

free:
	secmap_table_free(table);
	return ERR_PTR(err);
}

/*
 * Put a key where the order of homes wants it, and move those behind it one slot up,
 * as far as the next empty slot. Touches a bounded number of slots whatever the keys
 * are: no key may end up SECMAP_LIMIT_PROBES slots from home.
 */
static int table_hash_insert(struct secmap_table *table, u64 key, u64 value)
{
	u64 *keys = table->keys;
	size_t home = lookup_home(table, key);
	size_t at = home;

	if (key == table->empty)
		return -EAGAIN;

	while (keys[at] != table->empty && lookup_home(table, keys[at]) <= home) {
		if (keys[at] == key)
			return -EEXIST;
		at++;
	}
	for (; at - home < SECMAP_LIMIT_PROBES; at++) {
		table->probes = max(table->probes, (u32)(at - home) + 1);
		swap(key, keys[at]);
		if (table->values)
			swap(value, table->values[at]);
		if (key == table->empty)
			return 0;
		home = lookup_home(table, key);
	}
	return -EAGAIN;
}

/* Build once, with new random numbers. -EAGAIN: they were bad. */
static int table_hash_fill(struct secmap_table *table, const struct secmap_table_spec *spec,
			   struct secmap_why *why)
{
	size_t slots = table_slots(table);
	size_t at;
	u32 i;

	table->multiplier = secmap_random() | 1;
	table->empty = secmap_random();
	table->probes = 1;
	for (at = 0; at < slots; at++)
		table->keys[at] = table->empty;

	for (i = 0; i < spec->count; i++) {
		u64 key = spec->keys[i];
		int err;

		err = table_hash_insert(table, key, spec->values ? spec->values[i] : 0);
		if (err == -EEXIST)
			return secmap_refuse(why, err, "%s[%u]: key %#llx is given twice",
					     spec->list ?: "keys", i, key);
		if (err)
			return err;
		if (i % TABLE_BREATH == TABLE_BREATH - 1)
			cond_resched();
	}
	return 0;
}

static struct secmap_table *table_hash_alloc(const struct secmap_table_spec *spec, u32 room)
{
	u32 bits = fls_long(max(spec->count, 1U) - 1UL) + room;
	size_t slots = ((size_t)1 << bits) + SECMAP_LIMIT_PROBES;
	struct secmap_table *table;
	size_t bytes;

	bytes = struct_size(table, keys, slots);
	if (spec->values)
		bytes += slots * sizeof(u64);
	table = secmap_alloc(bytes);
	if (!table)
		return NULL;
	table->type = SECMAP_TABLE_HASH;
	table->shift = 64 - bits;
	table->values = spec->values ? table->keys + slots : NULL;
	table->bytes = bytes;
	table->count = spec->count;
	return table;
}

/* With @room to @last, and no more than @probes; ERR_PTR(-EAGAIN): it cannot be done. */
static struct secmap_table *table_hash_try(const struct secmap_table_spec *spec, u32 room, u32 last,
					   u32 probes, struct secmap_why *why)
{
	u32 tries;

	for (; room <= last; room++) {
		struct secmap_table *table = table_hash_alloc(spec, room);
		int err = -EAGAIN;

		if (!table) {
			err = secmap_refuse(why, -ENOMEM, "no memory for %u keys", spec->count);
			return ERR_PTR(err);
		}
		for (tries = 0; tries < TABLE_TRIES && err == -EAGAIN; tries++) {
			err = table_hash_fill(table, spec, why);
			if (!err && table->probes > probes)
				err = -EAGAIN;
		}
		if (!err)
			return table;
		secmap_table_free(table);
		if (err != -EAGAIN)
			return ERR_PTR(err);
	}
	return ERR_PTR(-EAGAIN);
}

static struct secmap_table *table_hash_create(const struct secmap_table_spec *spec,
					      struct secmap_why *why)
{
	struct secmap_table *table = ERR_PTR(-EAGAIN);
	u32 more = spec->count <= TABLE_SMALL;

	if (spec->count <= TABLE_FEW)
		table = table_hash_try(spec, TABLE_ROOM_FIRST, TABLE_ROOM_LAST_FEW, 1, why);
	if (table == ERR_PTR(-EAGAIN))
		table = table_hash_try(spec, TABLE_ROOM_FIRST + more, TABLE_ROOM_LAST + more,
				       SECMAP_LIMIT_PROBES, why);
	if (table == ERR_PTR(-EAGAIN))
		table = ERR_PTR(secmap_refuse(why, -ENOSPC,
					      "%u keys do not fit with at most %u probes each",
					      spec->count, SECMAP_LIMIT_PROBES));
	return table;
}

/**
 * secmap_table_create() - make a table with its contents
 * @spec: what it is to hold
 * @why: says why it was refused; may be NULL
 *
 * Sleeps. Return: a table for secmap_table_free(), or
 * * -EOPNOTSUPP	- the type is unknown
 * * -EINVAL		- no entries, more keys than entries, values for a bitmap, or a
 *			  bit outside of it
 * * -E2BIG		- more entries than the limit
 * * -EEXIST		- a key is given twice
 * * -ENOSPC		- no random number spreads the keys well enough
 * * -ENOMEM		- no memory
 */
struct secmap_table *secmap_table_create(const struct secmap_table_spec *spec,
					 struct secmap_why *why)
{
	u32 limit;

	switch (spec->type) {
	case SECMAP_TABLE_BITMAP:
		limit = SECMAP_LIMIT_BITMAP_BITS;
		break;
	case SECMAP_TABLE_HASH:
		limit = SECMAP_LIMIT_HASH_ENTRIES;
		break;
	default:
		return ERR_PTR(secmap_refuse(why, -EOPNOTSUPP, "type %u is unknown", spec->type));
	}
	if (spec->max_entries > limit)
		return ERR_PTR(secmap_refuse(why, -E2BIG, "max_entries %u is above the limit of %u",
					     spec->max_entries, limit));
	if (!spec->max_entries)
		return ERR_PTR(secmap_refuse(why, -EINVAL, "max_entries is 0"));
	if (spec->count > spec->max_entries)
		return ERR_PTR(secmap_refuse(why, -EINVAL, "count %u is above max_entries %u",
					     spec->count, spec->max_entries));
	if (spec->type == SECMAP_TABLE_HASH)
		return table_hash_create(spec, why);
	if (spec->values)
		return ERR_PTR(secmap_refuse(why, -EINVAL, "a bitmap has no values"));
	return table_bitmap_create(spec, why);
}

/* The keys of a list, to be looked up. As secmap_table_create(). */
static struct secmap_table *table_of_list(const char *list, const u64 *keys, u32 count,
					  struct secmap_why *why)
{
	struct secmap_table_spec spec = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = max(count, 1U),
		.count = count,
		.keys = keys,
		.list = list,
	};

	return table_hash_create(&spec, why);
}

/* Each key that is to go is there, and not to stay. */
static int table_check_removed(const struct secmap_table *table, const struct secmap_table *added,
			       const struct secmap_table_change *change, struct secmap_why *why)
{
	u32 i;

	for (i = 0; i < change->remove_count; i++) {
		u64 key = change->remove[i];

		if (secmap_table_has(added, key))
			return secmap_refuse(why, -EEXIST, "remove[%u]: key %#llx is in keys, too",
					     i, key);
		if (!secmap_table_has(table, key))
			return secmap_refuse(why, -ENOENT,
					     "remove[%u]: key %#llx is not in the table", i, key);
		if (i % TABLE_BREATH == TABLE_BREATH - 1)
			cond_resched();
	}
	return 0;
}

/* Behind those of @spec, which are there, the keys that stay as they are. */
static void table_keep(const struct secmap_table *table, const struct secmap_table *added,
		       const struct secmap_table *removed, struct secmap_table_spec *spec,
		       u64 *keys, u64 *values)
{
	size_t cursor = 0;
	bool found;
	u64 key;

	while (secmap_table_next(table, &cursor, &key, &found)) {
		if (cursor % TABLE_BREATH == 0)
			cond_resched();
		if (!found || secmap_table_has(added, key) || secmap_table_has(removed, key))
			continue;
		keys[spec->count] = key;
		if (values)
			secmap_table_get(table, key, &values[spec->count]);
		spec->count++;
	}
}

/* What is there afterwards. @added, @removed: what @change says, to be looked up. */
static struct secmap_table *table_change(const struct secmap_table *table, u32 max_entries,
					 const struct secmap_table_change *change,
					 const struct secmap_table *added,
					 const struct secmap_table *removed, struct secmap_why *why)
{
	bool valued = change->values || (table->type == SECMAP_TABLE_HASH && table->values);
	size_t room = (size_t)table->count + change->count;
	struct secmap_table_spec spec = {
		.type = table->type,
		.max_entries = max_entries,
		.count = change->count,
	};
	struct secmap_table *next;
	u64 *keys, *values;

	/* The values lie behind the keys. */
	keys = secmap_alloc((room + 1) * sizeof(*keys) * (valued ? 2 : 1));
	if (!keys)
		return ERR_PTR(secmap_refuse(why, -ENOMEM, "no memory for %zu keys", room));
	values = valued ? keys + room : NULL;
	memcpy(keys, change->keys, change->count * sizeof(*keys));
	if (change->values)
		memcpy(values, change->values, change->count * sizeof(*values));
	if (!change->whole)
		table_keep(table, added, removed, &spec, keys, values);
	spec.keys = keys;
	spec.values = values;
	if (spec.count > max_entries)
		next = ERR_PTR(secmap_refuse(why, -ENOSPC,
					     "it would hold %u keys, above its max_entries %u",
					     spec.count, max_entries));
	else
		next = secmap_table_create(&spec, why);
	secmap_release(keys);
	return next;
}

/**
 * secmap_table_create_changed() - make a table of another one, with some keys less and some more
 * @table: the other one, which stays as it is
 * @max_entries: bits, or keys, that there is room for
 * @change: what is different
 * @why: says why it was refused; may be NULL
 *
 * Sleeps. Return: a table for secmap_table_free(), or
 * * -EEXIST: a key is given twice
 * * -ENOENT: one that is to be removed is not there
 * * -ENOSPC: more keys than entries, or no random number spreads them well enough
 * * -EINVAL, -ENOMEM: as secmap_table_create()
 */
struct secmap_table *secmap_table_create_changed(const struct secmap_table *table, u32 max_entries,
						 const struct secmap_table_change *change,
						 struct secmap_why *why)
{
	struct secmap_table *added, *removed, *next;
	int err;

	added = table_of_list("keys", change->keys, change->count, why);
	if (IS_ERR(added))
		return added;
	removed = table_of_list("remove", change->remove, change->remove_count, why);
	next = removed;
	if (IS_ERR(removed))
		goto free_added;
	err = table_check_removed(table, added, change, why);
	next = err ? ERR_PTR(err) : table_change(table, max_entries, change, added, removed, why);
	secmap_table_free(removed);
free_added:
	secmap_table_free(added);
	return next;
}

/**
 * secmap_table_free() - the end of a table
 * @table: a table that nobody looks into any more, or NULL
 */
void secmap_table_free(struct secmap_table *table)
{
	secmap_release(table);
}

/**
 * secmap_table_has() - is a bit set, or a key there?
 * @table: a table
 * @key: any value
 *
 * Called by the probe: no lock, no sleep, no store, at most SECMAP_LIMIT_PROBES steps.
 *
 * Return: whether it is.
 */
bool secmap_table_has(const struct secmap_table *table, u64 key)
{
	size_t place;

	if (table->type == SECMAP_TABLE_BITMAP)
		return lookup_bitmap(table, key);
	return lookup_hash(table, key, &place);
}

/**
 * secmap_table_get() - a key's value
 * @table: a table
 * @key: any value
 * @value: its value if the key is there, otherwise left alone; 0 in a bitmap
 *
 * As secmap_table_has().
 *
 * Return: whether the key is there.
 */
bool secmap_table_get(const struct secmap_table *table, u64 key, u64 *value)
{
	size_t place;

	if (table->type == SECMAP_TABLE_BITMAP) {
		if (!lookup_bitmap(table, key))
			return false;
		*value = 0;
		return true;
	}
	if (!lookup_hash(table, key, &place))
		return false;
	*value = lookup_value(table, place);
	return true;
}

/**
 * secmap_table_next() - go on to the next key, or the next bit that is set
 * @table: a table
 * @cursor: 0 to begin with
 * @key: the key
 * @found: whether there was one: no more than TABLE_GLANCE slots or bits are looked at
 *
 * Return: false at the end.
 */
bool secmap_table_next(const struct secmap_table *table, size_t *cursor, u64 *key, bool *found)
{
	bool bitmap = table->type == SECMAP_TABLE_BITMAP;
	size_t end = bitmap ? table->max_bits : table_slots(table);
	u32 left = TABLE_GLANCE;

	*found = false;
	if (*cursor >= end)
		return false;
	while (*cursor < end && left-- && !*found) {
		size_t at = (*cursor)++;

		*key = bitmap ? at : table->keys[at];
		*found = bitmap ? test_bit(at, table->bits) : *key != table->empty;
	}
	return true;
}

/**
 * secmap_table_type() - what kind of table it is
 * @table: a table
 *
 * Return: SECMAP_TABLE_*.
 */
u32 secmap_table_type(const struct secmap_table *table)
{
	return table->type;
}

/**
 * secmap_table_count() - how much is in a table
 * @table: a table
 *
 * Return: keys, or bits that are set.
 */
u32 secmap_table_count(const struct secmap_table *table)
{
	return table->count;
}

/**
 * secmap_table_bytes() - what a table costs
 * @table: a table
 *
 * Return: bytes of memory.
 */
size_t secmap_table_bytes(const struct secmap_table *table)
{
	return table->bytes;
}
