// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts: what one does to a task. An errno takes effect at once; the rest waits for
 * the way back to user mode, in process context, where it may sleep.
 */
#include "verdict.h"

#include <linux/audit.h>
#include <linux/err.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/signal_types.h>

#include "call.h"
#include "task.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

/* Note the call for later, then have it seen to. */
static bool later(struct secmap_carrier *carrier, struct pt_regs *regs, u32 action,
		  unsigned int what)
{
	carrier->nr = secmap_call_nr(regs);
	carrier->arch = syscall_get_arch(current);
	carrier->ip = instruction_pointer(regs);
	carrier->action = action;
	return secmap_task_later(carrier, what);
}

static bool kill_process(struct secmap_carrier *carrier, struct pt_regs *regs, u32 action)
{
	bool queued = later(carrier, regs, action, SECMAP_LATE_KILL);

	/*
	 * The call does not run, whatever becomes of the signal. Not queued: the policy has been
	 * detached at this moment. Fail closed: the call is denied.
	 */
	secmap_call_skip(regs, queued ? -ENOSYS : -EPERM);
	return false;
}

static bool kill_thread(struct secmap_carrier *carrier, struct pt_regs *regs, u32 action)
{
	/* The last thread takes the process along, with a core, as seccomp(2) has it. */
	if (atomic_read(&current->signal->live) == 1)
		return kill_process(carrier, regs, action);
	later(carrier, regs, action, SECMAP_LATE_LOG);
	set_bit(SECMAP_LATE_STATUS, &carrier->late);
	secmap_call_exit(regs, SIGSYS);
	return false;
}

/**
 * secmap_verdict_apply() - carry a verdict out, or see that it will be
 * @carrier: the current task's
 * @regs: the call
 * @action: SECCOMP_RET_* with its data, but not ERRNO: see secmap_verdict_fails()
 *
 * Context: in the probe, under RCU.
 * Return: whether the call that was made runs.
 */
bool secmap_verdict_apply(struct secmap_carrier *carrier, struct pt_regs *regs, u32 action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return true;
	case SECCOMP_RET_LOG:
		later(carrier, regs, action, SECMAP_LATE_LOG);
		return true;
	case SECCOMP_RET_KILL_THREAD:
		return kill_thread(carrier, regs, action);
	case SECCOMP_RET_KILL_PROCESS:
	default:
		/* ATTACH refused policies with other actions; fail closed all the same. */
		return kill_process(carrier, regs, action);
	}
}

static bool audit = true;
module_param(audit, bool, 0644);
MODULE_PARM_DESC(audit, "Write audit records for LOG and KILL (default: yes)");

/*
 * As audit_seccomp(), of which modules get only the parts; the parameter stands in for
 * kernel.seccomp.actions_logged. Number, ABI and address are those of the call; the program
 * is the one that there is after it, which for execve() is the new one.
 */
static void log_call(const struct secmap_carrier *carrier)
{
	bool logged_only = (carrier->action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG;
	struct audit_buffer *ab;

	if (!READ_ONCE(audit))
		return;
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_SECCOMP);
	if (!ab)
		return;
	audit_log_format(ab, "op=secmap");
	audit_log_task_info(ab);
	audit_log_format(ab, " sig=%d arch=%x syscall=%d compat=%d ip=0x%lx code=0x%x",
			 logged_only ? 0 : SIGSYS, carrier->arch, carrier->nr,
			 carrier->arch == AUDIT_ARCH_I386, carrier->ip,
			 carrier->action & SECCOMP_RET_ACTION_FULL);
	audit_log_end(ab);
}

/*
 * SIGSYS that nobody catches, blocks, ignores or traces away, with the registers of the
 * call in the core: force_sig_info_to_task() with HANDLER_EXIT, which is not exported.
 * SA_IMMUTABLE keeps a debugger and other threads' sigaction() out, as there.
 */
static void kill_with_sigsys(const struct secmap_carrier *carrier)
{
	/* A running task's own does not change. */
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	struct kernel_siginfo info;
	struct k_sigaction *handler;

	secmap_call_rollback(current_pt_regs(), carrier->nr);

	clear_siginfo(&info);
	info.si_signo = SIGSYS;
	info.si_code = SYS_SECCOMP;
	info.si_call_addr = (void __user *)carrier->ip;
	info.si_errno = carrier->action & SECCOMP_RET_DATA;
	info.si_arch = carrier->arch;
	info.si_syscall = carrier->nr;

	spin_lock_irq(&sighand->siglock);
	handler = &sighand->action[SIGSYS - 1];
	handler->sa.sa_handler = SIG_DFL;
	handler->sa.sa_flags |= SA_IMMUTABLE;
	sigdelset(&current->blocked, SIGSYS);
	recalc_sigpending();
	current->signal->flags &= ~SIGNAL_UNKILLABLE;
	spin_unlock_irq(&sighand->siglock);

	/* Only an earlier fatal signal can be in its way, and that ends the task as well. */
	send_sig_info(SIGSYS, &info, current);
}

/**
 * secmap_verdict_late() - what was put off
 * @carrier: the current task's
 *
 * Context: task work. Before any signal handler runs: get_signal() runs task works first.
 */
void secmap_verdict_late(struct secmap_carrier *carrier)
{
	might_sleep();
	if (test_and_clear_bit(SECMAP_LATE_REFILL, &carrier->late))
		secmap_task_refill(carrier);
	if (test_and_clear_bit(SECMAP_LATE_LOG, &carrier->late))
		log_call(carrier);
	if (test_and_clear_bit(SECMAP_LATE_KILL, &carrier->late)) {
		log_call(carrier);
		kill_with_sigsys(carrier);
	}
}
