// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacement: for each stack that holds the policy one is built that holds the other. When all
 * are there the time goes on by one, from which they are to be carried, and the tasks are gone
 * through. A call reads the one stack or the other, and takes no lock. To have a policy counted,
 * or no more, it is replaced by itself: stacks that hold a counted one are built otherwise.
 */
#include "replace.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "limits.h"
#include "policy.h"
#include "stack.h"
#include "task.h"

/* One at a time; and nothing is sealed, or begins to be counted, meanwhile. */
static DEFINE_MUTEX(replacing);

/* Stacks that hold the policy, with a reference to each. */
struct batch {
	struct secmap_stack **stacks;
	u32 count;
};

/* Context: with secmap_stacks_lock(). */
static int collect(struct batch *batch, const struct secmap_policy *policy)
{
	struct secmap_stack **found = secmap_stacks_with(policy, &batch->count);

	if (IS_ERR(found))
		return PTR_ERR(found);
	batch->stacks = found;
	return 0;
}

/* A successor for each. What was built when it fails is for drop(). */
static int build(const struct batch *batch, const struct secmap_change *change)
{
	int err = 0;
	u32 i;

	for (i = 0; i < batch->count && !err; i++)
		err = fatal_signal_pending(current) ?
			      -EINTR :
			      secmap_stack_succeed(batch->stacks[i], change);
	return err;
}

/* With @forget also their successors, which nobody has seen yet. */
static void drop(const struct batch *batch, bool forget)
{
	u32 i;

	for (i = 0; i < batch->count; i++) {
		if (forget)
			secmap_stack_forget(batch->stacks[i]);
		secmap_stack_put(batch->stacks[i]);
		cond_resched();
	}
	kvfree(batch->stacks);
}

/*
 * Those that have come since the first ones were collected, and then all at once. Whoever lends
 * the policy from then on puts a stack into the list that stays as it is.
 */
static int finish(const struct batch *first, struct batch *rest, const struct secmap_change *change)
{
	int err;

	secmap_stacks_lock();
	err = collect(rest, change->from);
	if (!err && change->own && READ_ONCE(change->from->lent))
		err = -EPERM;
	/* Nobody can attach meanwhile. */
	if (!err && change->own && rest->count > SECMAP_LIMIT_TIGHTEN_LATE)
		err = -EAGAIN;
	err = err ?: build(rest, change);
	if (!err) {
		if (READ_ONCE(change->from->lent) ||
		    !uid_eq(change->from->object.uid, change->to->object.uid) ||
		    !gid_eq(change->from->object.gid, change->to->object.gid))
			WRITE_ONCE(change->to->lent, true);
		secmap_stacks_turn(first->stacks, first->count);
		secmap_stacks_turn(rest->stacks, rest->count);
		secmap_stacks_begin(change);
	}
	secmap_stacks_unlock();
	return err;
}

/* Context: with @replacing. */
static int carry_out(const struct secmap_change *change, u32 *tasks, u32 *stacks)
{
	struct batch first = {}, rest = {};
	int err;

	secmap_stacks_lock();
	err = collect(&first, change->from);
	secmap_stacks_unlock();
	if (!err && change->own && first.count > SECMAP_LIMIT_TIGHTEN_STACKS)
		err = -ENOSPC;
	err = err ?: build(&first, change);
	err = err ?: finish(&first, &rest, change);
	if (!err) {
		*tasks = secmap_task_follow();
		*stacks = first.count + rest.count;
	}
	drop(&first, err);
	drop(&rest, err);
	return err;
}

static struct secmap_stats *counts_of(const struct secmap_policy *policy)
{
	return rcu_dereference_protected(policy->counts, lockdep_is_held(&replacing));
}

static int replace(struct secmap_policy *from, struct secmap_policy *to, bool own, u32 *tasks,
		   u32 *stacks)
{
	struct secmap_change change = {
		.from = from,
		.to = to,
		.counts = counts_of(to),
		.own = own,
	};

	if (from->sealed || (own && READ_ONCE(from->lent)))
		return -EPERM;
	return carry_out(&change, tasks, stacks);
}

static int count(struct secmap_policy *policy, bool on, u32 *tasks, u32 *stacks)
{
	struct secmap_change change = { .from = policy, .to = policy };

	if (on == !!counts_of(policy))
		return 0;
	if (on && !policy->stats) {
		struct secmap_stats *stats = secmap_stats_create(policy->rules);

		if (!stats)
			return -ENOMEM;
		/* Whoever reads them finds them filled in. */
		smp_store_release(&policy->stats, stats);
	}
	if (on)
		change.counts = policy->stats;
	return carry_out(&change, tasks, stacks);
}

/**
 * secmap_replace() - put a policy in another's place in every stack
 * @from: the policy that is carried
 * @to: the one that comes in its place, another one
 * @own: only if @from was never lent; and nobody else waits for long, nor for dear stacks
 * @tasks: how many tasks carry something else now
 * @stacks: how many stacks were built for it
 *
 * Context: may sleep.
 * Return: 0, and no call is decided by what was any more; or
 * * -EPERM: @from is sealed, or lent
 * * -ENOSPC, -ENOMEM: as secmap_stack_succeed(); with @own also: too many stacks
 * * -EAGAIN: with @own, too many stacks have come meanwhile
 * * -EINTR: a fatal signal
 * Nothing has changed then, for any task.
 */
int secmap_replace(struct secmap_policy *from, struct secmap_policy *to, bool own, u32 *tasks,
		   u32 *stacks)
{
	int err;

	if (mutex_lock_killable(&replacing))
		return -EINTR;
	err = replace(from, to, own, tasks, stacks);
	mutex_unlock(&replacing);
	/* For calls that had begun; also where another replacement has just changed the tasks. */
	if (!err)
		synchronize_rcu_expedited();
	return err;
}

/**
 * secmap_count() - count what a policy says, or do so no more
 * @policy: the policy
 * @on: which
 * @tasks: how many tasks carry another stack for it
 * @stacks: how many stacks were built for it; neither is set where nothing has to change
 *
 * Context: may sleep.
 * Return: 0, and each call that begins is counted, or no call is counted any more; or
 * * -EINTR: a fatal signal
 * * -ENOMEM
 * Nothing has changed then.
 */
int secmap_count(struct secmap_policy *policy, bool on, u32 *tasks, u32 *stacks)
{
	int err;

	if (mutex_lock_killable(&replacing))
		return -EINTR;
	err = count(policy, on, tasks, stacks);
	mutex_unlock(&replacing);
	/* As secmap_replace(). */
	if (!err)
		synchronize_rcu_expedited();
	return err;
}

/**
 * secmap_seal() - from now on nothing comes in a policy's place
 * @policy: the policy
 *
 * Return: 0, or -EINTR: a fatal signal.
 */
int secmap_seal(struct secmap_policy *policy)
{
	if (mutex_lock_killable(&replacing))
		return -EINTR;
	WRITE_ONCE(policy->sealed, true);
	mutex_unlock(&replacing);
	return 0;
}
