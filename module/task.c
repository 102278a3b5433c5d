// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks: attach, inherit, detach, exit. What gives one stack to all threads is in sync.c.
 *
 * The table is read under RCU and changed under raw spinlocks, a stripe of them for all
 * buckets, so that the probes can change it with preemption off on any kernel. Nothing
 * is allocated there: every filtered task keeps a spare carrier for its next child,
 * filled in process context, and a call that creates a task is refused at its entry
 * when there is none (hook.c).
 *
 * Whoever changes what a process's tasks carry, from process context, holds one of the
 * mutexes as well: nothing else than fork, exit and the replacement of a policy (replace.c)
 * happens to them meanwhile.
 */
#include "task.h"

#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "flag.h"
#include "policy.h"
#include "verdict.h"
#include "compat/compat.h"

#define STRIPES	   256
#define MUTEX_BITS 6

struct hlist_head secmap_tasks[1 << SECMAP_TASK_BITS];
static raw_spinlock_t locks[STRIPES];
static struct mutex mutexes[1 << MUTEX_BITS];

static u32 bucket_of(const struct task_struct *task)
{
	return hash_ptr(task, SECMAP_TASK_BITS);
}

/**
 * secmap_task_lock() - what a task's carrier, and whether it has one, is changed under
 * @task: the task
 *
 * Return: the lock, which other tasks share; taken with interrupts off, as the probes may.
 */
raw_spinlock_t *secmap_task_lock(const struct task_struct *task)
{
	return &locks[bucket_of(task) % STRIPES];
}

/**
 * secmap_task_mutex() - what the tasks of a process are changed under from process context
 * @task: one of them; it keeps its signal_struct for as long as it is referenced
 *
 * Return: the mutex, which other processes share.
 */
struct mutex *secmap_task_mutex(const struct task_struct *task)
{
	return &mutexes[hash_ptr(task->signal, MUTEX_BITS)];
}

/**
 * secmap_task_insert() - filter a task that has no carrier
 * @carrier: what becomes its carrier
 * @task: the task
 * @stack: what it carries; the reference is taken over
 *
 * Context: under the task's lock.
 */
void secmap_task_insert(struct secmap_carrier *carrier, struct task_struct *task,
			struct secmap_stack *stack)
{
	lockdep_assert_held(secmap_task_lock(task));
	carrier->task = get_task_struct(task);
	refcount_set(&carrier->refs, 1);
	RCU_INIT_POINTER(carrier->stack, stack);
	hlist_add_head_rcu(&carrier->node, &secmap_tasks[bucket_of(task)]);
	secmap_flag_fix(task, true);
}

/**
 * secmap_task_set() - give a task another stack
 * @carrier: the task's
 * @stack: the reference is taken over, the other one's dropped
 *
 * Context: under the task's lock.
 */
void secmap_task_set(struct secmap_carrier *carrier, struct secmap_stack *stack)
{
	const raw_spinlock_t *lock = secmap_task_lock(carrier->task);
	struct secmap_stack *last;

	last = rcu_replace_pointer(carrier->stack, stack, lockdep_is_held(lock));
	secmap_stack_put(last);
}

/**
 * secmap_task_stack_at() - what a task carries at a time
 * @carrier: the task's, or NULL
 * @time: of secmap_stack_time()
 *
 * If that has come in the place of what is noted, it is noted now.
 *
 * Context: under the task's lock.
 * Return: the stack, without a reference, or NULL.
 */
struct secmap_stack *secmap_task_stack_at(struct secmap_carrier *carrier, u64 time)
{
	struct secmap_stack *noted, *stack;
	const raw_spinlock_t *lock;

	if (!carrier)
		return NULL;
	lock = secmap_task_lock(carrier->task);
	noted = rcu_dereference_protected(carrier->stack, lockdep_is_held(lock));
	stack = secmap_stack_at(noted, time);
	if (stack != noted) {
		refcount_inc(&stack->refs);
		secmap_task_set(carrier, stack);
	}
	return stack;
}

static struct secmap_stack *stack_of(struct secmap_carrier *carrier)
{
	return secmap_task_stack_at(carrier, secmap_stack_time());
}

/**
 * secmap_task_flag() - give a task the flag, or take it away, as it should be now
 * @task: the task
 */
void secmap_task_flag(struct task_struct *task)
{
	unsigned long flags;

	raw_spin_lock_irqsave(secmap_task_lock(task), flags);
	secmap_flag_fix(task, secmap_task_find(task));
	raw_spin_unlock_irqrestore(secmap_task_lock(task), flags);
}

/**
 * secmap_task_stack() - what a task carries
 * @task: the task
 *
 * Return: the stack, with a reference, or NULL.
 */
