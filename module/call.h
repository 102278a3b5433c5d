/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One system call: its ABI, number and arguments; skip it, rewrite it, restart it.
 * The only file that knows registers (x86).
 */
#ifndef _SECMAP_CALL_H
#define _SECMAP_CALL_H

#include <linux/audit.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/seccomp.h>
#include <asm/syscall.h>

#include "steps.h"

/* Numbers by ABI; the headers give only those of the kernel's own. */
#define SECMAP_NR_EXIT_X86_64 60
#define SECMAP_NR_EXIT_I386   1

/* Does this call create a task? Numbers of clone, fork, vfork and clone3. */
static inline bool secmap_call_forks(struct secmap_where where)
{
	switch (where.abi) {
	case SECMAP_ABI_X86_64:
	case SECMAP_ABI_X32:
		return where.nr == 56 || where.nr == 57 || where.nr == 58 || where.nr == 435;
	case SECMAP_ABI_I386:
		return where.nr == 120 || where.nr == 2 || where.nr == 190 || where.nr == 435;
	}
	return false;
}

/*
 * A call that returns, and to where it came from, with what the kernel puts into the return
 * register: close, munmap, ioctl, getpid, getuid. Others may do so too; these surely do.
 */
static inline bool secmap_call_plain(struct secmap_where where)
{
	switch (where.abi) {
	case SECMAP_ABI_X86_64:
		return where.nr == 3 || where.nr == 11 || where.nr == 16 || where.nr == 39 ||
		       where.nr == 102;
	case SECMAP_ABI_I386:
		return where.nr == 6 || where.nr == 91 || where.nr == 54 || where.nr == 20 ||
		       where.nr == 199;
	}
	return false;
}

/* rt_sigreturn, and sigreturn of i386. */
static inline bool secmap_call_is_sigreturn(struct secmap_where where)
{
	switch (where.abi) {
	case SECMAP_ABI_X86_64:
		return where.nr == 15;
	case SECMAP_ABI_X32:
		return where.nr == 513;
	case SECMAP_ABI_I386:
		return where.nr == 173 || where.nr == 119;
	}
	return false;
}

/* Does this call, when it has run, leave other registers than it was made with? */
static inline bool secmap_call_changes_registers(struct secmap_where where)
{
	switch (where.abi) {
	case SECMAP_ABI_X86_64: /* execve, execveat */
		return where.nr == 59 || where.nr == 322 || secmap_call_is_sigreturn(where);
	case SECMAP_ABI_X32:
		return where.nr == 520 || where.nr == 545 || secmap_call_is_sigreturn(where);
	case SECMAP_ABI_I386:
		return where.nr == 11 || where.nr == 358 || secmap_call_is_sigreturn(where);
	}
	return false;
}

static inline u32 secmap_call_arch(void)
{
	return syscall_get_arch(current);
}

static inline unsigned long secmap_call_ip(const struct pt_regs *regs)
{
	return regs->ip;
}

/* The number as it is now: what a tracer or an earlier probe rewrote is what counts. */
static inline u32 secmap_call_nr(struct pt_regs *regs)
{
	return syscall_get_nr(current, regs);
}

/*
 * All of the register that the number is in: what a program left in its upper half is part of
 * the registers before the call, and of nothing else.
 */
