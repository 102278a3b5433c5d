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
#include "flag.h"
#include "observe.h"
#include "task.h"
#include "verdict.h"
#include "watch.h"
#include "compat/compat.h"

/*
 * After all other probes: they see the call as it was made, and none rewrites it after us,
 * but one of another module that is registered later and as the last one, too.
 */
#define LAST INT_MIN

/* Is an errno all there is to do? */
static __always_inline bool fails_at_once(u32 action)
{
	return secmap_verdict_fails(action) && !secmap_watch_wanted();
}

/*
 * What follows from what the policies say of a call. Context: as sys_enter().
 * Return: whether it runs.
 */
static __always_inline bool conclude(struct secmap_carrier *carrier, struct pt_regs *regs,
				     struct secmap_where where, struct secmap_judgement said,
				     u64 permitted)
{
	if (said.action != SECCOMP_RET_ALLOW) {
		if (fails_at_once(said.action) && !said.by->flags) {
			secmap_call_skip(regs, secmap_verdict_errno(said.action));
			return false;
		}
		if (!secmap_verdict_apply(carrier, said.by, regs, said.action, permitted))
			return false;
	}
	/* What the child is to carry must be there: see secmap_task_inherit(). */
	if (unlikely(!carrier->spare) && secmap_call_forks(where)) {
		secmap_carrier_later(carrier, SECMAP_LATE_REFILL);
		secmap_call_skip(regs, -ENOMEM);
		return false;
	}
	return true;
}

/* What decide() looks at first, for the other ABIs. */
static bool allowed(const struct secmap_stack *stack, struct secmap_where where)
{
	if (where.abi >= SECMAP_ABI_COUNT || where.nr >= SECMAP_NR_MAX)
		return false;
	where.nr = array_index_nospec(where.nr, SECMAP_NR_MAX);
	return test_bit(where.nr, stack->allow[where.abi]);
}

/* A call that may need more than what decide() does. */
static noinline void judge(struct secmap_carrier *carrier, const struct secmap_stack *stack,
			   struct pt_regs *regs, const struct secmap_ask *ask)
{
	struct secmap_call call = secmap_call_read(regs);
	u64 permitted = secmap_verdict_permitted(carrier, &call);
	struct secmap_judgement said = { .action = SECCOMP_RET_ALLOW };

	if (allowed(stack, call.where))
		return;
	if (unlikely(stack->observed))
		said = secmap_observe(stack, &call);
	else if (likely(ask->newest))
		said = secmap_stack_judge(stack, ask, &call);
	if (conclude(carrier, regs, call.where, said, permitted) && unlikely(stack->phased) &&
	    secmap_stack_begins_phase(stack, call.where))
		secmap_verdict_phase(carrier, regs);
}

static __always_inline const struct secmap_ask *ask_of(const struct secmap_stack *stack, u32 answer)
{
	size_t offset;

	/* Bounded under speculation; hidden, or the compiler finds the mask needless. */
	OPTIMIZER_HIDE_VAR(answer);
	static_assert(!(SECMAP_LIMIT_STACK_ERRNOS & (SECMAP_LIMIT_STACK_ASKS - 1)));
	offset = (answer & (SECMAP_LIMIT_STACK_ASKS - 1)) * sizeof(struct secmap_ask);
	/* Or the compiler adds the place of the array before it multiplies. */
	OPTIMIZER_HIDE_VAR(offset);
	return (const void *)stack->asks + offset;
}

/*
 * An action that allows nothing and is no errno, or that somebody watches: begin again, with
 * all that may follow. Whoever comes here keeps no more than the registers, and so is short.
 */
static noinline void judge_again(struct pt_regs *regs)
{
	struct secmap_carrier *carrier = secmap_task_find(current);
	const struct secmap_stack *stack;
	u32 answer;

	/* Detached from in between: as if it had been before. */
	if (!carrier)
		return;
	stack = rcu_dereference_sched(carrier->stack);
	/* It is another stack by now, perhaps; then everybody may be asked, once. */
	answer = stack->answer[secmap_call_nr(regs) & (SECMAP_NR_MAX - 1)];
	judge(carrier, stack, regs,
	      answer < SECMAP_LIMIT_STACK_ERRNOS ? stack->asks : ask_of(stack, answer));
}

