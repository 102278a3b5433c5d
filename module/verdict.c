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
#include <linux/slab.h>

#include "call.h"
#include "carrier.h"
#include "notify.h"
#include "stack.h"
#include "task.h"
#include "watch.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

/* Note the call for later, then have it seen to. */
static bool later(struct secmap_carrier *carrier, const struct secmap_entry *by, u32 action,
		  unsigned int what)
{
	carrier->number = secmap_call_number(current_pt_regs());
	carrier->action = action;
	if (what == SECMAP_LATE_NOTIFY)
		carrier->listener = by->listener;
	else
		carrier->ip = secmap_call_ip(current_pt_regs());
	if (!secmap_carrier_later(carrier, what))
		return false;
	/* The work is this task's own, and does not run before we return. */
	if (by->flags & SECMAP_ATTACH_LOG)
		set_bit(SECMAP_LATE_LOG, &carrier->late);
	if (secmap_call_arch() == AUDIT_ARCH_I386)
		set_bit(SECMAP_LATE_I386, &carrier->late);
	if (secmap_watch_wanted())
		carrier->late |= (u64)by->policy->object.id << SECMAP_LATE_POLICY_SHIFT |
				 BIT(SECMAP_LATE_TELL);
	return true;
}

/* Into the log if its policy is to, and to whoever watches. Return: whether anybody hears of it. */
static bool later_if_heard(struct secmap_carrier *carrier, const struct secmap_entry *by,
			   u32 action)
{
	if (by->flags & SECMAP_ATTACH_LOG)
		return later(carrier, by, action, SECMAP_LATE_LOG);
	return secmap_watch_wanted() && later(carrier, by, action, SECMAP_LATE_TELL);
}

/* Of a call that runs although its policy does not allow it. */
static void complain(struct secmap_carrier *carrier, const struct secmap_entry *by, u32 action)
{
	if (later_if_heard(carrier, by, action))
		set_bit(SECMAP_LATE_RAN, &carrier->late);
}

/* The thread alone; the process does not notice but by its thread's absence. */
static void kill_thread(struct secmap_carrier *carrier, const struct secmap_entry *by,
			struct pt_regs *regs, u32 action)
{
	bool strict = by->flags & SECMAP_ATTACH_STRICT;

	later(carrier, by, action, SECMAP_LATE_LOG);
	if (strict)
		set_bit(SECMAP_LATE_STRICT, &carrier->late);
	set_bit(SECMAP_LATE_STATUS, &carrier->late);
	secmap_call_exit(regs, secmap_verdict_status(strict));
}

/* The last thread takes the process along, with a core, as seccomp(2) has it. */
static bool is_last_thread(const struct secmap_entry *by)
{
	return atomic_read(&current->signal->live) == 1 && !(by->flags & SECMAP_ATTACH_STRICT);
}

/**
 * secmap_verdict_permitted() - has a supervisor said that exactly this call runs?
 * @carrier: the current task's
 * @call: the call that it makes now
 *
 * The thread's next call spends the permit, whatever it is: else one could be kept for later,
 * by a signal handler that runs before the call is made again and does not return.
 *
 * Context: in the probe.
 * Return: secmap_listener_id() of whose supervisor, or 0.
 */
u64 secmap_verdict_permitted(struct secmap_carrier *carrier, const struct secmap_call *call)
{
	const struct secmap_permit *permit = carrier->permit;

	if (!test_bit(SECMAP_LATE_PERMIT, &carrier->late))
		return 0;
	clear_bit(SECMAP_LATE_PERMIT, &carrier->late);
	if (permit->exec_id != current->self_exec_id ||
	    memcmp(&permit->data, &call->data, sizeof(call->data)))
		return 0;
	return permit->listener;
}

/**
 * secmap_verdict_phase() - see to what a call begins that is about to run
 * @carrier: the current task's
 * @regs: the call; secmap_stack_begins_phase()
 *
 * Context: as secmap_verdict_apply(), after it. A task that has been detached from at this moment
 * does not make the call: fail closed.
 */