struct secmap_stack *secmap_task_stack(struct task_struct *task)
{
	struct secmap_stack *stack;
	unsigned long flags;

	raw_spin_lock_irqsave(secmap_task_lock(task), flags);
	stack = stack_of(secmap_task_find(task));
	if (stack)
		refcount_inc(&stack->refs);
	raw_spin_unlock_irqrestore(secmap_task_lock(task), flags);
	return stack;
}

/* May @task be given a stack from outside? Context: under its lock. */
static int attachable(struct task_struct *task)
{
	lockdep_assert_held(secmap_task_lock(task));
	/*
	 * The exit probe takes the lock after PF_EXITING is set: either it comes after us and
	 * finds what we insert, or we see the flag.
	 */
	if (task->flags & PF_EXITING)
		return -ESRCH;
	/*
	 * Not woken for the first time: the fork probe may still have to hand down the
	 * parent's stack, and would find a carrier in its place.
	 */
	if (READ_ONCE(task->__state) & TASK_NEW)
		return -EAGAIN;
	return 0;
}

/*
 * Put @next, maybe NULL, in place of @last, maybe NULL, and take both references over.
 * *@carrier is used up if the task had none.
 *
 * Return: 0, -ESRCH, -EAGAIN as attachable(), or -ESTALE: the task carries another
 * stack than @last by now.
 */
static int swap_stack(struct task_struct *task, struct secmap_stack *last,
		      struct secmap_stack *next, struct secmap_carrier **carrier)
{
	struct secmap_carrier *found, *gone = NULL;
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(secmap_task_lock(task), flags);
	found = secmap_task_find(task);
	err = task == current ? 0 : attachable(task);
	if (!err && stack_of(found) != last)
		err = -ESTALE;
	if (!err) {
		next = secmap_stack_follow(next, secmap_stack_time());
		if (found && next) {
			secmap_task_set(found, next);
		} else if (found) {
			hlist_del_init_rcu(&found->node);
			secmap_flag_fix(task, false);
			gone = found;
		} else if (next) {
			secmap_task_insert(*carrier, task, next);
			*carrier = NULL;
		}
	}
	raw_spin_unlock_irqrestore(secmap_task_lock(task), flags);
	if (gone) {
		secmap_stack_put(last);
		secmap_carrier_put(gone);
	}
	return err;
}

/**
 * secmap_task_is_stale() - has the task got another stack meanwhile, so that one must begin anew?
 * @err: of what was tried; -EINTR instead of -ESTALE if the current task is to die
 *
 * Return: whether it has.
 */
bool secmap_task_is_stale(int *err)
{
	if (*err == -ESTALE && fatal_signal_pending(current))
		*err = -EINTR;
	return *err == -ESTALE;
}

/**
 * secmap_task_is_kernels() - does a task make no system calls of its own?
 * @task: the task
 *
 * Return: true for kernel threads and io workers.
 */
bool secmap_task_is_kernels(const struct task_struct *task)
{
	return task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER);
}

/**
 * secmap_task_attach() - put a policy on top of a task's stack
 * @task: the current one, or any other that the caller may filter
 * @entry: references are taken
 * @depth: how many policies the task carries now
 *
 * Context: may sleep.
 * Return: 0, or
 * * -ESRCH: the task is exiting, or makes no system calls (kernel threads, io workers)
 * * -EAGAIN: the task is just being created
 * * -EINVAL, -ENOSPC, -EBUSY, -EINTR, -ENOMEM: as secmap_stack_push(); nothing has changed
 */
int secmap_task_attach(struct task_struct *task, const struct secmap_entry *entry, u32 *depth)
{
	struct secmap_carrier *carrier;
	int err;

	might_sleep();
	if (secmap_task_is_kernels(task))
		return -ESRCH;
	carrier = secmap_carrier_alloc(GFP_KERNEL);
	if (!carrier)
		return -ENOMEM;
	do {
		struct secmap_stack *last = secmap_task_stack(task);
		struct secmap_stack *next = secmap_stack_push(last, entry);

		if (IS_ERR(next)) {
			err = PTR_ERR(next);
		} else {
			*depth = next->depth;
			mutex_lock(secmap_task_mutex(task));
			err = swap_stack(task, last, next, &carrier);
			mutex_unlock(secmap_task_mutex(task));
			if (err)
				secmap_stack_put(next);
		}
		secmap_stack_put(last);
	} while (secmap_task_is_stale(&err));
	secmap_carrier_free(carrier);
	return err;
}

