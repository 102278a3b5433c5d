/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* Verdicts: which of two is stricter, and what one does to a task. */
#ifndef _SECMAP_VERDICT_H
#define _SECMAP_VERDICT_H

#include "kernel.h"
#include "limits.h"
#include <secmap/secmap.h>

struct pt_regs;
struct secmap_call;
struct secmap_carrier;
struct secmap_entry;

/* What ATTACH takes: the actions that secmap_verdict_apply() carries out. */
#define SECMAP_ACTIONS                                                                 \
	(SECMAP_ACTION_KILL_PROCESS | SECMAP_ACTION_KILL_THREAD | SECMAP_ACTION_TRAP | \
	 SECMAP_ACTION_ERRNO | SECMAP_ACTION_USER_NOTIF | SECMAP_ACTION_TRACE |        \
	 SECMAP_ACTION_LOG | SECMAP_ACTION_ALLOW)

/**
 * secmap_verdict_stricter() - does @a win over @b?
 *
 * Actions are numbered so that the minimum, taken signed, is the strictest; the data
 * does not count. Equal is not stricter: the caller goes from the newest policy to
 * the oldest, and so keeps the newest one's data, as seccomp_run_filters() does.
 */
static inline bool secmap_verdict_stricter(u32 a, u32 b)
{
	return (s32)(a & SECCOMP_RET_ACTION_FULL) < (s32)(b & SECCOMP_RET_ACTION_FULL);
}

/* SECMAP_ACTION_* of a SECCOMP_RET_* value; 0: no such action. */
u32 secmap_action_bit(u32 action);

/* May a policy hold it? 0, or -EOPNOTSUPP: no such action, -EINVAL: its data. */
int secmap_action_check(u32 action);

/* Does it take effect at once, as an errno? All others are for secmap_verdict_apply(). */
static inline bool secmap_verdict_fails(u32 action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

/* The value that the call returns then: capped, as seccomp(2) does. */
static inline long secmap_verdict_errno(u32 action)
{
	u32 data = action & SECCOMP_RET_DATA;

	return -(long)(data < SECMAP_LIMIT_ERRNO ? data : SECMAP_LIMIT_ERRNO);
}

/* What KILL_THREAD ends a thread with: SIGSYS, or as SECCOMP_MODE_STRICT. */
static inline int secmap_verdict_status(bool strict)
{
	return strict ? 9 /* SIGKILL */ : 31 /* SIGSYS */;
}

bool secmap_verdict_apply(struct secmap_carrier *carrier, const struct secmap_entry *by,
			  struct pt_regs *regs, u32 action, u64 permitted);
void secmap_verdict_phase(struct secmap_carrier *carrier, struct pt_regs *regs);
u64 secmap_verdict_permitted(struct secmap_carrier *carrier, const struct secmap_call *call);
void secmap_verdict_late(struct secmap_carrier *carrier);

#endif
