/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as the pure files see it: action.c, cbpf.c, predict.c, predict_ebpf.c,
 * premise.c, recording.c, rules.c, rules_build.c, table.c, tally.c, tighten.c, verify.c and
 * verify_insn.c include nothing else of it. Unit tests and userland (but of recording.c) put their
 * own file of this name in its place, by including it first: they share the include guard.
 */
#ifndef _SECMAP_KERNEL_H
#define _SECMAP_KERNEL_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/seccomp.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/audit.h>
#include <uapi/linux/bpf.h>
#include <uapi/linux/filter.h>

/* Memory of user space's making is charged to its cgroup, and large. */
static inline void *secmap_alloc(size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL_ACCOUNT);
}

static inline void secmap_release(const void *memory)
{
	kvfree(memory);
}

/* Is a fatal signal pending for the caller? */
static inline bool secmap_is_dying(void)
{
	return fatal_signal_pending(current);
}

static inline u64 secmap_random(void)
{
	return get_random_u64();
}

#endif
