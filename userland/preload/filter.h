/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be told of a classic BPF program by looking at it. */
#ifndef SECMAP_PRELOAD_FILTER_H
#define SECMAP_PRELOAD_FILTER_H

#include <stdbool.h>

#include <linux/filter.h>

/* Can this memory be read? The kernel is asked. */
bool secmap_memory_readable(const void *start, unsigned long size);

/* Can the program answer SECCOMP_RET_TRACE? */
bool secmap_filter_traces(const struct sock_fprog *program);

/* Does the program let its process call ioctl(2) with this request? */
bool secmap_filter_allows_ioctl(const struct sock_fprog *program, unsigned long request);

#endif /* SECMAP_PRELOAD_FILTER_H */
