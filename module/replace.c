// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacement: for each stack that holds the policy one is built that holds the other. When all
 * are there the time goes on by one, from which they are to be carried, and the tasks are gone
 * through. A call reads the one stack or the other, and takes no lock. To have a policy counted,
 * or no more, it is replaced by itself: stacks that hold a counted one are built otherwise. So are
 * all policies that look into a table which is changed (update.c), in one go.
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

/* Of who is no administrator one at a time queues for it: so an administrator soon has it. */
static DEFINE_MUTEX(unprivileged);

/**
 * secmap_replacing_lock() - let nobody else replace anything
 * @privileged: whether the caller is an administrator
 *
 * Return: 0, or -EINTR: a fatal signal.
 */
int secmap_replacing_lock(bool privileged)
{
	int err = 0;

	if (!privileged)
		err = mutex_lock_killable(&unprivileged);
	if (err)
		return err;
	err = mutex_lock_killable(&replacing);
	if (err && !privileged)
		mutex_unlock(&unprivileged);
	return err;
}

void secmap_replacing_unlock(bool privileged)
{
	mutex_unlock(&replacing);
	if (!privileged)
		mutex_unlock(&unprivileged);
}

/**
 * secmap_wait_for_calls() - until all calls that have begun are judged
 * @privileged: whether the caller is an administrator: then without delay, by interrupting all
 *	processors, which is not everybody's to do
 */
void secmap_wait_for_calls(bool privileged)
{
	if (privileged)
		synchronize_rcu_expedited();
	else
		synchronize_rcu();
}

/* Stacks that hold one of the policies, with a reference to each. */
struct batch {
	struct secmap_stack **stacks;
	u32 count;
};

