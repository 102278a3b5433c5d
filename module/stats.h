/* SPDX-License-Identifier: GPL-2.0-only */
/* Statistics: how often a policy has said what. */
#ifndef _SECMAP_STATS_H
#define _SECMAP_STATS_H

#include "tally.h"

/**
 * struct secmap_stats - a policy's counters
 * @tally: which they are
 * @counts: by processor; NULL where there cannot be one of this number
 *
 * A processor writes its own only, in the probe, with preemption off: no store is shared, and none
 * is lost. Everybody reads them all.
 */
struct secmap_stats {
	struct secmap_tally tally;
	u64 *counts[];
};

/* Of all processors. */
#define SECMAP_STATS_SUM (-1)

struct secmap_stats *secmap_stats_create(const struct secmap_rules *rules);
void secmap_stats_free(struct secmap_stats *stats);
void secmap_stats_add(struct secmap_stats *stats, u32 abi, struct secmap_verdict verdict);
u64 secmap_stats_count(const struct secmap_stats *stats, u32 place, int cpu);
u32 secmap_stats_read(const struct secmap_stats *stats, const struct secmap_rules *rules,
		      struct secmap_count *to, u32 room);
size_t secmap_stats_bytes(const struct secmap_stats *stats);

#endif
