/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Tallies: which counter of a policy a verdict belongs to. Per ABI, of rules: one for each
 * SECMAP_RULE_* that is none, and one for each rule; of a program: one for each action.
 */
#ifndef _SECMAP_TALLY_H
#define _SECMAP_TALLY_H

#include "kernel.h"
#include "rules.h"

/**
 * struct secmap_tally - the counters of a policy, one after the other
 * @first: of each ABI; behind them, how many there are altogether
 *
 * Immutable.
 */
struct secmap_tally {
	u32 first[SECMAP_ABI_COUNT + 1];
};

/* @rules is NULL for a program. */
struct secmap_tally secmap_tally_of(const struct secmap_rules *rules);
u32 secmap_tally_place(const struct secmap_tally *tally, u32 abi, struct secmap_verdict verdict);
struct secmap_count secmap_tally_tell(const struct secmap_tally *tally,
				      const struct secmap_rules *rules, u32 place);

/* How many counters there are; also a place of its own: none. */
static inline u32 secmap_tally_size(const struct secmap_tally *tally)
{
	return tally->first[SECMAP_ABI_COUNT];
}

#endif
