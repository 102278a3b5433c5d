/* SPDX-License-Identifier: GPL-2.0-only */
/* Phases: the calls from which on a policy is asked that lies in a stack. */
#ifndef _SECMAP_PHASE_H
#define _SECMAP_PHASE_H

#include <linux/bitmap.h>
#include <linux/refcount.h>
#include <secmap/secmap.h>

#include "rules.h"

/**
 * struct secmap_phase - when a policy comes into force
 * @refs: one for each place in a stack where it has not begun
 * @succeeds: one of the calls has to succeed; else it is enough that it was made
 * @numbers: the calls, by ABI
 *
 * Immutable.
 */
struct secmap_phase {
	refcount_t refs;
	bool succeeds;
	DECLARE_BITMAP(numbers[SECMAP_ABI_COUNT], SECMAP_NR_MAX);
};

struct secmap_phase *secmap_phase_create(const struct secmap_number *numbers, u32 count,
					 bool succeeds);
void secmap_phase_get(struct secmap_phase *phase);
void secmap_phase_put(struct secmap_phase *phase);
bool secmap_phase_begins(const struct secmap_phase *phase, struct secmap_where where);

#endif
