// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hook: probes on sys_enter, sched_process_fork and sched_process_exit, and the test
 * of the kernel by behaviour.
 */
#include "hook.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/tracepoint.h>

#include "call.h"
#include "task.h"
#include "verdict.h"

/*
 * After all other probes: they see the call as it was made, and none rewrites it after us,
 * but one of another module that is registered later and as the last one, too.
 */
#define LAST INT_MIN

/* What the policies say of a call, and what follows from it. Context: as sys_enter(). */
static __always_inline void conclude(struct secmap_carrier *carrier,
				     const struct secmap_stack *stack, struct pt_regs *regs,
				     const struct secmap_call *call,
				     const struct secmap_listener *permitted)
{
	struct secmap_judgement said = secmap_stack_judge(stack, call);

	if (said.action != SECCOMP_RET_ALLOW) {
		if (secmap_verdict_fails(said.action) && !said.by->flags) {
			secmap_call_skip(regs, secmap_verdict_errno(said.action));
			return;
		}
		if (!secmap_verdict_apply(carrier, said.by, regs, call, said.action, permitted))
			return;
	}
	/* What the child is to carry must be there: see secmap_task_inherit(). */
	if (unlikely(!carrier->spare) && secmap_call_forks(call->where)) {
		secmap_carrier_later(carrier, SECMAP_LATE_REFILL);
		secmap_call_skip(regs, -ENOMEM);
	}
}

/* A native call with a number that is bounded, which the stack does not answer at once. */
static noinline void judge(struct secmap_carrier *carrier, const struct secmap_stack *stack,
			   struct pt_regs *regs, u32 nr)
{
	struct secmap_where where = { SECMAP_ABI_X86_64, nr };
	struct secmap_call call = secmap_call_read_native(regs, nr, where);

	conclude(carrier, stack, regs, &call, NULL);
}

/* Any other call, and the one that follows a supervisor's answer. */
static noinline void judge_any(struct secmap_carrier *carrier, const struct secmap_stack *stack,
			       struct pt_regs *regs)
{
	struct secmap_call call = secmap_call_read(regs);

	conclude(carrier, stack, regs, &call, secmap_verdict_permitted(carrier, &call));
}

/* The native ABI, and whatever is not answered at once. Context: as sys_enter(). */
static __always_inline void decide(struct secmap_carrier *carrier, struct pt_regs *regs)
{
	const struct secmap_stack *stack = rcu_dereference_sched(carrier->stack);
	u32 nr = secmap_call_nr(regs);
	u32 denied;

	/* A supervisor's permit is for this call or for none. */
	if (unlikely(READ_ONCE(carrier->late) || !secmap_call_native() || nr >= SECMAP_NR_MAX)) {
		judge_any(carrier, stack, regs);
		return;
	}
	/* The number of bits is a power of two: bounded under speculation as well. */
	nr &= SECMAP_NR_MAX - 1;
	if (likely(test_bit(nr, stack->allow[SECMAP_ABI_X86_64])))
		return;
	denied = stack->denied[SECMAP_ABI_X86_64][nr];
	if (denied)
		secmap_call_skip(regs, stack->errnos[denied]);
	else
		judge(carrier, stack, regs, nr);
}

/*
 * Context: every system call of every task of the machine, behind user dispatch, ptrace
 * and seccomp. Preemption is off up to 6.12, and on under Tasks-Trace RCU from 6.13; we
 * switch it off, which is all the RCU that the readers below need. No sleep, no lock, no
 * allocation; on the allowed path no store to memory that others read.
 */
static void sys_enter(void *data, struct pt_regs *regs, long id)
{
	struct secmap_carrier *carrier;

	preempt_disable_notrace();
	carrier = secmap_task_find(current);
	if (unlikely(carrier))
		decide(carrier, regs);
	preempt_enable_notrace();
}

/* Context: in the parent, before the child first runs; preemption off. */
static void process_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	secmap_task_inherit(child);
}

/* Context: in the task that ends, after PF_EXITING is set; preemption off. */
static void process_exit(void *data, struct task_struct *task)
{
	secmap_task_leave();
}

/*
 * The test of the kernel. Before upstream fb13b11d5387 ("entry: Respect changes to system
 * call number by trace_sys_enter()") a kernel ran a call whose number a probe had set to
 * -1. A version says nothing, for the change was backported. So one call of one task, the
 * first one that loads the module or asks, is skipped with a value that no call returns,
 * and on its way back to user mode we look whether that value is still there. If it is,
 * the call is made again as if nothing had happened; if not, it has run, and nothing will
 * ever be enforced here. Only a call that surely comes back with a value of its own tells
 * the two apart: exit() or rt_sigreturn() would not.
 */
#define TRIAL_VALUE 0x5ec3a9b17f00d1eLL

