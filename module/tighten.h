/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * Tightening: does a policy permit no call that another one does not permit?
 *
 * It does if its verdict on every call is at least as strict as the other one's, in seccomp(2)'s
 * order of actions: so if, on top of the other one, it would decide just what it decides alone.
 * And what fails by TRACE must not be asked about: a supervisor could have it run.
 */
#ifndef _SECMAP_TIGHTEN_H
#define _SECMAP_TIGHTEN_H

#include "kernel.h"
#include "rules.h"
#include "why.h"

/* What one policy says of some calls. */
struct secmap_saying {
	u32 action;
	u32 rule; /* as in struct secmap_verdict */
};

/**
 * struct secmap_looser - calls of which it is not shown that a policy is as strict about them
 * @where: their ABI and number; of SECMAP_ABI_COUNT the number means nothing
 * @was: what the old one says of them
 * @is: what the new one says
 * @spent: it may be so all the same: SECMAP_LIMIT_TIGHTEN was reached
 */
struct secmap_looser {
	struct secmap_where where;
	struct secmap_saying was;
	struct secmap_saying is;
	bool spent;
};

int secmap_tighten_check(const struct secmap_rules *from, const struct secmap_rules *to,
			 struct secmap_looser *looser);
int secmap_tighten_refuse(const struct secmap_looser *looser, struct secmap_why *why);

#endif
