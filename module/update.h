/* SPDX-License-Identifier: GPL-2.0-only */
/* Update: something else in a set, for all policies that look into it, at once. */
#ifndef _SECMAP_UPDATE_H
#define _SECMAP_UPDATE_H

#include <linux/types.h>

#include "why.h"

struct secmap_set;
struct secmap_table_change;
struct secmap_table_update;

int __must_check secmap_update(struct secmap_set *set, const struct secmap_table_change *change,
			       bool may_loosen, struct secmap_table_update *record,
			       struct secmap_why *why);

#endif