/* Context: with secmap_stacks_lock(). */
static int collect(struct batch *batch, const struct secmap_change *change)
{
	struct secmap_stack **found = secmap_stacks_to_change(change, &batch->count);

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

/* What comes in the place of one that is lent is, and what somebody else made. */
static void lend(const struct secmap_change *change)
{
	u32 i;

	for (i = 0; i < change->count; i++) {
		const struct secmap_swap *swap = &change->swaps[i];

		if (READ_ONCE(swap->from->lent) ||
		    !uid_eq(swap->from->object.uid, swap->to->object.uid) ||
		    !gid_eq(swap->from->object.gid, swap->to->object.gid))
			WRITE_ONCE(swap->to->lent, true);
	}
}

/*
 * Those that have come since the first ones were collected, and then all at once. Whoever lends
 * the policy from then on puts a stack into the list that stays as it is.
 */
static int finish(const struct batch *first, struct batch *rest, const struct secmap_change *change)
{
	int err;

	secmap_stacks_lock();
	err = collect(rest, change);
	if (!err && change->own && READ_ONCE(change->swaps[0].from->lent))
		err = -EPERM;
	/* Nobody can attach meanwhile. */
	if (!err && change->bounded && rest->count > SECMAP_LIMIT_OWN_STACKS_LATE)
		err = -EAGAIN;
	err = err ?: build(rest, change);
	if (!err) {
		lend(change);
		secmap_stacks_turn(first->stacks, first->count);
		secmap_stacks_turn(rest->stacks, rest->count);
		secmap_stacks_begin(change);
	}
	secmap_stacks_unlock();
	return err;
}

/* Have the policies tell what comes in their place, or no more. */
static void point(const struct secmap_change *change, bool on)
{
	u32 i;

	for (i = 0; i < change->count; i++)
		change->swaps[i].from->swap = on ? &change->swaps[i] : NULL;
}

/**
 * secmap_carry_out() - change policies in every stack
 * @change: what is to be changed
 * @tasks: how many tasks carry something else now
 * @stacks: how many stacks were built for it
 *
 * Context: with secmap_replacing_lock(); may sleep. Calls that have begun may still look at what
 * was: before it is dropped, a grace period has to be waited for.
 * Return: 0, or -EPERM, -ENOSPC, -EAGAIN, -EINTR, -ENOMEM as secmap_replace(); nothing has changed
 * then.
 */
int secmap_carry_out(const struct secmap_change *change, u32 *tasks, u32 *stacks)
{
	struct batch first = {}, rest = {};
	int err;

	lockdep_assert_held(&replacing);
	point(change, true);
	secmap_stacks_lock();
	err = collect(&first, change);
	secmap_stacks_unlock();
	if (!err && change->bounded && first.count > SECMAP_LIMIT_OWN_STACKS)
		err = -ENOSPC;
	err = err ?: build(&first, change);
	err = err ?: finish(&first, &rest, change);
	if (!err) {
		*tasks = secmap_task_follow();
		*stacks = first.count + rest.count;
	}
	drop(&first, err);
	drop(&rest, err);
	point(change, false);
	return err;
}

/* The one policy of a change. As secmap_carry_out(). */
static int carry_out_one(const struct secmap_change *change, u32 *tasks, u32 *stacks)
{
	struct secmap_swap *swap = change->swaps;
	int err;

	/* It goes on saying what it says: the policy has a reference before and after. */
	swap->body = secmap_policy_body(swap->to);
	err = secmap_carry_out(change, tasks, stacks);
	secmap_body_put(swap->body);
	return err;
}

static struct secmap_stats *counts_of(const struct secmap_policy *policy)
{
	return rcu_dereference_protected(policy->counts, lockdep_is_held(&replacing));
}

/* Does a policy still say what it said? */
static bool says(const struct secmap_policy *policy, const struct secmap_body *body)
{
	return rcu_access_pointer(policy->body) == body;
}

static int replace(struct secmap_policy *from, struct secmap_policy *to,
		   const struct secmap_compared *compared, bool own, u32 *tasks, u32 *stacks)
{
	struct secmap_swap swap = { .from = from, .to = to, .counts = counts_of(to) };
	struct secmap_change change = { .swaps = &swap, .count = 1, .own = own, .bounded = own };

	if (from->sealed || (own && READ_ONCE(from->lent)))
		return -EPERM;
	if (compared && !(says(from, compared->from) && says(to, compared->to)))
		return -ESTALE;
	return carry_out_one(&change, tasks, stacks);
}

/* Counters for a policy that may have none yet; NULL: it has. Or -ENOMEM. */
static struct secmap_stats *create_stats(struct secmap_policy *policy)
{
	struct secmap_body *body;
	struct secmap_stats *stats;

	if (secmap_policy_stats(policy))
		return NULL;
	body = secmap_policy_body(policy);
	stats = secmap_stats_create(body->rules);
	secmap_body_put(body);
	return stats ?: ERR_PTR(-ENOMEM);
}

/* @stats: for the policy, if it has none; NULL if it was used, or there is no need. */
static int count(struct secmap_policy *policy, struct secmap_stats **stats, bool on,
		 bool privileged, u32 *tasks, u32 *stacks)
{
	struct secmap_swap swap = { .from = policy, .to = policy };
	struct secmap_change change = { .swaps = &swap, .count = 1, .bounded = !privileged };

	if (on == !!counts_of(policy))
		return 0;
	if (*stats && !policy->stats) {
		/* Whoever reads them finds them filled in. */
		smp_store_release(&policy->stats, *stats);
		*stats = NULL;
	}
	if (on)
		swap.counts = policy->stats;
	return carry_out_one(&change, tasks, stacks);
}

/**
 * secmap_replace() - put a policy in another's place in every stack
 * @from: the policy that is carried
 * @to: the one that comes in its place, another one
 * @compared: what they have to say still, or NULL
 * @own: only if @from was never lent; and nobody else waits for long, nor for dear stacks
 * @tasks: how many tasks carry something else now
 * @stacks: how many stacks were built for it
 *
 * Context: may sleep.
 * Return: 0, and no call is decided by what was any more; or
 * * -EPERM: @from is sealed, or lent
 * * -ENOSPC, -ENOMEM: as secmap_stack_succeed(); with @own also: too many stacks
 * * -EAGAIN: with @own, too many stacks have come meanwhile
 * * -ESTALE: a table was changed since they were @compared
 * * -EINTR: a fatal signal
 * Nothing has changed then, for any task.
 */
int secmap_replace(struct secmap_policy *from, struct secmap_policy *to,
		   const struct secmap_compared *compared, bool own, u32 *tasks, u32 *stacks)
{
	int err;

	if (secmap_replacing_lock(!own))
		return -EINTR;
	err = replace(from, to, compared, own, tasks, stacks);
	secmap_replacing_unlock(!own);
	/* Also where another replacement has just changed the tasks. */
	if (!err)
		secmap_wait_for_calls(!own);
	return err;
}

/**
 * secmap_count() - count what a policy says, or do so no more
 * @policy: the policy
 * @on: which
 * @privileged: whether the caller is an administrator
 * @tasks: how many tasks carry another stack for it
 * @stacks: how many stacks were built for it; neither is set where nothing has to change
 *
 * Context: may sleep.
 * Return: 0, and each call that begins is counted, or no call is counted any more; or
 * * -EINTR: a fatal signal
 * * -ENOSPC, -EAGAIN: not privileged, and too many stacks, or too many that have come meanwhile
 * * -ENOMEM
 * Nothing has changed then, but that there may be counters, at 0.
 */
int secmap_count(struct secmap_policy *policy, bool on, bool privileged, u32 *tasks, u32 *stacks)
{
	struct secmap_stats *stats = on ? create_stats(policy) : NULL;
	int err;

	if (IS_ERR(stats))
		return PTR_ERR(stats);
	err = secmap_replacing_lock(privileged);
	if (!err) {
		err = count(policy, &stats, on, privileged, tasks, stacks);
		secmap_replacing_unlock(privileged);
	}
	secmap_stats_free(stats);
	/* As secmap_replace(). */
	if (!err)
		secmap_wait_for_calls(privileged);
	return err;
}

/**
 * secmap_seal() - from now on nothing comes in a policy's place, or nothing else into a set
 * @sealed: of the policy, or of the set
 *
 * Return: 0, or -EINTR: a fatal signal.
 */
int secmap_seal(bool *sealed)
{
	if (mutex_lock_killable(&replacing))
		return -EINTR;
	WRITE_ONCE(*sealed, true);
	mutex_unlock(&replacing);
	return 0;
}
