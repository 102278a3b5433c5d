/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernel versions, and nowhere else: the newest kernel's interface,
 * made anew on older ones.
 */
#ifndef _SECMAP_COMPAT_H
#define _SECMAP_COMPAT_H

#include <linux/file.h>
#include <linux/sched.h>

/* 6.4, upstream 54e6842d0775 ("fork/vm: Move common PF_IO_WORKER behavior to new flag") */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

/*
 * 6.8, upstream 4e94ddfe2aab ("file: remove __receive_fd()") gave receive_fd() a second
 * argument. Its type tells, whatever the version says.
 */
static inline int compat_receive_fd(struct file *file, int __user *ufd, unsigned int flags)
{
	int (*newest)(struct file * file, int __user *ufd, unsigned int flags);
	int (*older)(struct file * file, unsigned int flags);
	void *receive = receive_fd;

	if (__builtin_types_compatible_p(typeof(&receive_fd), typeof(older))) {
		older = receive;
		return older(file, flags);
	}
	newest = receive;
	return newest(file, ufd, flags);
}

#endif
