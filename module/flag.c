// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flag, SYSCALL_WORK_SYSCALL_TRACEPOINT, which brings a task's calls to sys_enter and
 * sys_exit. The kernel gives it to every task as soon as there is a probe. Here tasks without a
 * filter go without it, and pay nothing for those that have one, unless somebody else looks at
 * calls: then all have it, from before his probe is there.
 *
 * Whoever comes is noticed at the functions that register probes, where we are before it
 * happens. That he is gone is seen by looking, once a second; so is one who got by unnoticed,
 * for an administrator can disarm kprobes.
 *
 * A filtered task has it always. It is changed under the task's lock of task.c, so that no two
 * of attach, detach, fork, and a walk through all tasks mix.
 */
#include "flag.h"

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>
#include <secmap/secmap.h>

#include "task.h"

static bool selective = true;
module_param(selective, bool, 0444);
MODULE_PARM_DESC(selective, "Spare tasks without a filter, while nobody traces (default: Y)");

/* Registrations under way at a time whose end is noticed; of one that is not, we wait for ever. */
#define ARRIVALS_MAX 64

/* How long an unfiltered task pays for somebody who is gone. */
#define LOOK_INTERVAL HZ

static struct {
	raw_spinlock_t lock;
	bool everyone; /* has the flag; written under the lock */
	bool walked;   /* nobody is left who has not got it; under the lock */
	u32 arriving;  /* registrations under way; under the lock */
	u32 seen;      /* registrations at all */
	u32 selective; /* SECMAP_SELECTIVE_* while the module works, without WAITS */
	struct tracepoint *enter;
	struct tracepoint *exit;
	void *probe; /* ours, on enter */
} flag = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(flag.lock),
	.everyone = true,
	.selective = SECMAP_SELECTIVE_OFF,
};

/**
 * secmap_flag_fix() - give a task the flag, or take it away
 * @task: the task
 * @filtered: whether it has a carrier
 *
 * Context: under the lock of @task.
 */
void secmap_flag_fix(struct task_struct *task, bool filtered)
{
	bool has = test_task_syscall_work(task, SYSCALL_TRACEPOINT);
	bool wants = filtered || READ_ONCE(flag.everyone);

	if (wants && !has)
		set_task_syscall_work(task, SYSCALL_TRACEPOINT);
	else if (has && !wants)
		clear_task_syscall_work(task, SYSCALL_TRACEPOINT);
}

/**
 * secmap_flag_is_stale() - whether an unfiltered child has got what all others have by now
 * @newborn: the child, on the list of tasks already
 *
 * The kernel has copied its parent's flag, maybe while a walk was under way that missed it.
 */
bool secmap_flag_is_stale(struct task_struct *newborn)
{
	/* Pairs with walk(): either it finds the child, or we see for what it walks. */
	smp_mb();
	return test_task_syscall_work(newborn, SYSCALL_TRACEPOINT) != READ_ONCE(flag.everyone);
}

/* Every task as it should be. Context: after flag.everyone has changed. */
static void walk(void)
{
	struct task_struct *process, *thread;

	/* Pairs with secmap_flag_is_stale(). */
	smp_mb();
	rcu_read_lock();
	for_each_process_thread(process, thread)
		secmap_task_flag(thread);
	rcu_read_unlock();
}

static bool is_watched(struct pt_regs *regs)
{
	const void *point = (void *)regs_get_kernel_argument(regs, 0);

	return point == flag.enter || point == flag.exit;
}

/*
 * Somebody is about to register a probe. Context: preemption off, at the beginning of the
 * function that does it. The walk is what the kernel does for the first probe, too; here the
 * first one behind ours. He who comes meanwhile walks himself, or he would not wait for it.
 */
static int arrive(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long flags;
	bool walked;

	if (!is_watched(regs))
		return 0;
	raw_spin_lock_irqsave(&flag.lock, flags);
	flag.seen++;
	flag.arriving++;
	WRITE_ONCE(flag.everyone, true);
	walked = flag.walked;
	raw_spin_unlock_irqrestore(&flag.lock, flags);
	if (walked)
		return 0;
	walk();
	/* While we arrive it stays true for everyone. */
	raw_spin_lock_irqsave(&flag.lock, flags);
	flag.walked = true;
	raw_spin_unlock_irqrestore(&flag.lock, flags);
	return 0;
}

/* Only what arrive() has counted has an end. */
static int arrive_at_all(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return !is_watched(regs);
}

/* His probe is there by now, or he failed. Context: preemption off. */
static int arrived(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&flag.lock, flags);
	if (!WARN_ON_ONCE(!flag.arriving))
		flag.arriving--;
	raw_spin_unlock_irqrestore(&flag.lock, flags);
	return 0;
}

/* Every way to register a probe: all that the kernel exports. */
static struct door {
	struct kprobe begin;
	struct kretprobe end;
} doors[] = {
	{ { .addr = (void *)tracepoint_probe_register } },
	{ { .addr = (void *)tracepoint_probe_register_prio } },
	{ { .addr = (void *)tracepoint_probe_register_prio_may_exist } },
};

