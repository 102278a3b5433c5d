// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/* Actions: which SECCOMP_RET_* values there are, and which a policy may hold. */
#include "kernel.h"
#include "verdict.h"

/*
 * Errnos 512 ... 516 (ERESTARTSYS to ERESTART_RESTARTBLOCK) never reach user space:
 * the kernel restarts the call for them.
 */
#define ACTION_RESTART_FIRST 512U
#define ACTION_RESTART_LAST  516U

/**
 * secmap_action_bit() - the SECMAP_ACTION_* bit of an action
 * @action: SECCOMP_RET_* with any data
 *
 * Return: the bit, 0 if there is no such action.
 */
u32 secmap_action_bit(u32 action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
		return SECMAP_ACTION_KILL_PROCESS;
	case SECCOMP_RET_KILL_THREAD:
		return SECMAP_ACTION_KILL_THREAD;
	case SECCOMP_RET_TRAP:
		return SECMAP_ACTION_TRAP;
	case SECCOMP_RET_ERRNO:
		return SECMAP_ACTION_ERRNO;
	case SECCOMP_RET_USER_NOTIF:
		return SECMAP_ACTION_USER_NOTIF;
	case SECCOMP_RET_TRACE:
		return SECMAP_ACTION_TRACE;
	case SECCOMP_RET_LOG:
		return SECMAP_ACTION_LOG;
	case SECCOMP_RET_ALLOW:
		return SECMAP_ACTION_ALLOW;
	default:
		return 0;
	}
}

/**
 * secmap_action_check() - may a policy hold this action?
 * @action: SECCOMP_RET_* with its data
 *
 * Return:
 * * 0			- it may
 * * -EOPNOTSUPP	- there is no such action
 * * -EINVAL		- the data of ERRNO is 512 ... 516
 */
int secmap_action_check(u32 action)
{
	u32 data = action & SECCOMP_RET_DATA;

	switch (secmap_action_bit(action)) {
	case 0:
		return -EOPNOTSUPP;
	case SECMAP_ACTION_ERRNO:
		if (data >= ACTION_RESTART_FIRST && data <= ACTION_RESTART_LAST)
			return -EINVAL;
		return 0;
	default:
		return 0;
	}
}