/**
 * secmap_task_detach() - take policies off a task's stack
 * @task: the task
 * @policy_id: which one; 0: all
 * @depth: how many policies the task still carries
 *
 * Context: may sleep.
 * Return: 0, or
 * * -ENOENT: the task does not carry it
 * * -ESRCH, -EAGAIN, -EINTR, -ENOMEM: as secmap_task_attach()
 */
int secmap_task_detach(struct task_struct *task, u32 policy_id, u32 *depth)
{
	int err;

	might_sleep();
	do {
		struct secmap_stack *last = secmap_task_stack(task);
		struct secmap_stack *next = NULL;

		if (!last)
			return -ENOENT;
		if (policy_id)
			next = secmap_stack_without(last, policy_id);
		if (IS_ERR(next)) {
			err = PTR_ERR(next);
		} else {
			*depth = next ? next->depth : 0;
			mutex_lock(secmap_task_mutex(task));
			err = swap_stack(task, last, next, NULL);
			mutex_unlock(secmap_task_mutex(task));
			if (err)
				secmap_stack_put(next);
		}
		secmap_stack_put(last);
	} while (secmap_task_is_stale(&err));
	return err;
}

/**
 * secmap_task_begin_phase() - put in force what waited for a call of the current task
 * @where: the call, which has been made
 * @succeeded: whether it did
 *
 * Context: may sleep.
 * Return: 0, also if nothing waited for it, or -EINTR, -ENOMEM as secmap_stack_in_phase().
 */
int secmap_task_begin_phase(struct secmap_where where, bool succeeded)
{
	int err;

	might_sleep();
	do {
		struct secmap_stack *last = secmap_task_stack(current);
		struct secmap_stack *next =
			last ? secmap_stack_in_phase(last, where, succeeded) : NULL;

		err = PTR_ERR_OR_ZERO(next);
		if (!IS_ERR_OR_NULL(next)) {
			mutex_lock(secmap_task_mutex(current));
			err = swap_stack(current, last, next, NULL);
			mutex_unlock(secmap_task_mutex(current));
			if (err)
				secmap_stack_put(next);
		}
		secmap_stack_put(last);
	} while (secmap_task_is_stale(&err));
	return err;
}

/* The carriers of one stripe. Return: how many have been changed. */
static u32 follow_stripe(u32 stripe)
{
	struct secmap_carrier *carrier;
	unsigned long flags;
	u32 bucket, count = 0;

	raw_spin_lock_irqsave(&locks[stripe], flags);
	for (bucket = stripe; bucket < ARRAY_SIZE(secmap_tasks); bucket += STRIPES) {
		if (hlist_empty(&secmap_tasks[bucket]))
			continue;
		hlist_for_each_entry(carrier, &secmap_tasks[bucket], node) {
			const struct secmap_stack *last = rcu_access_pointer(carrier->stack);

			count += stack_of(carrier) != last;
		}
		/* Interrupts are off for one bucket's carriers, not for all. */
		raw_spin_unlock_irqrestore(&locks[stripe], flags);
		raw_spin_lock_irqsave(&locks[stripe], flags);
	}
	raw_spin_unlock_irqrestore(&locks[stripe], flags);
	return count;
}

/**
 * secmap_task_follow() - have all tasks carry what has come in their stacks' places
 *
 * Each stripe's lock is taken, also where it has no carrier: a fork probe that puts one there
 * later sees what was set before we had the lock, and puts it there with the new stack.
 *
 * Context: may sleep.
 * Return: how many have been changed.
 */
u32 secmap_task_follow(void)
{
	u32 stripe, count = 0;

	for (stripe = 0; stripe < STRIPES; stripe++) {
		count += follow_stripe(stripe);
		cond_resched();
	}
	return count;
}

/*
 * Should the impossible happen: never an unfiltered child. It has not run yet; before it does
 * it finds this signal, which nobody catches. There is no room for siglock here on PREEMPT_RT,
 * and whoever sends it a signal at the same time can only lose his own.
 */
static void kill_newborn(struct task_struct *child)
{
	sigaddset(&child->pending.signal, SIGKILL);
	set_tsk_thread_flag(child, TIF_SIGPENDING);
}

/*
 * The current task's stack, if it is filtered, and its carrier. Context: under RCU.
 *
 * No look without the lock: it orders the child's way into the list of threads, and this
 * look, with what sync_threads() does the other way round.
 */
static struct secmap_stack *stack_to_inherit(struct secmap_carrier **carrier)
{
	struct secmap_stack *stack;
	unsigned long flags;

	raw_spin_lock_irqsave(secmap_task_lock(current), flags);
	*carrier = secmap_task_find(current);
	stack = stack_of(*carrier);
	if (stack)
		refcount_inc(&stack->refs);
	raw_spin_unlock_irqrestore(secmap_task_lock(current), flags);
	return stack;
}