static __always_inline void take(struct pt_regs *regs, u32 action)
{
	if (action == SECCOMP_RET_ALLOW)
		return;
	if (fails_at_once(action))
		secmap_call_skip(regs, secmap_verdict_errno(action));
	else
		judge_again(regs);
}

/* A function of its own: the program's frame, and what the call saves, are not for every call. */
static noinline notrace __no_stack_protector void judge_program(const struct bpf_prog *program,
								struct pt_regs *regs, u32 nr)
{
	struct seccomp_data data = secmap_call_data_native(regs, nr);

	/* bpf_prog_run() without its statistics, which nobody could ask for. */
	take(regs, bpf_dispatcher_nop_func(&data, program->insnsi, program->bpf_func));
}

static __always_inline void judge_steps(const struct secmap_ask *ask, struct pt_regs *regs)
{
	take(regs, rules_action(&ask->steps, secmap_call_registers(regs), secmap_call_places()));
}

/* The native ABI, and whatever is not answered at once. Context: as sys_enter(). */
static __always_inline void decide(struct secmap_carrier *carrier, struct task_struct *task,
				   struct pt_regs *regs)
{
	const struct secmap_stack *stack = rcu_dereference_sched(carrier->stack);
	u32 nr = secmap_call_nr(regs);
	const struct secmap_ask *ask;
	u32 answer;

	/* A supervisor's permit is for this call or for none. */
	if (unlikely(READ_ONCE(carrier->late) || !secmap_call_native(task) ||
		     nr >= SECMAP_NR_MAX)) {
		judge(carrier, stack, regs, stack->asks);
		return;
	}
	/* Bounded under speculation as well; hidden, or the compiler finds the mask needless. */
	OPTIMIZER_HIDE_VAR(nr);
	nr &= SECMAP_NR_MAX - 1;
	if (likely(test_bit(nr, stack->allow[SECMAP_ABI_X86_64])))
		return;
	answer = stack->answer[nr];
	if (answer < SECMAP_LIMIT_STACK_ERRNOS) {
		if (secmap_watch_wanted())
			judge_again(regs);
		else
			secmap_call_skip(regs, stack->errnos[answer]);
		return;
	}
	ask = ask_of(stack, answer);
	if (ask->steps.first)
		judge_steps(ask, regs);
	else if (ask->program)
		judge_program(ask->program, regs, nr);
	else
		judge(carrier, stack, regs, ask);
}

/*
 * Context: every system call of every filtered task, and of all others while somebody traces
 * (flag.c), behind user dispatch, ptrace and seccomp. Preemption is off (see compat.h), which is
 * all the RCU that the readers below need. No sleep, no lock, no allocation; on the allowed path
 * no store to memory that others read. What most calls go through has no place for ftrace: it
 * would be an instruction of each.
 */
static notrace void sys_enter(void *data, struct pt_regs *regs, long id)
{
	struct task_struct *task = current;
	struct secmap_carrier *carrier;

	compat_probe_begin();
	carrier = secmap_task_find(task);
	if (unlikely(carrier))
		decide(carrier, task, regs);
	compat_probe_end();
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
	if (!strcmp(point->name, "sys_exit"))
		*(struct tracepoint **)data = point;
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
	struct tracepoint *sys_exit = NULL;
	int i, err;

	secmap_hook_try();
	for_each_kernel_tracepoint(find_points, &sys_exit);
	secmap_flag_init(hooks[HOOK_ENTER].point, sys_exit, sys_enter);
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
	secmap_flag_start();
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

	secmap_flag_exit();
	for (i = HOOK_COUNT - 1; i >= 0; i--)
		unregister(&hooks[i]);
	tracepoint_synchronize_unregister();
}
