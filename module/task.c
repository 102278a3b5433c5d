// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks: attach, inherit, detach, exit.
 *
 * The table is read under RCU and changed under raw spinlocks, a stripe of them for all
 * buckets, so that the probes can change it with preemption off on any kernel. Nothing
 * is allocated there: every filtered task keeps a spare carrier for its next child,
 * filled in process context, and a call that creates a task is refused at its entry
 * when there is none (hook.c).
 */
#include "task.h"

#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "call.h"
#include "policy.h"
#include "verdict.h"
#include "compat/compat.h"

#define STRIPES 256

struct hlist_head secmap_tasks[1 << SECMAP_TASK_BITS];
static raw_spinlock_t locks[STRIPES];
static struct kmem_cache *carriers;

static u32 bucket_of(const struct task_struct *task)
{
	return hash_ptr(task, SECMAP_TASK_BITS);
}

static raw_spinlock_t *lock_of(const struct task_struct *task)
{
	return &locks[bucket_of(task) % STRIPES];
}

/* Context: may sleep. */
static struct secmap_carrier *carrier_alloc(void)
{
	return kmem_cache_zalloc(carriers, GFP_KERNEL);
}

/* A carrier with a spare, neither in the table. */
static struct secmap_carrier *carrier_alloc_pair(void)
{
	struct secmap_carrier *carrier = carrier_alloc();

	if (!carrier)
		return NULL;
	carrier->spare = carrier_alloc();
	if (carrier->spare)
		return carrier;
	kmem_cache_free(carriers, carrier);
	return NULL;
}

/* For a carrier that was never in the table. */
static void carrier_free(struct secmap_carrier *carrier)
{
	if (!carrier)
		return;
	if (carrier->spare)
		kmem_cache_free(carriers, carrier->spare);
	kmem_cache_free(carriers, carrier);
}

static void carrier_free_rcu(struct rcu_head *rcu)
{
	struct secmap_carrier *carrier = container_of(rcu, struct secmap_carrier, rcu);

	put_task_struct(carrier->task);
	carrier_free(carrier);
}

static void carrier_put(struct secmap_carrier *carrier)
{
	if (refcount_dec_and_test(&carrier->refs))
		call_rcu(&carrier->rcu, carrier_free_rcu);
}

/* Context: under the lock of @task, which has no carrier. Takes over the stack reference. */
static void insert(struct secmap_carrier *carrier, struct task_struct *task,
		   struct secmap_stack *stack)
{
	lockdep_assert_held(lock_of(task));
	carrier->task = get_task_struct(task);
	refcount_set(&carrier->refs, 1);
	RCU_INIT_POINTER(carrier->stack, stack);
	hlist_add_head_rcu(&carrier->node, &secmap_tasks[bucket_of(task)]);
}

static struct secmap_stack *stack_of(struct secmap_carrier *carrier)
{
	return carrier ? rcu_dereference_protected(carrier->stack,
						   lockdep_is_held(lock_of(carrier->task))) :
			 NULL;
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

	raw_spin_lock_irqsave(lock_of(task), flags);
	stack = stack_of(secmap_task_find(task));
	if (stack)
		refcount_inc(&stack->refs);
	raw_spin_unlock_irqrestore(lock_of(task), flags);
	return stack;
}

/* May @task be given a stack from outside? Context: under its lock. */
static int attachable(struct task_struct *task)
{
	lockdep_assert_held(lock_of(task));
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

	raw_spin_lock_irqsave(lock_of(task), flags);
	found = secmap_task_find(task);
	err = task == current ? 0 : attachable(task);
	if (!err && stack_of(found) != last)
		err = -ESTALE;
	if (!err) {
		if (found && next) {
			rcu_assign_pointer(found->stack, next);
		} else if (found) {
			hlist_del_init_rcu(&found->node);
			gone = found;
		} else if (next) {
			insert(*carrier, task, next);
			*carrier = NULL;
		}
	}
	raw_spin_unlock_irqrestore(lock_of(task), flags);
	if (!err && found)
		secmap_stack_put(last);
	if (gone)
		carrier_put(gone);
	return err;
}