/*
 * A sibling has synchronised the child already: the longer stack, of which the other is the
 * beginning, is what both events together leave. Both are of the same time: or one of them
 * could hold a policy, and the other what has come in its place.
 *
 * Context: under the child's lock. Takes over the reference to @stack.
 */
static void merge(struct secmap_carrier *child, struct secmap_stack *stack, u64 time)
{
	if (secmap_stack_begins(stack, secmap_task_stack_at(child, time)))
		secmap_task_set(child, stack);
	else
		secmap_stack_put(stack);
}

/**
 * secmap_task_inherit() - hand the current task's stack down to its child
 * @child: the child
 *
 * Context: in the fork probe, in the parent, before the child first runs. Does not
 * sleep or allocate.
 *
 * The child is on the thread list already, so that TSYNC may have given it a stack; nobody
 * else does before it has been woken (attachable()). The entry of the call made sure that
 * there is a spare; a carrier that was attached meanwhile came with one.
 */
void secmap_task_inherit(struct task_struct *child)
{
	struct secmap_carrier *parent, *carrier, *present;
	struct secmap_stack *stack;
	unsigned long flags;
	u64 time;

	rcu_read_lock();
	stack = stack_to_inherit(&parent);
	if (!stack) {
		/* TSYNC may have filtered the child; then its parent was detached from. */
		if (secmap_task_find(child) || secmap_flag_is_stale(child))
			secmap_task_flag(child);
		goto out;
	}
	carrier = parent->spare;
	raw_spin_lock_irqsave(secmap_task_lock(child), flags);
	/* Under the lock: whoever replaces a policy comes to the child after us, or we see it. */
	time = secmap_stack_time();
	stack = secmap_stack_follow(stack, time);
	present = secmap_task_find(child);
	if (present) {
		merge(present, stack, time);
		stack = NULL;
		/* The kernel has copied its parent's, maybe after TSYNC. */
		secmap_flag_fix(child, true);
	} else if (carrier) {
		secmap_task_insert(carrier, child, stack);
		stack = NULL;
	}
	/* TSYNC may have set it after copy_process() had copied it. */
	if (task_no_new_privs(current))
		task_set_no_new_privs(child);
	raw_spin_unlock_irqrestore(secmap_task_lock(child), flags);
	secmap_stack_put(stack);
	if (present)
		goto out;
	if (WARN_ON_ONCE(!carrier)) {
		kill_newborn(child);
		goto out;
	}
	parent->spare = NULL;
	/* If one cannot be queued its task is not going to create another. */
	secmap_carrier_later(carrier, SECMAP_LATE_REFILL);
	secmap_carrier_later(parent, SECMAP_LATE_REFILL);
out:
	rcu_read_unlock();
}

/*
 * The status of the exit() that KILL_THREAD made is a signal, as from do_exit() called with
 * it. do_exit() has noted the other one already: for the thread, and if no other one was on
 * the way to its own end, for the process too, where nobody changes it any more.
 */
static void set_status(bool strict)
{
	int signal = secmap_verdict_status(strict);

	if (!READ_ONCE(current->signal->quick_threads) &&
	    current->signal->group_exit_code == current->exit_code)
		current->signal->group_exit_code = signal;
	current->exit_code = signal;
}

/**
 * secmap_task_leave() - forget the current task
 *
 * Context: in the exit probe. Does not sleep. Work that is queued still runs, in
 * exit_task_work(), and drops its own reference.
 */
void secmap_task_leave(void)
{
	struct secmap_carrier *carrier;
	struct secmap_stack *stack = NULL;
	unsigned long flags;

	/* No look without the lock: attachable() relies on it. */
	raw_spin_lock_irqsave(secmap_task_lock(current), flags);
	carrier = secmap_task_find(current);
	if (carrier) {
		stack = stack_of(carrier);
		hlist_del_init_rcu(&carrier->node);
		if (test_bit(SECMAP_LATE_STATUS, &carrier->late))
			set_status(test_bit(SECMAP_LATE_STRICT, &carrier->late));
	}
	raw_spin_unlock_irqrestore(secmap_task_lock(current), flags);
	if (carrier) {
		secmap_stack_put(stack);
		secmap_carrier_put(carrier);
	}
}

void __init secmap_task_init(void)
{
	int i;

	for (i = 0; i < STRIPES; i++)
		raw_spin_lock_init(&locks[i]);
	for (i = 0; i < ARRAY_SIZE(mutexes); i++)
		mutex_init(&mutexes[i]);
}
