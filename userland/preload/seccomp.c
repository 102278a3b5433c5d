// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The operations of seccomp(2), served by the module.
 *
 * Errnos and their order are the kernel's because it gives them: a call that it is sure to
 * refuse whatever the state of the task (bad flags, a bad length, an address that cannot be
 * read) is handed to it as it is. The rest is one ioctl, in which the module checks
 * no_new_privs, the program and the task in the kernel's order. After it nothing more is
 * called: the new filter could deny it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf_common.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include <secmap/secmap.h>

#include "device.h"
#include "filter.h"
#include "kernel.h"
#include "seccomp.h"

/* The flags that mean the same to ATTACH. Others, of newer kernels, are left to the kernel. */
#define FLAGS                                                                                   \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
	 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |                   \
	 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

_Static_assert(SECMAP_ATTACH_TSYNC == SECCOMP_FILTER_FLAG_TSYNC, "");
_Static_assert(SECMAP_ATTACH_LOG == SECCOMP_FILTER_FLAG_LOG, "");
_Static_assert(SECMAP_ATTACH_SPEC_ALLOW == SECCOMP_FILTER_FLAG_SPEC_ALLOW, "");
_Static_assert(SECMAP_ATTACH_NEW_LISTENER == SECCOMP_FILTER_FLAG_NEW_LISTENER, "");
_Static_assert(SECMAP_ATTACH_TSYNC_ESRCH == SECCOMP_FILTER_FLAG_TSYNC_ESRCH, "");
_Static_assert(SECMAP_ATTACH_WAIT_KILLABLE_RECV == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, "");

/* How often the module may say that it is still testing the kernel. */
#define ATTEMPTS 100

/* This thread, or the one that made it, has attached a filter here. Both outlive fork(2). */
static __thread bool filtered __attribute__((tls_model("initial-exec")));
/* A filter attached here denies ioctl(2): the module can be asked nothing more. */
static atomic_bool shut;

/* The module's result, or -ENODEV where it cannot serve this. */
static long attach(struct secmap_attach *record)
{
	int attempt;
	long result;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		result = secmap_device_ioctl(SECMAP_IOC_ATTACH, record);
		switch (result) {
		case -EAGAIN:
			/* The kernel is tested by a call of this task; this one does nothing. */
			kernel_call(SYS_getpid, 0, 0, 0, 0, 0);
			continue;
		case -ENOSPC: /* a limit of the module's, where the kernel has one of memory */
			return -ENOMEM;
		case -ENOTTY: /* no module, an older one, or a kernel where it cannot work */
		case -EOPNOTSUPP:
		case -ENOSYS:
		case -EBADF:
		case -EPERM:
			return -ENODEV;
		default:
			return result;
		}
	}
	return -ENODEV;
}

/* Will the kernel refuse this, whoever asks? */
static bool is_malformed(unsigned int flags, const struct sock_fprog *program)
{
	if (flags & SECCOMP_FILTER_FLAG_TSYNC && flags & SECCOMP_FILTER_FLAG_NEW_LISTENER &&
	    !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return true;
	if (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV &&
	    !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return true;
	if (!secmap_memory_readable(program, sizeof(*program)))
		return true;
	if (program->len == 0 || program->len > BPF_MAXINSNS)
		return true;
	return !secmap_memory_readable(program->filter, program->len * sizeof(*program->filter));
}

static bool is_thread_id(unsigned int flags, long result)
{
	return flags & SECCOMP_FILTER_FLAG_TSYNC && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) &&
	       result > 0;
}

static long set_mode_filter(unsigned int flags, const struct sock_fprog *program)
{
	struct secmap_attach record = {
		.size = sizeof(record),
		.flags = SECMAP_ATTACH_FILTER | flags,
		.policy_fd = -1,
	};
	long result = -ENODEV;
	bool shuts;

	if (flags & ~FLAGS || is_malformed(flags, program) || secmap_filter_traces(program))
		return kernel_seccomp(SECCOMP_SET_MODE_FILTER, flags, program);
	record.filter_len = program->len;
	record.filter = (unsigned long)program->filter;
	shuts = !secmap_filter_allows_ioctl(program, SECMAP_IOC_ATTACH);
	if (!shut)
		result = attach(&record);
	if (result == -ENODEV && !secmap_device_required())
		return kernel_seccomp(SECCOMP_SET_MODE_FILTER, flags, program);
	if (result < 0 || is_thread_id(flags, result))
		return result;
	filtered = true;
	if (shuts)
		shut = true;
	return result;
}

/* As the kernel, which takes the time stamp counter away, too. */
static long set_mode_strict(void)
{
	struct secmap_attach record = {
		.size = sizeof(record),
		.flags = SECMAP_ATTACH_STRICT,
		.policy_fd = -1,
	};
	int counter = PR_TSC_ENABLE;
	long result = -ENODEV;

	if (kernel_prctl(PR_GET_SECCOMP, 0, 0) != SECCOMP_MODE_DISABLED || (shut && filtered))
		return -EINVAL;
	kernel_prctl(PR_GET_TSC, (unsigned long)&counter, 0);
	kernel_prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0);
	if (!shut)
		result = attach(&record);
	if (result < 0)
		kernel_prctl(PR_SET_TSC, counter, 0);
	if (result == -ENODEV && !secmap_device_required())
		return kernel_seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
	return result;
}

long secmap_seccomp(unsigned int operation, unsigned int flags, const void *arguments)
{
	secmap_device_start();
	if (operation == SECCOMP_SET_MODE_FILTER)
		return set_mode_filter(flags, arguments);
	if (operation == SECCOMP_SET_MODE_STRICT && flags == 0 && !arguments)
		return set_mode_strict();
	return kernel_seccomp(operation, flags, arguments);
}

long secmap_set_seccomp(unsigned long mode, const void *filter)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return secmap_seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
	case SECCOMP_MODE_FILTER:
		return secmap_seccomp(SECCOMP_SET_MODE_FILTER, 0, filter);
	default:
		return kernel_prctl(PR_SET_SECCOMP, mode, (unsigned long)filter);
	}
}

bool secmap_is_filtered(void)
{
	return filtered || shut;
}

/* Without a further call where it is known: whoever may call prctl(2) may still not ioctl(2). */
long secmap_get_seccomp(void)
{
	struct secmap_task_info record = { .size = sizeof(record) };
	long mode = kernel_prctl(PR_GET_SECCOMP, 0, 0);

	secmap_device_start();
	if (mode != SECCOMP_MODE_DISABLED)
		return mode;
	if (!filtered && !shut && secmap_device_ioctl(SECMAP_IOC_TASK_INFO, &record) < 0)
		return mode;
	return filtered || shut || record.out_depth ? SECCOMP_MODE_FILTER : mode;
}
