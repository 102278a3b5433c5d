/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replacement: another policy in place of one, or the same, counted, or saying something else, for
 * all who carry it.
 */
#ifndef _SECMAP_REPLACE_H
#define _SECMAP_REPLACE_H

#include <linux/types.h>

struct secmap_body;
struct secmap_change;
struct secmap_policy;

/* What two policies said when they were compared. */
struct secmap_compared {
	const struct secmap_body *from;
	const struct secmap_body *to;
};

int __must_check secmap_replace(struct secmap_policy *from, struct secmap_policy *to,
				const struct secmap_compared *compared, bool own, u32 *tasks,
				u32 *stacks);
int __must_check secmap_count(struct secmap_policy *policy, bool on, bool privileged, u32 *tasks,
			      u32 *stacks);
int __must_check secmap_seal(bool *sealed);

void secmap_wait_for_calls(bool privileged);

/* For update.c. */
int __must_check secmap_replacing_lock(bool privileged);
void secmap_replacing_unlock(bool privileged);
int __must_check secmap_carry_out(const struct secmap_change *change, u32 *tasks, u32 *stacks);

#endif