void secmap_verdict_phase(struct secmap_carrier *carrier, struct pt_regs *regs)
{
	carrier->number = secmap_call_number(regs);
	if (!secmap_carrier_later(carrier, SECMAP_LATE_PHASE))
		secmap_call_skip(regs, -EPERM);
	else if (secmap_call_arch() == AUDIT_ARCH_I386)
		set_bit(SECMAP_LATE_I386, &carrier->late);
}

/* What a call that does not run returns until it is known better. */
static long notify(struct secmap_carrier *carrier, const struct secmap_entry *by, u32 action)
{
	if (!by->listener) {
		later_if_heard(carrier, by, action);
		return -ENOSYS;
	}
	secmap_listener_get(by->listener);
	if (later(carrier, by, action, SECMAP_LATE_NOTIFY))
		return -ENOSYS;
	/* The stack, which cannot go while we are here, holds it still: not the last reference. */
	secmap_listener_put(by->listener);
	return -EPERM;
}

/**
 * secmap_verdict_apply() - carry a verdict out, or see that it will be
 * @carrier: the current task's
 * @by: whose verdict it is
 * @regs: the call
 * @action: SECCOMP_RET_* with its data
 * @permitted: secmap_listener_id() of whose supervisor lets it run, or 0
 *
 * Context: in the probe, under RCU. A call that is to be denied late, but has been detached
 * from at this moment, so that nothing can be queued, fails with EPERM: fail closed.
 * Return: whether the call that was made runs.
 */
bool secmap_verdict_apply(struct secmap_carrier *carrier, const struct secmap_entry *by,
			  struct pt_regs *regs, u32 action, u64 permitted)
{
	long value = -ENOSYS;

	if (by->flags & SECMAP_ATTACH_COMPLAIN) {
		complain(carrier, by, action);
		return true;
	}
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return true;
	case SECCOMP_RET_LOG:
		later(carrier, by, action, SECMAP_LATE_LOG);
		return true;
	case SECCOMP_RET_USER_NOTIF:
		if (permitted && by->listener && permitted == secmap_listener_id(by->listener))
			return true;
		value = notify(carrier, by, action);
		break;
	case SECCOMP_RET_ERRNO:
		value = secmap_verdict_errno(action);
		fallthrough;
	case SECCOMP_RET_TRACE:
		/* A module reaches no tracer: as seccomp(2) without one. */
		later_if_heard(carrier, by, action);
		break;
	case SECCOMP_RET_TRAP:
		if (!later(carrier, by, action, SECMAP_LATE_TRAP))
			value = -EPERM;
		break;
	case SECCOMP_RET_KILL_THREAD:
		if (!is_last_thread(by)) {
			kill_thread(carrier, by, regs, action);
			return false;
		}
		fallthrough;
	case SECCOMP_RET_KILL_PROCESS:
	default:
		/* seccomp(2) kills for actions that it does not know. */
		if (!later(carrier, by, action, SECMAP_LATE_KILL))
			value = -EPERM;
	}
	/* The call does not run, whatever becomes of the rest. */
	secmap_call_skip(regs, value);
	return false;
}

static bool audit = true;
module_param(audit, bool, 0644);
MODULE_PARM_DESC(audit, "Write audit records for LOG, KILL and ATTACH_LOG (default: yes)");

/*
 * As audit_seccomp(), of which modules get only the parts; the parameter stands in for
 * kernel.seccomp.actions_logged. Number, ABI and address are those of the call; the program
 * is the one that there is after it, which for execve() is the new one.
 */
static void log_call(const struct secmap_carrier *carrier, u32 arch, int signal)
{
	struct audit_buffer *ab;

	if (!READ_ONCE(audit))
		return;
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_SECCOMP);
	if (!ab)
		return;
	audit_log_format(ab, "op=secmap");
	audit_log_task_info(ab);
	audit_log_format(ab, " sig=%d arch=%x syscall=%d compat=%d ip=0x%lx code=0x%x", signal,
			 arch, (int)carrier->number, arch == AUDIT_ARCH_I386, carrier->ip,
			 carrier->action & SECCOMP_RET_ACTION_FULL);
	if (test_bit(SECMAP_LATE_RAN, &carrier->late))
		audit_log_format(ab, " complain=1");
	audit_log_end(ab);
}

