// SPDX-License-Identifier: GPL-2.0-only
/* Live maps: open, look up, put. */
#include "live.h"

#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>

#include "compat/compat.h"

/* Of bpf_map_get(): from 6.12 on (a stable backport) its users say that they are. */
COMPAT_IMPORT_NS("BPF_INTERNAL");

/* The key of an LPM_TRIE, as struct bpf_lpm_trie_key. */
struct live_prefix {
	u32 bits;
	u8 data[sizeof(u64)];
} __packed;

static bool live_is_word(u32 size)
{
	return size == sizeof(u32) || size == sizeof(u64);
}

/* How long what is looked up is: a trie's keys have their prefix length before it. */
static u32 live_key_size(const struct bpf_map *map)
{
	if (map->map_type != BPF_MAP_TYPE_LPM_TRIE)
		return map->key_size;
	return map->key_size - offsetof(struct live_prefix, data);
}

/* 0, or -EBADFD with the reason. */
static int live_check(const struct bpf_map *map, struct secmap_why *why)
{
	switch (map->map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_LPM_TRIE:
		break;
	default:
		return secmap_refuse(why, -EBADFD, "a map of type %u, not HASH, ARRAY or LPM_TRIE",
				     map->map_type);
	}
	if (!live_is_word(live_key_size(map)) || !live_is_word(map->value_size))
		return secmap_refuse(why, -EBADFD,
				     "keys of %u bytes, values of %u: each must have 4 or 8",
				     live_key_size(map), map->value_size);
	if (map->map_flags & BPF_F_WRONLY_PROG)
		return secmap_refuse(why, -EBADFD, "a map that programs may not read");
	/* A lock must not be read, and a pointer must not become a number. */
	if (compat_bpf_map_has_fields(map))
		return secmap_refuse(why, -EBADFD, "a lock, timer or pointer in its values");
	/* In the memory of a network card. */
	if (!map->ops->map_lookup_elem)
		return secmap_refuse(why, -EBADFD, "a map that the kernel cannot look into");
	return 0;
}

/**
 * secmap_live_open() - a map by its descriptor
 * @live: filled in; a reference for secmap_live_put()
 * @fd: the caller's
 * @why: where the reason of a refusal goes
 *
 * Who holds a descriptor that can be read may look into the map: bpf(2) asks no more either.
 *
 * Return: 0, or
 * * -EBADF: no such descriptor
 * * -EBADFD: not a map, one of another shape, or a descriptor that is only for writing
 */
int secmap_live_open(struct secmap_live *live, int fd, struct secmap_why *why)
{
	struct file *file = fget(fd);
	struct bpf_map *map;
	int err;

	if (!file)
		return secmap_refuse(why, -EBADF, "no such descriptor");
	map = bpf_map_get(fd);
	if (IS_ERR(map)) {
		err = secmap_refuse(why, -EBADFD, "neither a table nor a map of bpf(2)");
		goto put_file;
	}
	/* Another thread may have put another map there: what can be read must be this one. */
	if (!(file->f_mode & FMODE_READ) || file->private_data != map)
		err = secmap_refuse(why, -EBADFD, "a map that cannot be read by this descriptor");
	else
		err = live_check(map, why);
	if (err)
		bpf_map_put(map);
	else
		*live = (struct secmap_live){
			.type = map->map_type == BPF_MAP_TYPE_LPM_TRIE ? SECMAP_TABLE_BPF_TRIE :
									 SECMAP_TABLE_BPF,
			.narrow = live_key_size(map) == sizeof(u32),
			.map = map,
		};
put_file:
	fput(file);
	return err;
}

/* One reference more. */
void secmap_live_hold(const struct secmap_live *live)
{
	bpf_map_inc(live->map);
}

/*
 * Context: may sleep. No program that looks into it runs any more: a map is freed at once, and
 * its elements with it.
 */
void secmap_live_put(const struct secmap_live *live)
{
	bpf_map_put(live->map);
}

/* In memory a narrow key is the first half of a wide one (x86). Context: under RCU. */
static const void *live_find(struct bpf_map *map, u64 key)
{
	struct live_prefix prefix;

	switch (map->map_type) {
	case BPF_MAP_TYPE_ARRAY:
		/*
		 * The map's own bound is a branch, and its mask goes up to the next power of two
		 * where who made it was privileged.
		 */
		if (key >= map->max_entries)
			return NULL;
		key = array_index_nospec(key, (u64)map->max_entries);
		break;
	case BPF_MAP_TYPE_LPM_TRIE:
		prefix.bits = live_key_size(map) * BITS_PER_BYTE;
		memcpy(prefix.data, &key, sizeof(key));
		return map->ops->map_lookup_elem(map, &prefix);
	default:
		break;
	}
	return map->ops->map_lookup_elem(map, &key);
}

/**
 * secmap_live_get() - look a key up
 * @live: the map
 * @key: any value
 * @otherwise: what is returned if there is no such key
 *
 * Called by the probe: no sleep, no lock, nothing written. An element may be deleted and used
 * again for another key while we read it: see uapi.
 *
 * Return: the value, or @otherwise.
 */
u64 secmap_live_get(const struct secmap_live *live, u64 key, u64 otherwise)
{
	struct bpf_map *map = live->map;
	const void *value;

	if (live->narrow && key > U32_MAX)
		return otherwise;
	rcu_read_lock();
	value = live_find(map, key);
	/* In a trie a value may lie across two words, but is never written in place. */
	if (value)
		otherwise = map->value_size == sizeof(u64) ? READ_ONCE(*(const u64 *)value) :
							     READ_ONCE(*(const u32 *)value);
	rcu_read_unlock();
	return otherwise;
}
