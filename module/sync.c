// SPDX-License-Identifier: GPL-2.0-only
/*
 * TSYNC: one stack for all threads of a process.
 *
 * Either all of them get it or none: carriers are allocated before the first thread is
 * changed, and whether each of them may be changed is looked at before, too.
 */
#include "task.h"

#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>

/* Put a carrier more, with a spare, into the pool. Return: 0 or -ENOMEM. */
static int pool_add(struct hlist_head *pool, gfp_t gfp)
{
	struct secmap_carrier *carrier = secmap_carrier_alloc(gfp);

	if (!carrier)
		return -ENOMEM;
	hlist_add_head(&carrier->node, pool);
	return 0;
}

static struct secmap_carrier *pool_take(struct hlist_head *pool)
{
	struct secmap_carrier *carrier;

	carrier = hlist_entry_safe(pool->first, struct secmap_carrier, node);
	if (carrier)
		hlist_del_init(&carrier->node);
	return carrier;
}

/* A thread that carries something else than @last, or its beginning. Context: under RCU. */
static struct task_struct *find_stranger(const struct secmap_stack *last, u64 time)
{
	struct task_struct *thread;

	for_each_thread(current, thread) {
		const struct secmap_carrier *carrier;

		/* Whoever exits makes no call any more, and may have lost its carrier already. */
		if (thread == current || secmap_task_is_kernels(thread) ||
		    thread->flags & PF_EXITING)
			continue;
		carrier = secmap_task_find(thread);
		if (!carrier)
			continue;
		if (!secmap_stack_begins(last,
					 secmap_stack_at(rcu_dereference(carrier->stack), time)))
			return thread;
	}
	return NULL;
}

/* Context: under the thread's lock. Return: false if it needs a carrier, and there is none. */
static bool give(struct secmap_carrier *carrier, struct task_struct *thread,
		 struct secmap_stack *next, struct hlist_head *pool)
{
	bool is_new = !carrier;

	if (is_new)
		carrier = pool_take(pool);
	if (!carrier)
		return false;
	refcount_inc(&next->refs);
	if (is_new)
		secmap_task_insert(carrier, thread, next);
	else
		secmap_task_set(carrier, next);
	return true;
}

/*
 * Give @next to one thread, no stranger. One that is just being created gets it too: either
 * the fork probe finds what we insert, or we find what it has inserted.
 *
 * Context: under RCU and the process's mutex.
 * Return: false if it needs a carrier, and there is none in @pool.
 */
static bool sync_thread(struct task_struct *thread, struct secmap_stack *next,
			struct hlist_head *pool)
{
	struct secmap_carrier *carrier;
	unsigned long flags;
	bool done = true;
	u64 time;

	raw_spin_lock_irqsave(secmap_task_lock(thread), flags);
	time = secmap_stack_time();
	next = secmap_stack_at(next, time);
	carrier = secmap_task_find(thread);
	/* The exit probe takes the lock after PF_EXITING is set: it finds what we insert. */
	if (!(thread->flags & PF_EXITING) && secmap_task_stack_at(carrier, time) != next)
		done = give(carrier, thread, next, pool);
	/* Or one could be left that executes a set-user-id program with our filter. */
	if (task_no_new_privs(current))
		task_set_no_new_privs(thread);
	raw_spin_unlock_irqrestore(secmap_task_lock(thread), flags);
	return done;
}

/*
 * Give @next to every thread. Context: may sleep, under the process's mutex, no stranger.
 *
 * A thread that is created meanwhile is missed by neither: it goes to the list's end, behind
 * its parent. If its fork probe reads the parent's stack after we have changed that, it
 * inherits @next; if before, it was in the list when we came to the parent, so we come to it.
 * The parent's lock, which both take, says which of the two it was.
 */
