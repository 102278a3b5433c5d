/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* An answer of its own for each call, from a table: no code for any of them. */
#include <asm/unistd.h>
#include <errno.h>
#include <secmap/bpf.h>

#define FAILS(number) (SECCOMP_RET_ERRNO | (number))

/* clang-format off */
SECMAP_HASH(answers,
	{__NR_mount, FAILS(EPERM)},
	{__NR_umount2, FAILS(EPERM)},
	{__NR_swapon, FAILS(EPERM)},
	{__NR_reboot, FAILS(EPERM)},
	{__NR_ptrace, FAILS(ESRCH)},
	{__NR_perf_event_open, FAILS(EACCES)},
	{__NR_bpf, FAILS(ENOSYS)},
	{__NR_userfaultfd, FAILS(ENOSYS)},
	{__NR_io_uring_setup, FAILS(ENOSYS)},
	{__NR_keyctl, FAILS(ENOSYS)},
	{__NR_kexec_load, SECCOMP_RET_KILL_PROCESS},
	{__NR_init_module, SECCOMP_RET_KILL_PROCESS});
/* clang-format on */

SECMAP_FILTER unsigned int errnos(const struct seccomp_data *call)
{
	if (call->arch != AUDIT_ARCH_X86_64 || (call->nr & 0x40000000))
		return SECCOMP_RET_KILL_PROCESS;
	return secmap_lookup(&answers, call->nr, SECCOMP_RET_ALLOW);
}
