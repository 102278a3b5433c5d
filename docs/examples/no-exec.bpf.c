/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * No new processes and no new programs; threads are left. For a program that has started
 * already: secmapctl prog load no-exec.bpf.o --pid PID.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <sched.h>
#include <secmap/bpf.h>

SECMAP_FILTER unsigned int no_exec(const struct seccomp_data *call)
{
	if (call->arch != AUDIT_ARCH_X86_64)
		return SECCOMP_RET_KILL_PROCESS;
	/* The numbers of x32 have bit 30 set, and are not looked at one by one. */
	if (call->nr & 0x40000000)
		return SECCOMP_RET_KILL_PROCESS;
	switch (call->nr) {
	case __NR_fork:
	case __NR_vfork:
	case __NR_execve:
	case __NR_execveat:
		return SECCOMP_RET_ERRNO | EPERM;
	case __NR_clone:
		if (call->args[0] & CLONE_THREAD)
			return SECCOMP_RET_ALLOW;
		return SECCOMP_RET_ERRNO | EPERM;
	case __NR_clone3:
		/* Its flags are behind a pointer. The C library falls back to clone. */
		return SECCOMP_RET_ERRNO | ENOSYS;
	default:
		return SECCOMP_RET_ALLOW;
	}
}
