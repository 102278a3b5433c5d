/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernel versions, and nowhere else: the newest kernel's interface,
 * made anew on older ones.
 */
#ifndef _SECMAP_COMPAT_H
#define _SECMAP_COMPAT_H

#include <linux/bpf.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <linux/types.h>
#include <asm/unistd.h>

/* 6.4, upstream 54e6842d0775 ("fork/vm: Move common PF_IO_WORKER behavior to new flag") */
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

/*
 * 6.13, upstream cdd30ebb1b9f ("module: Convert symbol namespace to string literal"). A kernel
 * that does not have the namespace does not mind.
 */
#define COMPAT_IMPORT_NS(ns) MODULE_INFO(import_ns, ns)

/*
 * 6.2, upstream db559117828d ("bpf: Consolidate spin_lock, timer management into btf_record") and
 * aa3496accc41 ("bpf: Refactor kptr_off_tab into btf_record"). Is something of the kernel's own, a
 * lock, a timer or a pointer, in the values of this map? Kbuild has looked.
 */
static inline bool compat_bpf_map_has_fields(const struct bpf_map *map)
{
#ifdef COMPAT_BTF_RECORD
	return !IS_ERR_OR_NULL(map->record);
#else
	return map_value_has_spin_lock(map) || map_value_has_timer(map) || map_value_has_kptrs(map);
#endif
}

/*
 * 6.8, upstream 4e94ddfe2aab ("file: remove __receive_fd()") gave receive_fd() a second
 * argument. Its type tells, whatever the version says.
 */
typedef int (*compat_receive_fd_t)(struct file *file, int __user *ufd, unsigned int flags);
typedef int (*compat_receive_fd_6_1_t)(struct file *file, unsigned int flags);

static inline int compat_receive_fd(struct file *file, int __user *ufd, unsigned int flags)
{
	typeof(receive_fd) *receive = receive_fd;
	compat_receive_fd_6_1_t older = (void *)receive;
	compat_receive_fd_t newest = (void *)receive;

	if (__builtin_types_compatible_p(typeof(receive), compat_receive_fd_6_1_t))
		return older(file, flags);
	return newest(file, ufd, flags);
}

/*
 * 6.13, upstream 0e6caab8db8b ("tracing: Declare system call tracepoints with
 * TRACE_EVENT_SYSCALL") and a363d27cdbc2 ("tracing: Allow system call tracepoints to handle page
 * faults"): since then preemption is on in probes of system calls, under Tasks-Trace RCU. The
 * macro came along with it.
 */
static __always_inline void compat_probe_begin(void)
{
#ifdef DECLARE_TRACE_SYSCALL
	preempt_disable_notrace();
#endif
}

static __always_inline void compat_probe_end(void)
{
#ifdef DECLARE_TRACE_SYSCALL
	preempt_enable_notrace();
#endif
}

/*
 * Native calls that no program makes, but the kernel's trampolines on its behalf; elsewhere
 * they end in SIGILL. 6.11, upstream 190fec72df4a ("uprobe: Wire up uretprobe system call");
 * 6.18, upstream 56101b69c919 ("uprobes/x86: Add uprobe syscall to speed up uprobe").
 */
static inline bool compat_nr_is_trampoline(u32 nr)
{
#ifdef __NR_uretprobe
	if (nr == __NR_uretprobe)
		return true;
#endif
#ifdef __NR_uprobe
	if (nr == __NR_uprobe)
		return true;
#endif
	return false;
}

#endif