static void sync_threads(struct secmap_stack *next, struct hlist_head *pool)
{
	struct task_struct *thread;
	bool done;

	do {
		done = true;
		rcu_read_lock();
		for_each_thread(current, thread) {
			done = secmap_task_is_kernels(thread) || sync_thread(thread, next, pool);
			if (!done)
				break;
		}
		rcu_read_unlock();
		/* More threads than there were; some are changed already, so it must not fail. */
		if (!done)
			pool_add(pool, GFP_KERNEL | __GFP_NOFAIL);
	} while (!done);
}

/* Return: 0, -ESTALE: we carry another stack than @last by now, or -EPERM and @stranger. */
static int sync_process(const struct secmap_stack *last, struct secmap_stack *next,
			struct hlist_head *pool, pid_t *stranger)
{
	const struct secmap_carrier *carrier;
	const struct secmap_stack *now;
	struct task_struct *thread;
	int err = 0;
	u64 time;

	mutex_lock(secmap_task_mutex(current));
	rcu_read_lock();
	time = secmap_stack_time();
	carrier = secmap_task_find(current);
	now = carrier ? secmap_stack_at(rcu_dereference(carrier->stack), time) : NULL;
	if (now != last)
		err = -ESTALE;
	thread = find_stranger(last, time);
	if (!err && thread) {
		*stranger = task_pid_vnr(thread);
		err = -EPERM;
	}
	/*
	 * What was looked at after a policy had been replaced, and another one by that, may seem to
	 * be what it is not. Pairs with the lock that a carrier is changed under.
	 */
	smp_rmb();
	if (time != secmap_stack_time())
		err = -ESTALE;
	rcu_read_unlock();
	if (!err)
		sync_threads(next, pool);
	mutex_unlock(secmap_task_mutex(current));
	return err;
}

/*
 * Other threads, which may have other credentials, get all that the current one has. One that is
 * created meanwhile has those of its parent, and comes behind it in the list.
 *
 * Context: with cred_guard_mutex.
 */
static void give_to_threads(const struct secmap_stack *last, const struct secmap_entry *entry)
{
	struct task_struct *thread;
	u32 i;

	rcu_read_lock();
	for_each_thread(current, thread) {
		secmap_policy_give(entry->policy, thread);
		for (i = 0; last && i < last->depth; i++)
			secmap_policy_give(last->entries[i].policy, thread);
	}
	rcu_read_unlock();
}

/**
 * secmap_task_sync() - put a policy on top of the current task's stack, and give the result to
 *	all threads of its process
 * @entry: references are taken
 * @depth: how many policies each of them carries now
 * @stranger: with -EPERM: the first thread that carries something else than the current
 *	task's stack or its beginning, in the current pid namespace; 0 if it has no id there
 *
 * Context: may sleep.
 * Return: 0, -EPERM, -EINTR (a fatal signal), or as secmap_task_attach(); nothing has changed
 * then for any thread.
 */
int secmap_task_sync(const struct secmap_entry *entry, u32 *depth, pid_t *stranger)
{
	/* Some more, for threads that are created meanwhile. */
	int err = 0, want = get_nr_threads(current) + 8;
	struct secmap_carrier *carrier;
	HLIST_HEAD(pool);

	while (!err && want--)
		err = pool_add(&pool, GFP_KERNEL);
	/*
	 * As seccomp(2): no_new_privs must not change while another thread is in execve(), which
	 * has found out by it whether the program may be set-user-id.
	 */
	if (!err && mutex_lock_killable(&current->signal->cred_guard_mutex))
		err = -EINTR;
	if (err)
		goto free;
	do {
		struct secmap_stack *last = secmap_task_stack(current);
		struct secmap_stack *next;

		give_to_threads(last, entry);
		next = secmap_stack_push(last, entry);
		if (IS_ERR(next)) {
			err = PTR_ERR(next);
		} else {
			*depth = next->depth;
			err = sync_process(last, next, &pool, stranger);
			secmap_stack_put(next);
		}
		secmap_stack_put(last);
	} while (secmap_task_is_stale(&err));
	mutex_unlock(&current->signal->cred_guard_mutex);
free:
	while ((carrier = pool_take(&pool)))
		secmap_carrier_free(carrier);
	return err;
}