/* What happened to the call, where that is not the signal's to tell. */
static void log_late(const struct secmap_carrier *carrier, u32 arch)
{
	bool killed = test_bit(SECMAP_LATE_STATUS, &carrier->late);
	bool strict = test_bit(SECMAP_LATE_STRICT, &carrier->late);

	log_call(carrier, arch, killed ? secmap_verdict_status(strict) : 0);
}

/*
 * Make SIGSYS one that its task cannot escape: force_sig_info_to_task(), which is not
 * exported. For a kill nobody catches it, and SA_IMMUTABLE keeps a debugger and other threads'
 * sigaction() out; a trap is caught by whoever caught SIGSYS, and kills if it was blocked or
 * ignored.
 */
static void force_sigsys(bool kill)
{
	/* A running task's own does not change. */
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	struct k_sigaction *handler = &sighand->action[SIGSYS - 1];
	bool blocked;

	spin_lock_irq(&sighand->siglock);
	blocked = sigismember(&current->blocked, SIGSYS);
	if (kill || blocked || handler->sa.sa_handler == SIG_IGN)
		handler->sa.sa_handler = SIG_DFL;
	if (kill)
		handler->sa.sa_flags |= SA_IMMUTABLE;
	if (blocked) {
		sigdelset(&current->blocked, SIGSYS);
		recalc_sigpending();
	}
	if (handler->sa.sa_handler == SIG_DFL && (kill || !current->ptrace))
		current->signal->flags &= ~SIGNAL_UNKILLABLE;
	spin_unlock_irq(&sighand->siglock);
}

static bool sigsys_is_pending(void)
{
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	bool pending;

	spin_lock_irq(&sighand->siglock);
	pending = sigismember(&current->pending.signal, SIGSYS);
	spin_unlock_irq(&sighand->siglock);
	return pending;
}

/* SIGSYS with what seccomp(2) puts into it, and with the registers of the call. */
static void send_sigsys(const struct secmap_carrier *carrier, u32 arch, bool kill)
{
	struct kernel_siginfo info;

	secmap_call_rollback(current_pt_regs(), carrier->number);

	clear_siginfo(&info);
	info.si_signo = SIGSYS;
	info.si_code = SYS_SECCOMP;
	info.si_call_addr = (void __user *)carrier->ip;
	info.si_errno = carrier->action & SECCOMP_RET_DATA;
	info.si_arch = arch;
	info.si_syscall = (int)carrier->number;

	/*
	 * Another thread may ignore SIGSYS between the two steps: then again. A fatal signal that
	 * came first ends the task as well.
	 */
	do {
		force_sigsys(kill);
		send_sig_info(SIGSYS, &info, current);
	} while (!sigsys_is_pending() && !fatal_signal_pending(current));
}

/* Let the call be made again, and run then. Return: false without memory for that. */
static bool permit(struct secmap_carrier *carrier, const struct seccomp_data *data)
{
	if (!carrier->permit)
		carrier->permit = kzalloc(sizeof(*carrier->permit), GFP_KERNEL_ACCOUNT);
	if (!carrier->permit)
		return false;
	*carrier->permit = (struct secmap_permit){
		.data = *data,
		.exec_id = current->self_exec_id,
		.listener = secmap_listener_id(carrier->listener),
	};
	set_bit(SECMAP_LATE_PERMIT, &carrier->late);
	return true;
}

/* Tell watchers, if @policy, whose verdict it is, is not 0. */
static void tell(const struct secmap_carrier *carrier, const struct seccomp_data *call,
		 bool has_args, bool complains, u32 policy)
{
	struct secmap_event event = {
		.call = *call,
		.has_args = has_args,
		.complains = complains,
		.action = carrier->action,
		.policy = policy,
	};

	if (policy)
		secmap_watch_tell(&event);
}

