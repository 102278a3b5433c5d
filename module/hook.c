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
#include <linux/sched/task.h>
#include <linux/tracepoint.h>

#include "call.h"
#include "task.h"
#include "verdict.h"

/* After all other probes: they see the call as it was made, and none rewrites it after us. */
#define LAST INT_MIN

/*
 * A call that the stack does not answer at once: every policy is asked.
 * Context: as sys_enter().
 */
static noinline void judge(struct secmap_carrier *carrier, const struct secmap_stack *stack,
			   struct pt_regs *regs)
{
	struct secmap_call call = secmap_call_read(regs);
	u32 action = secmap_stack_judge(stack, call.where, call.args);

	if (action != SECCOMP_RET_ALLOW && !secmap_verdict_apply(carrier, regs, action))
		return;
	/* What the child is to carry must be there: see secmap_task_inherit(). */
	if (unlikely(!carrier->spare) && secmap_call_forks(call.where)) {
		secmap_task_later(carrier, SECMAP_LATE_REFILL);
		secmap_call_skip(regs, -ENOMEM);
	}
}

/* The native ABI, and whatever is not answered at once. Context: as sys_enter(). */
static __always_inline void decide(struct secmap_carrier *carrier, struct pt_regs *regs)
{
	const struct secmap_stack *stack = rcu_dereference_sched(carrier->stack);
	u32 nr = secmap_call_nr(regs);
	u32 denied;

	if (likely(secmap_call_native() && nr < SECMAP_NR_MAX)) {
		/* The number of bits is a power of two: bounded under speculation as well. */
		nr &= SECMAP_NR_MAX - 1;
		if (likely(test_bit(nr, stack->allow[SECMAP_ABI_X86_64])))
			return;
		denied = stack->denied[SECMAP_ABI_X86_64][nr];
		if (denied) {
			secmap_call_skip(regs, stack->errnos[denied]);
			return;
		}
	}
	judge(carrier, stack, regs);
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
 * ever be enforced here.
 */
#define TRIAL_VALUE 0x5ec3a9b17f00d1eLL

static DEFINE_MUTEX(trial_lock);
static void trial_probe(void *data, struct pt_regs *regs, long id);
static struct {
	u32 skip;		  /* SECMAP_SKIP_*; written once */
	bool armed;		  /* the probe is registered; trial_lock */
	atomic_t taken;		  /* a call is under way with it */
	struct task_struct *task; /* whose; a reference; changed while not registered */
	int nr;
	struct callback_head work;
} trial;

struct hook {
	const char *name;
	void *probe;
	struct tracepoint *point;
	bool registered;
};

/* In the order of registration: nobody is filtered before the last one works. */
static struct hook hooks[] = {
	{ "sched_process_exit", process_exit },
	{ "sched_process_fork", process_fork },
	{ "sys_enter", sys_enter },
};

#define SYS_ENTER (&hooks[ARRAY_SIZE(hooks) - 1])

/* Context: trial_lock, may sleep. */
static void trial_disarm(void)
{
	lockdep_assert_held(&trial_lock);
	if (!trial.armed)
		return;
	tracepoint_probe_unregister(SYS_ENTER->point, trial_probe, NULL);
	tracepoint_synchronize_unregister();
	put_task_struct(trial.task);
	trial.armed = false;
}

static void trial_work(struct callback_head *work)
{
	struct pt_regs *regs = current_pt_regs();

	mutex_lock(&trial_lock);
	if (secmap_call_result(regs) == (long)TRIAL_VALUE) {
		secmap_call_restart(regs, trial.nr);
		WRITE_ONCE(trial.skip, SECMAP_SKIP_WORKS);
	} else {
		WRITE_ONCE(trial.skip, SECMAP_SKIP_BROKEN);
		pr_warn("secmap: this kernel runs calls that a probe skips: nothing can be enforced\n");
	}
	trial_disarm();
	mutex_unlock(&trial_lock);
	/* secmap_task_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
}

static void trial_probe(void *data, struct pt_regs *regs, long id)
{
	int nr = secmap_call_nr(regs);

	/* Another probe, or the task itself, may have given -1: that shows nothing. */
	if (current != trial.task || nr < 0 || atomic_xchg(&trial.taken, 1))
		return;
	/* Not while the module is on its way out: then secmap_hook_exit() takes us back. */
	if (!try_module_get(THIS_MODULE)) {
		atomic_set(&trial.taken, 0);
		return;
	}
	init_task_work(&trial.work, trial_work);
	if (task_work_add(current, &trial.work, TWA_RESUME)) {
		atomic_set(&trial.taken, 0);
		module_put(THIS_MODULE);
		return;
	}
	trial.nr = nr;
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
 * secmap_hook_try() - find it out with the current task's next call
 *
 * Context: process context, may sleep. Does nothing if it is known, or just being found out.
 */
void secmap_hook_try(void)
{
	mutex_lock(&trial_lock);
	/* A task that was to try it and made no call any more is let go. */
	if (trial.skip == SECMAP_SKIP_UNKNOWN && !atomic_read(&trial.taken) &&
	    !(trial.armed && trial.task == current)) {
		trial_disarm();
		if (!atomic_read(&trial.taken)) {
			trial.task = get_task_struct(current);
			trial.armed = !tracepoint_probe_register_prio(SYS_ENTER->point, trial_probe,
								      NULL, LAST);
			if (!trial.armed)
				put_task_struct(trial.task);
		}
	}
	mutex_unlock(&trial_lock);
}

static void find_points(struct tracepoint *point, void *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(point->name, hooks[i].name))
			hooks[i].point = point;
}

/**
 * secmap_hook_init() - register the probes, and arm the test with the loading task
 *
 * Return: 0, or
 * * -ENODEV: the kernel has no such tracepoint
 * * what tracepoint_probe_register_prio() says
 */
int __init secmap_hook_init(void)
{
	int i, err;

	for_each_kernel_tracepoint(find_points, NULL);
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
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
	secmap_hook_try();
	return 0;
}

/*
 * Nobody is filtered (main.c), so the probes find nothing. A trial under way holds the
 * module, so none is; one that is armed is taken back, and since trial_probe() no longer
 * gets the module it queues nothing. After the wait no probe runs any more.
 */
void secmap_hook_exit(void)
{
	int i;

	mutex_lock(&trial_lock);
	trial_disarm();
	mutex_unlock(&trial_lock);
	for (i = ARRAY_SIZE(hooks) - 1; i >= 0; i--)
		if (hooks[i].registered)
			tracepoint_probe_unregister(hooks[i].point, hooks[i].probe, NULL);
	tracepoint_synchronize_unregister();
}
