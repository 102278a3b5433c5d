/* SPDX-License-Identifier: GPL-2.0-only */
/* Replacement: another policy in place of one, or the same, counted, for all who carry it. */
#ifndef _SECMAP_REPLACE_H
#define _SECMAP_REPLACE_H

#include <linux/types.h>

struct secmap_policy;

int __must_check secmap_replace(struct secmap_policy *from, struct secmap_policy *to, bool own,
				u32 *tasks, u32 *stacks);
int __must_check secmap_count(struct secmap_policy *policy, bool on, u32 *tasks, u32 *stacks);
int __must_check secmap_seal(struct secmap_policy *policy);

#endif