/*
 * The same on the way back from the call: the registers still have its arguments, but if it has
 * run and given the task others, or has become exit().
 */
static void tell_after(struct secmap_carrier *carrier, u32 arch, u32 policy)
{
	bool complains = test_and_clear_bit(SECMAP_LATE_RAN, &carrier->late);
	bool ran = complains || (carrier->action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG;
	struct secmap_where where = secmap_where(arch, carrier->number);
	struct seccomp_data data = secmap_call_read(current_pt_regs()).data;

	data.nr = carrier->number;
	data.arch = arch;
	data.instruction_pointer = carrier->ip;
	tell(carrier, &data,
	     !test_bit(SECMAP_LATE_STATUS, &carrier->late) &&
		     !(ran && secmap_call_changes_registers(where)),
	     complains, policy);
}

/*
 * Ask the supervisor, and do what it says. @logs: of a call that does not run. @policy: whose
 * question it is, if there are watchers.
 */
static void ask(struct secmap_carrier *carrier, u32 arch, bool logs, u32 policy)
{
	struct pt_regs *regs = current_pt_regs();
	struct secmap_answer answer;
	struct secmap_call call;
	bool runs;

	/* As if the call were under way: the kernel restarts it where a signal interrupts us. */
	secmap_call_rollback(regs, carrier->number);
	call = secmap_call_read(regs);
	tell(carrier, &call.data, true, false, policy);
	secmap_notify_ask(carrier->listener, &call.data, &answer);
	runs = answer.runs && permit(carrier, &call.data);
	secmap_listener_put(carrier->listener);
	carrier->ip = secmap_call_ip(regs);
	if (runs) {
		secmap_call_restart(regs, carrier->number);
		return;
	}
	secmap_call_answer(regs, answer.runs ? -ENOMEM : answer.value);
	if (logs)
		log_call(carrier, arch, 0);
}

/*
 * The call has been made, also if a signal has interrupted it and the kernel makes it again.
 * Without memory for what the task is to carry from now on it ends: fail closed.
 */
static void begin_phase(const struct secmap_carrier *carrier, u32 arch)
{
	struct secmap_where where = secmap_where(arch, carrier->number);

	if (secmap_task_begin_phase(where, !secmap_call_failed(current_pt_regs(), where)))
		send_sig_info(SIGKILL, SEND_SIG_PRIV, current);
}

/**
 * secmap_verdict_late() - what was put off
 * @carrier: the current task's
 *
 * Context: task work. Before any signal handler runs: get_signal() runs task works first.
 */
void secmap_verdict_late(struct secmap_carrier *carrier)
{
	u32 arch, policy;
	bool logs;

	might_sleep();
	if (test_and_clear_bit(SECMAP_LATE_REFILL, &carrier->late))
		secmap_carrier_refill(carrier);
	/* Then at most one of these, for the one call that was made. */
	logs = test_and_clear_bit(SECMAP_LATE_LOG, &carrier->late);
	arch = test_and_clear_bit(SECMAP_LATE_I386, &carrier->late) ? AUDIT_ARCH_I386 :
								      AUDIT_ARCH_X86_64;
	policy = carrier->late >> SECMAP_LATE_POLICY_SHIFT;
	carrier->late &= BIT_ULL(SECMAP_LATE_POLICY_SHIFT) - 1 - BIT(SECMAP_LATE_TELL);
	if (test_and_clear_bit(SECMAP_LATE_NOTIFY, &carrier->late)) {
		ask(carrier, arch, logs, policy);
		return;
	}
	if (test_and_clear_bit(SECMAP_LATE_KILL, &carrier->late)) {
		log_call(carrier, arch, SIGSYS);
		send_sigsys(carrier, arch, true);
	} else if (logs) {
		log_late(carrier, arch);
	}
	if (test_and_clear_bit(SECMAP_LATE_TRAP, &carrier->late))
		send_sigsys(carrier, arch, false);
	tell_after(carrier, arch, policy);
	if (test_and_clear_bit(SECMAP_LATE_PHASE, &carrier->late))
		begin_phase(carrier, arch);
}