static inline unsigned long secmap_call_number(const struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* Is it of the kernel's own ABI (x32 numbers included)? */
static inline bool secmap_call_native(struct task_struct *task)
{
	return syscall_get_arch(task) == AUDIT_ARCH_X86_64;
}

static inline struct secmap_where secmap_call_where(struct pt_regs *regs)
{
	return secmap_where(syscall_get_arch(current), secmap_call_nr(regs));
}

/* What a policy sees of a call. */
struct secmap_call {
	struct secmap_where where;
	struct seccomp_data data;
};

/* All of a native call: what a program reads must not be what lay on the kernel's stack before. */
static __always_inline struct seccomp_data secmap_call_data_native(const struct pt_regs *regs,
								   u32 nr)
{
	return (struct seccomp_data){
		nr,
		AUDIT_ARCH_X86_64,
		regs->ip,
		{ regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9 },
	};
}

/*
 * The registers as an array, and where in it the arguments of the native ABI are: who looks at
 * one of them need not copy all.
 */
static __always_inline const u64 *secmap_call_registers(const struct pt_regs *regs)
{
	return (const u64 *)regs;
}

#define SECMAP_CALL_PLACE(name) (offsetof(struct pt_regs, name) / sizeof(u64))

static __always_inline const u8 *secmap_call_places(void)
{
	static const u8 places[RULES_ARGS] = {
		SECMAP_CALL_PLACE(di),	SECMAP_CALL_PLACE(si), SECMAP_CALL_PLACE(dx),
		SECMAP_CALL_PLACE(r10), SECMAP_CALL_PLACE(r8), SECMAP_CALL_PLACE(r9),
	};

	return places;
}

/* One initialiser for each ABI: nothing is cleared first, nothing copied twice. */

static __always_inline struct secmap_call secmap_call_read(struct pt_regs *regs)
{
	u32 arch = syscall_get_arch(current);
	u32 nr = secmap_call_nr(regs);
	struct secmap_where where = secmap_where(arch, nr);

	/*
	 * The same values as seccomp(2)'s populate_seccomp_data(), but what is above 32 bits on
	 * i386: the kernel does not take it, so it must not get past a rule.
	 */
	if (arch == AUDIT_ARCH_X86_64)
		return (struct secmap_call){
			.where = where,
			.data = secmap_call_data_native(regs, nr),
		};
	return (struct secmap_call){
		.where = where,
		.data = { nr,
			  arch,
			  regs->ip,
			  { (u32)regs->bx, (u32)regs->cx, (u32)regs->dx, (u32)regs->si,
			    (u32)regs->di, (u32)regs->bp } },
	};
}

/* The call does not run, and returns @value. audit, sys_exit and strace see the number -1. */
static inline void secmap_call_skip(struct pt_regs *regs, long value)
{
	regs->orig_ax = -1;
	regs->ax = value;
}

/* Undo secmap_call_skip(): the registers as they were before the call. */
static inline void secmap_call_rollback(struct pt_regs *regs, unsigned long number)
{
	regs->orig_ax = number;
	regs->ax = number;
}

/* The call becomes exit(@status), which ends this thread alone. */
static inline void secmap_call_exit(struct pt_regs *regs, int status)
{
	if (syscall_get_arch(current) == AUDIT_ARCH_I386) {
		regs->orig_ax = SECMAP_NR_EXIT_I386;
		regs->bx = status;
	} else {
		regs->orig_ax = SECMAP_NR_EXIT_X86_64;
		regs->di = status;
	}
}

/* What a skipped call returned; only meaningful on its way back to user mode. */
static inline long secmap_call_result(struct pt_regs *regs)
{
	return regs->ax;
}

/*
 * Has a call failed that was made? In task work, which mostly is on the way back to user mode, but
 * not always: a tracer's stop in clone() or execve(), io_uring_enter() and KVM_RUN do it in the
 * middle of a call, when the register still says what the entry wrote there, -ENOSYS. That is
 * taken for a success: execve() stops when the new program is there.
 */
static inline bool secmap_call_failed(struct pt_regs *regs, struct secmap_where where)
{
	long error = syscall_get_error(current, regs);

	/* It goes on as restart_syscall(), another number, and may succeed there. */
	if (error == -ERESTART_RESTARTBLOCK)
		return false;
	/* What sigreturn() leaves is what was interrupted, and of the program's choice. */
	return error && error != -ENOSYS && !secmap_call_is_sigreturn(where);
}

/* The rolled back call returns @value after all; on its way back to user mode only. */
static inline void secmap_call_answer(struct pt_regs *regs, long value)
{
	regs->ax = value;
}

/*
 * Make the skipped call again: syscall, sysenter's landing pad and
 * int 0x80 are all two bytes long. On its way back to user mode only.
 */
static inline void secmap_call_restart(struct pt_regs *regs, unsigned long number)
{
	regs->orig_ax = -1;
	regs->ax = number;
	regs->ip -= 2;
}

#endif
