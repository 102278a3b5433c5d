// SPDX-License-Identifier: GPL-2.0-only
/* Phases: the calls from which on a policy is asked that lies in a stack. */
#include "phase.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/slab.h>

/**
 * secmap_phase_create() - a phase that one of some calls begins
 * @numbers: the calls
 * @count: how many, at least 1
 * @succeeds: see struct secmap_phase
 *
 * Return: the phase with one reference, or
 * * -EOPNOTSUPP: an unknown ABI
 * * -EINVAL: a number that no policy can name
 * * -EEXIST: a call twice
 * * -ENOMEM
 */
struct secmap_phase *secmap_phase_create(const struct secmap_number *numbers, u32 count,
					 bool succeeds)
{
	struct secmap_phase *phase = kzalloc(sizeof(*phase), GFP_KERNEL_ACCOUNT);
	int err = 0;
	u32 i;

	if (!phase)
		return ERR_PTR(-ENOMEM);
	refcount_set(&phase->refs, 1);
	phase->succeeds = succeeds;
	for (i = 0; i < count && !err; i++) {
		u32 abi = numbers[i].abi, nr = numbers[i].nr;
		unsigned long *known;

		if (abi >= SECMAP_ABI_COUNT) {
			err = -EOPNOTSUPP;
		} else if (nr >= SECMAP_NR_MAX) {
			err = -EINVAL;
		} else {
			known = phase->numbers[array_index_nospec(abi, SECMAP_ABI_COUNT)];
			if (__test_and_set_bit(array_index_nospec(nr, SECMAP_NR_MAX), known))
				err = -EEXIST;
		}
	}
	if (!err)
		return phase;
	kfree(phase);
	return ERR_PTR(err);
}

void secmap_phase_get(struct secmap_phase *phase)
{
	refcount_inc(&phase->refs);
}

/* Context: may sleep; no probe can be reading it, for the stack is freed a grace period later. */
void secmap_phase_put(struct secmap_phase *phase)
{
	if (refcount_dec_and_test(&phase->refs))
		kfree(phase);
}

/* Is this one of its calls? Context: any. */
bool secmap_phase_begins(const struct secmap_phase *phase, struct secmap_where where)
{
	if (where.abi >= SECMAP_ABI_COUNT || where.nr >= SECMAP_NR_MAX)
		return false;
	where.nr = array_index_nospec(where.nr, SECMAP_NR_MAX);
	return test_bit(where.nr, phase->numbers[where.abi]);
}