static struct {
	u32 skip;			/* SECMAP_SKIP_*; written once */
	const struct task_struct *task; /* whose call; only ever compared */
	atomic_t taken;			/* a call is under way with what follows */
	unsigned long number;
	struct callback_head work;
} trial;

static void trial_probe(void *data, struct pt_regs *regs, long id);

struct hook {
	const char *name;
	void *probe;
	struct tracepoint *point;
	bool registered;
};

enum { HOOK_EXIT, HOOK_FORK, HOOK_ENTER, HOOK_TRIAL, HOOK_COUNT };

/* In the order of registration: nobody is filtered before all work. */
static struct hook hooks[HOOK_COUNT] = {
	[HOOK_EXIT] = { "sched_process_exit", process_exit },
	[HOOK_FORK] = { "sched_process_fork", process_fork },
	[HOOK_ENTER] = { "sys_enter", sys_enter },
	[HOOK_TRIAL] = { "sys_enter", trial_probe },
};

static DEFINE_MUTEX(hooks_lock);

/* Context: may sleep. Does nothing the second time. */
static void unregister(struct hook *hook)
{
	mutex_lock(&hooks_lock);
	if (hook->registered)
		tracepoint_probe_unregister(hook->point, hook->probe, NULL);
	hook->registered = false;
	mutex_unlock(&hooks_lock);
}

static void trial_work(struct callback_head *work)
{
	struct pt_regs *regs = current_pt_regs();

	if (current->flags & PF_EXITING) {
		/* Killed under way: it shows nothing. */
		atomic_set(&trial.taken, 0);
	} else if (secmap_call_result(regs) == (long)TRIAL_VALUE) {
		secmap_call_restart(regs, trial.number);
		WRITE_ONCE(trial.skip, SECMAP_SKIP_WORKS);
		unregister(&hooks[HOOK_TRIAL]);
	} else {
		WRITE_ONCE(trial.skip, SECMAP_SKIP_BROKEN);
		unregister(&hooks[HOOK_TRIAL]);
		pr_warn("secmap: this kernel runs calls that a probe skips: nothing can be enforced\n");
	}
	/* secmap_carrier_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
}

/* Context: as sys_enter(), until the kernel is known. */
static void trial_probe(void *data, struct pt_regs *regs, long id)
{
	if (current != READ_ONCE(trial.task) || !secmap_call_plain(secmap_call_where(regs)) ||
	    atomic_xchg(&trial.taken, 1))
		return;
	/* Not while the module is on its way out: nothing may be queued any more. */
	if (!try_module_get(THIS_MODULE))
		return;
	trial.number = secmap_call_number(regs);
	init_task_work(&trial.work, trial_work);
	if (task_work_add(current, &trial.work, TWA_RESUME)) {
		module_put(THIS_MODULE);
		atomic_set(&trial.taken, 0);
		return;
	}
	secmap_call_skip(regs, TRIAL_VALUE);
}

/**
 * secmap_hook_skip() - whether this kernel can skip a call
 *
 * Return: SECMAP_SKIP_*.
 */
u32 secmap_hook_skip(void)
{
	return READ_ONCE(trial.skip);
}

/**
 * secmap_hook_try() - find it out with one of the current task's next calls
 *
 * Does nothing once it is known. Whoever asked last is tried, so that nobody who makes no
 * call any more stands in the way.
 */
void secmap_hook_try(void)
{
	WRITE_ONCE(trial.task, current);
}

static void find_points(struct tracepoint *point, void *data)
{
	int i;

	for (i = 0; i < HOOK_COUNT; i++)
		if (!strcmp(point->name, hooks[i].name))
			hooks[i].point = point;
}

/**
 * secmap_hook_init() - register the probes; the loading task is the first to be tried
 *
 * Return: 0, or
 * * -ENODEV: the kernel has no such tracepoint
 * * what tracepoint_probe_register_prio() says
 */
int __init secmap_hook_init(void)
{
	int i, err;

	secmap_hook_try();
	for_each_kernel_tracepoint(find_points, NULL);
	for (i = 0; i < HOOK_COUNT; i++) {
		err = -ENODEV;
		if (hooks[i].point)
			err = tracepoint_probe_register_prio(hooks[i].point, hooks[i].probe, NULL,
							     LAST);
		if (err) {
			pr_err("secmap: tracepoint %s: error %d\n", hooks[i].name, err);
			secmap_hook_exit();
			return err;
		}
		hooks[i].registered = true;
	}
	return 0;
}

/*
 * Nobody is filtered (main.c), so the probes find nothing. No trial is under way, for it
 * holds the module, and none begins, for it no longer gets the module. After the wait no
 * probe runs any more.
 */
void secmap_hook_exit(void)
{
	int i;

	for (i = HOOK_COUNT - 1; i >= 0; i--)
		unregister(&hooks[i]);
	tracepoint_synchronize_unregister();
}