/*
 * Nobody else has a probe. Context: under RCU. From 6.13 on a list that is replaced goes after a
 * grace period of Tasks-Trace RCU, which is one of RCU as well, see rcu_trace_implies_rcu_gp().
 */
static bool are_alone(void)
{
	const struct tracepoint_func *func = rcu_dereference_raw(flag.enter->funcs);

	if (rcu_access_pointer(flag.exit->funcs))
		return false;
	for (; func && func->func; func++)
		if (func->func != flag.probe)
			return false;
	return true;
}

/* One at a time, so that he who comes second finds that all is done. */
static DEFINE_MUTEX(settling);

/* Does somebody else look at calls? Context: may sleep. */
static void settle(void)
{
	bool before, now;

	mutex_lock(&settling);
	rcu_read_lock();
	raw_spin_lock_irq(&flag.lock);
	before = flag.everyone;
	now = flag.arriving || !are_alone();
	WRITE_ONCE(flag.everyone, now);
	if (!now)
		flag.walked = false;
	raw_spin_unlock_irq(&flag.lock);
	rcu_read_unlock();
	if (now != before)
		walk();
	mutex_unlock(&settling);
}

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, look);

static void look(struct work_struct *work)
{
	settle();
	queue_delayed_work(system_power_efficient_wq, &look_work,
			   round_jiffies_relative(LOOK_INTERVAL));
}

/**
 * secmap_flag_selective() - whether unfiltered tasks go without the flag
 *
 * Looks now, so that whoever asks is told what is.
 *
 * Context: may sleep.
 * Return: SECMAP_SELECTIVE_*.
 */
u32 secmap_flag_selective(void)
{
	if (flag.selective != SECMAP_SELECTIVE_ON)
		return flag.selective;
	settle();
	return READ_ONCE(flag.everyone) ? SECMAP_SELECTIVE_WAITS : SECMAP_SELECTIVE_ON;
}

static void leave_doors(int count)
{
	while (count--) {
		unregister_kretprobe(&doors[count].end);
		unregister_kprobe(&doors[count].begin);
	}
}

/* Return: 0, or what register_kprobe() or register_kretprobe() say. */
static int __init watch(struct door *door)
{
	int err;

	door->begin.pre_handler = arrive;
	door->end.kp.addr = door->begin.addr;
	door->end.entry_handler = arrive_at_all;
	door->end.handler = arrived;
	door->end.maxactive = ARRIVALS_MAX;
	err = register_kprobe(&door->begin);
	if (err)
		return err;
	/* Registered after the other, so that nothing ends uncounted. */
	err = register_kretprobe(&door->end);
	if (err)
		unregister_kprobe(&door->begin);
	return err;
}

/**
 * secmap_flag_init() - watch who registers probes; before our own
 * @enter: sys_enter
 * @exit: sys_exit
 * @probe: ours
 *
 * Never fails: where nobody can be noticed every task has the flag.
 */
void __init secmap_flag_init(struct tracepoint *enter, struct tracepoint *exit, void *probe)
{
	int count, err = 0;

	flag.enter = enter;
	flag.exit = exit;
	flag.probe = probe;
	if (!selective)
		return;
	flag.selective = SECMAP_SELECTIVE_UNAVAILABLE;
	if (!enter || !exit)
		return;
	for (count = 0; count < ARRAY_SIZE(doors); count++) {
		err = watch(&doors[count]);
		if (err) {
			pr_notice("secmap: kprobes: error %d: unfiltered tasks pay, too\n", err);
			leave_doors(count);
			return;
		}
	}
	flag.selective = SECMAP_SELECTIVE_ON;
}

/**
 * secmap_flag_start() - take the flag from those who do not need it
 *
 * Our own probe is registered: if that was not noticed, nobody will be.
 */
void __init secmap_flag_start(void)
{
	if (flag.selective != SECMAP_SELECTIVE_ON)
		return;
	if (flag.seen) {
		queue_delayed_work(system_power_efficient_wq, &look_work, 0);
		return;
	}
	pr_notice("secmap: kprobes do not work: unfiltered tasks pay, too\n");
	leave_doors(ARRAY_SIZE(doors));
	flag.selective = SECMAP_SELECTIVE_UNAVAILABLE;
}

/**
 * secmap_flag_exit() - leave behind what the kernel expects: everyone has the flag
 *
 * While our probes are registered. A fork whose parent was read before the first walk came to
 * it has reached our fork probe, or is found by the second.
 */
void secmap_flag_exit(void)
{
	if (flag.selective != SECMAP_SELECTIVE_ON)
		return;
	cancel_delayed_work_sync(&look_work);
	raw_spin_lock_irq(&flag.lock);
	WRITE_ONCE(flag.everyone, true);
	raw_spin_unlock_irq(&flag.lock);
	walk();
	synchronize_rcu();
	walk();
	leave_doors(ARRAY_SIZE(doors));
	flag.selective = SECMAP_SELECTIVE_OFF;
}
