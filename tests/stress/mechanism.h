/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same classic-BPF filter by one of two mechanisms: seccomp(2), or secmap's
 * ATTACH. A program that uses it takes "seccomp" or "secmap" as its first argument.
 */
#ifndef SECMAP_TESTS_MECHANISM_H
#define SECMAP_TESTS_MECHANISM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <secmap/secmap.h>

#define MECHANISM_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* -1: seccomp(2); otherwise the open device. */
static int mechanism_device = -1;

/* 0, or an errno. */
static inline int mechanism_choose(const char *name)
{
	if (!strcmp(name, "seccomp"))
		return 0;
	if (strcmp(name, "secmap"))
		return EINVAL;
	mechanism_device = open(SECMAP_DEVICE, O_RDWR | O_CLOEXEC);
	return mechanism_device < 0 ? errno : 0;
}

/*
 * Put a filter on the calling thread. @flags: SECCOMP_FILTER_FLAG_*, whose bits are
 * secmap's, too. Returns what seccomp(2) returns: 0, a descriptor, a thread's id, or -1
 * and errno.
 */
static inline long mechanism_attach(const struct sock_filter *filter, unsigned short length,
				    unsigned int flags)
{
	const struct sock_fprog program = { length, (struct sock_filter *)filter };
	struct secmap_attach attach = {
		.size = sizeof(attach),
		.flags = SECMAP_ATTACH_FILTER | flags,
		.policy_fd = -1,
		.filter_len = length,
		.filter = (uintptr_t)filter,
	};
	long result;

	if (mechanism_device < 0)
		return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	do
		result = ioctl(mechanism_device, SECMAP_IOC_ATTACH, &attach);
	while (result < 0 && errno == EAGAIN);
	return result;
}

/* An action for one number, in whatever ABI; everything else is allowed. */
static inline long mechanism_attach_number(unsigned int number, unsigned int action,
					   unsigned int flags)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return mechanism_attach(filter, MECHANISM_COUNT(filter), flags);
}

#endif
