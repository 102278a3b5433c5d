// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dispatch: getppid() under syscall user dispatch, which decides before any filter. Prints
 * what its handler made it return, then makes the call without it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF	     0
#define PR_SYS_DISPATCH_ON	     1
#endif

static volatile char selector; /* 0: let calls through, 1: block them */

static void handler(int number, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	(void)number;
	selector = 0;
	at->uc_mcontext.gregs[REG_RAX] = info->si_syscall == SYS_getppid ? 4321 : -EINVAL;
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	long result;

	if (sigaction(SIGSYS, &action, NULL) ||
	    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector))
		return 2;
	selector = 1;
	result = syscall(SYS_getppid);
	printf("%ld\n", result);
	fflush(stdout);
	result = syscall(SYS_getppid);
	printf("%ld\n", result == -1 ? -(long)errno : 0);
	return 0;
}
