/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live maps: maps of bpf(2) that programs look into. The one thing in a policy that is not
 * immutable: who may write the map changes what the policy says, from the next call on.
 */
#ifndef _SECMAP_LIVE_H
#define _SECMAP_LIVE_H

#include <linux/types.h>

#include "ebpf.h"
#include "why.h"

struct bpf_map;

/**
 * struct secmap_live - a map as a table of a program
 * @type: SECMAP_TABLE_BPF, or SECMAP_TABLE_BPF_TRIE; the first member of struct secmap_table, so
 *	that a program's helper can tell the two apart
 * @narrow: keys are 4 bytes long, not 8
 * @map: a reference
 */
struct secmap_live {
	u32 type;
	bool narrow;
	struct bpf_map *map;
};

int secmap_live_open(struct secmap_live *live, int fd, struct secmap_why *why);
void secmap_live_hold(const struct secmap_live *live);
void secmap_live_put(const struct secmap_live *live);
u64 secmap_live_get(const struct secmap_live *live, u64 key, u64 otherwise);

#endif