/**
 * secmap_task_attach() - put a policy on top of a task's stack
 * @task: the current one, or any other that the caller may filter
 * @policy: a reference is taken
 * @depth: how many policies the task carries now
 *
 * Context: may sleep.
 * Return: 0, or
 * * -ESRCH: the task is exiting, or makes no system calls (kernel threads, io workers)
 * * -EAGAIN: the task is just being created
 * * -ENOSPC, -ENOMEM: as secmap_stack_push(); nothing has changed
 */
int secmap_task_attach(struct task_struct *task, struct secmap_policy *policy, u32 *depth)
{
	struct secmap_carrier *carrier;
	int err;

	might_sleep();
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return -ESRCH;
	carrier = carrier_alloc_pair();
	if (!carrier)
		return -ENOMEM;
	do {
		struct secmap_stack *last = secmap_task_stack(task);
		struct secmap_stack *next = secmap_stack_push(last, policy);

		if (IS_ERR(next)) {
			err = PTR_ERR(next);
		} else {
			*depth = next->depth;
			err = swap_stack(task, last, next, &carrier);
			if (err)
				secmap_stack_put(next);
		}
		secmap_stack_put(last);
	} while (err == -ESTALE);
	carrier_free(carrier);
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
 * * -ESRCH, -EAGAIN, -ENOMEM: as secmap_task_attach()
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
			err = swap_stack(task, last, next, NULL);
			if (err)
				secmap_stack_put(next);
		}
		secmap_stack_put(last);
	} while (err == -ESTALE);
	return err;
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

/**
 * secmap_task_inherit() - hand the current task's stack down to its child
 * @child: the child
 *
 * Context: in the fork probe, in the parent, before the child first runs. Does not
 * sleep or allocate.
 *
 * The child is on the thread list already, but nobody gives it a stack before it has
 * been woken (attachable()), so it has no carrier. The entry of the call made sure that
 * there is a spare; a carrier that was attached meanwhile came with one.
 */
void secmap_task_inherit(struct task_struct *child)
{
	struct secmap_carrier *parent, *carrier;
	struct secmap_stack *stack = NULL;
	unsigned long flags;

	rcu_read_lock();
	parent = secmap_task_find(current);
	if (!parent)
		goto out;
	raw_spin_lock_irqsave(lock_of(current), flags);
	if (!hlist_unhashed(&parent->node)) {
		stack = stack_of(parent);
		refcount_inc(&stack->refs);
	}
	raw_spin_unlock_irqrestore(lock_of(current), flags);
	if (!stack)
		goto out;

	carrier = parent->spare;
	if (WARN_ON_ONCE(!carrier || secmap_task_find(child))) {
		kill_newborn(child);
		secmap_stack_put(stack);
		goto out;
	}
	parent->spare = NULL;
	raw_spin_lock_irqsave(lock_of(child), flags);
	insert(carrier, child, stack);
	raw_spin_unlock_irqrestore(lock_of(child), flags);

	/* If one cannot be queued its task is not going to create another. */
	secmap_task_later(carrier, SECMAP_LATE_REFILL);
	secmap_task_later(parent, SECMAP_LATE_REFILL);
out:
	rcu_read_unlock();
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
	raw_spin_lock_irqsave(lock_of(current), flags);
	carrier = secmap_task_find(current);
	if (carrier) {
		stack = stack_of(carrier);
		hlist_del_init_rcu(&carrier->node);
		/* do_exit() has set it already, from the exit() that KILL_THREAD made. */
		if (test_bit(SECMAP_LATE_STATUS, &carrier->late))
			current->exit_code = SIGSYS;
	}
	raw_spin_unlock_irqrestore(lock_of(current), flags);
	if (carrier) {
		secmap_stack_put(stack);
		carrier_put(carrier);
	}
}

static void late_work(struct callback_head *work)
{
	struct secmap_carrier *carrier = container_of(work, struct secmap_carrier, work);

	/*
	 * First, so that whoever asks for more meanwhile queues the work anew: it has left the
	 * list. Only this task's own probes do, and they do not run inside this function.
	 */
	clear_bit(SECMAP_LATE_QUEUED, &carrier->late);
	secmap_verdict_late(carrier);
	carrier_put(carrier);
	/* secmap_task_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
}

/**
 * secmap_task_later() - have something done on a task's way back to user mode
 * @carrier: of the current task, or of a child that has not run yet
 * @what: SECMAP_LATE_*
 *
 * Context: under RCU, where @carrier was found; that it was found then means that its
 * stack, and with it the module, is still there.
 * Return: false if it will not be done: the task has been detached, or is about to end.
 */
bool secmap_task_later(struct secmap_carrier *carrier, unsigned int what)
{
	if (!refcount_inc_not_zero(&carrier->refs))
		return false;
	set_bit(what, &carrier->late);
	if (test_and_set_bit(SECMAP_LATE_QUEUED, &carrier->late)) {
		/* It is queued, and holds its reference: this one is not the last. */
		carrier_put(carrier);
		return true;
	}
	__module_get(THIS_MODULE);
	init_task_work(&carrier->work, late_work);
	if (task_work_add(carrier->task, &carrier->work, TWA_RESUME) == 0)
		return true;
	clear_bit(SECMAP_LATE_QUEUED, &carrier->late);
	module_put(THIS_MODULE);
	carrier_put(carrier);
	return false;
}

/**
 * secmap_task_refill() - see that there is a spare for the next child
 * @carrier: the current task's
 *
 * Context: in the carrier's task, in process context. Without memory there is none, and
 * the next call that creates a task is refused, and asks again.
 */
void secmap_task_refill(struct secmap_carrier *carrier)
{
	if (!carrier->spare && !(current->flags & PF_EXITING))
		carrier->spare = carrier_alloc();
}

/* The tasks of one bucket. Return: how many there are, whether they fit or not. */
static u32 list_bucket(struct secmap_task *to, u32 room, u32 bucket)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct secmap_carrier *carrier;
	u32 count = 0;

	rcu_read_lock();
	hlist_for_each_entry_rcu(carrier, &secmap_tasks[bucket], node) {
		const struct secmap_stack *stack = rcu_dereference(carrier->stack);

		if (count++ >= room)
			continue;
		*to++ = (struct secmap_task){
			.tid = task_pid_nr_ns(carrier->task, ns),
			.tgid = task_tgid_nr_ns(carrier->task, ns),
			.depth = stack->depth,
			.top_id = stack->policies[stack->depth - 1]->object.id,
		};
	}
	rcu_read_unlock();
	return count;
}

/**
 * secmap_task_list() - some of the filtered tasks
 * @to: where they go
 * @room: how many fit, at least 1
 * @cursor: the next bucket; 0 to begin
 * @count: how many were written; 0 at the end
 *
 * A bucket is listed whole or not at all: a place in it would mean another task as soon as
 * one before it ends.
 *
 * Return: 0, or -ENOSPC if one bucket has more than @room.
 */
int secmap_task_list(struct secmap_task *to, u32 room, u64 *cursor, u32 *count)
{
	u64 bucket;

	*count = 0;
	for (bucket = *cursor; bucket < ARRAY_SIZE(secmap_tasks); bucket++) {
		u32 found = list_bucket(to + *count, room - *count, bucket);

		if (found > room)
			return -ENOSPC;
		if (found > room - *count)
			break;
		*count += found;
		cond_resched();
	}
	*cursor = bucket;
	return 0;
}

int __init secmap_task_init(void)
{
	int i;

	for (i = 0; i < STRIPES; i++)
		raw_spin_lock_init(&locks[i]);
	carriers = KMEM_CACHE(secmap_carrier, SLAB_ACCOUNT);
	return carriers ? 0 : -ENOMEM;
}

/*
 * The table is empty: each carrier in it has a stack, each stack holds the module. No
 * work is queued, for it holds the module too, but late_work() of the last one may have
 * been preempted behind its module_put(): synchronize_rcu_tasks() waits until every such
 * task has gone on. Then nothing calls call_rcu() any more, and rcu_barrier() waits for
 * those that were called.
 */
void secmap_task_exit(void)
{
	synchronize_rcu_tasks();
	rcu_barrier();
	kmem_cache_destroy(carriers);
}
