// SPDX-License-Identifier: GPL-2.0-only
/* Stacks: build, judge, free. */
#include "stack.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "call.h"
#include "limits.h"
#include "notify.h"
#include "phase.h"
#include "policy.h"
#include "recorder.h"
#include "verdict.h"
#include "compat/compat.h"

static struct workqueue_struct *releases;

/* All stacks that may be carried, and some that are about to be released. */
static LIST_HEAD(all);
static DEFINE_MUTEX(all_lock);

/* How many times policies have been replaced, counted, or changed with a table. */
static u64 time_now;

static void stack_release(struct work_struct *work)
{
	struct secmap_stack *stack = container_of(to_rcu_work(work), struct secmap_stack, release);
	u32 i;

	mutex_lock(&all_lock);
	list_del(&stack->all);
	mutex_unlock(&all_lock);
	for (i = 0; i < stack->depth; i++) {
		const struct secmap_entry *entry = &stack->entries[i];

		secmap_body_put(entry->body);
		secmap_policy_put(entry->policy);
		if (entry->listener)
			secmap_listener_leave(entry->listener);
		if (entry->recorder)
			secmap_recorder_put(entry->recorder);
		if (entry->phase)
			secmap_phase_put(entry->phase);
	}
	kfree(stack);
	/* secmap_stack_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
}

static struct secmap_stack *stack_alloc(u32 depth)
{
	struct secmap_stack *stack;

	stack = kzalloc(struct_size(stack, entries, depth), GFP_KERNEL_ACCOUNT);
	if (!stack)
		return ERR_PTR(-ENOMEM);
	refcount_set(&stack->refs, 1);
	INIT_LIST_HEAD(&stack->all);
	INIT_RCU_WORK(&stack->release, stack_release);
	return stack;
}

static void stack_add(struct secmap_stack *stack, const struct secmap_entry *entry)
{
	u32 insns = secmap_body_insns(entry->body);

	secmap_body_get(entry->body);
	secmap_object_get(&entry->policy->object);
	atomic_inc(&entry->policy->stacks);
	if (entry->listener)
		secmap_listener_join(entry->listener);
	if (entry->recorder)
		secmap_recorder_get(entry->recorder);
	if (entry->phase)
		secmap_phase_get(entry->phase);
	stack->phased |= !!entry->phase;
	/* As seccomp(2): each program but the newest counts 4 more. */
	if (insns && stack->insns)
		stack->insns += 4;
	stack->insns += insns;
	stack->cost += secmap_body_cost(entry->body);
	stack->entries[stack->depth++] = *entry;
}

/*
 * Must every call be looked at, even if all policies allow it? @change: as it will be when that is
 * done; NULL: as it is now.
 */
static bool stack_observed(const struct secmap_stack *stack, const struct secmap_change *change)
{
	u32 i;

	for (i = 0; i < stack->depth; i++) {
		const struct secmap_entry *entry = &stack->entries[i];

		if (entry->recorder || entry->flags & SECMAP_ATTACH_COMPLAIN)
			return true;
		if (change && entry->policy->swap ? !!entry->policy->swap->counts :
						    secmap_policy_is_counted(entry->policy))
			return true;
	}
	return false;
}

/* Fill in what follows from the policies, and make the stack one that can be put. */
static void stack_finish(struct secmap_stack *stack, const struct secmap_change *change)
{
	stack->observed = stack_observed(stack, change);
	secmap_stack_fill(stack);
	/* The caller came through an open descriptor, which holds the module. */
	__module_get(THIS_MODULE);
}

/* Does each of its policies still say what it says in the stack? Context: with @all_lock. */
static bool stack_speaks(const struct secmap_stack *stack)
{
	u32 i;

	for (i = 0; i < stack->depth; i++)
		if (stack->entries[i].body != rcu_access_pointer(stack->entries[i].policy->body))
			return false;
	return true;
}

/* Fill in again a stack that nobody carries. */
static void stack_refresh(struct secmap_stack *stack)
{
	u32 i;

	for (i = 0; i < stack->depth; i++) {
		struct secmap_entry *entry = &stack->entries[i];

		secmap_body_put(entry->body);
		entry->body = secmap_policy_body(entry->policy);
	}
	memset(stack, 0, offsetof(struct secmap_stack, refs));
	stack->observed = stack_observed(stack, NULL);
	secmap_stack_fill(stack);
}

/* Put a stack into the list, before anybody carries it. Return: the stack, or -EINTR. */
static struct secmap_stack *stack_list(struct secmap_stack *stack)
{
	/* Killably: whoever replaces a policy may build many stacks under it. */
	while (!mutex_lock_killable(&all_lock)) {
		/*
		 * Who has switched counting, or changed a table, since we looked has not found this
		 * one in the list.
		 */
		if (stack->observed == stack_observed(stack, NULL) && stack_speaks(stack))
			goto list;
		mutex_unlock(&all_lock);
		stack_refresh(stack);
	}
	secmap_stack_put(stack);
	return ERR_PTR(-EINTR);

list:
	list_add(&stack->all, &all);
	mutex_unlock(&all_lock);
	return stack;
}

/* May @entry be put on top? 0, -EINVAL, -ENOSPC, -EBUSY as secmap_stack_push(). */
static int stack_fits(const struct secmap_stack *below, const struct secmap_entry *entry)
{
	u32 insns = secmap_body_insns(entry->body);
	u32 cost = secmap_body_cost(entry->body);
	struct secmap_listener *listener;
	u32 i;

	if (entry->flags & SECMAP_ATTACH_STRICT)
		return -EINVAL;
	if (below->depth >= SECMAP_LIMIT_STACK ||
	    (cost && below->cost + cost > SECMAP_LIMIT_STACK_COST))
		return -ENOSPC;
	if (insns && below->insns && below->insns + 4 + insns > SECMAP_LIMIT_STACK_INSNS)
		return -ENOSPC;
	for (i = 0; entry->listener && i < below->depth; i++) {
		listener = below->entries[i].listener;
		/* As seccomp(2): one whose descriptor has been closed does not count. */
		if (listener && secmap_listener_answers(listener))
			return -EBUSY;
	}
	return 0;
}

/**
 * secmap_stack_push() - a stack with one policy more
 * @below: the stack so far, or NULL
 * @entry: the newest; references are taken
 *
 * Return: a new stack with one reference, or
 * * -EINVAL: SECCOMP_MODE_STRICT is for tasks that carry nothing
 * * -ENOSPC: SECMAP_LIMIT_STACK, _STACK_COST or _STACK_INSNS would be exceeded
 * * -EBUSY: there would be two listeners
 * * -EINTR: a fatal signal
 * * -ENOMEM
 */
struct secmap_stack *secmap_stack_push(const struct secmap_stack *below,
				       const struct secmap_entry *entry)
{
	u32 depth = below ? below->depth : 0;
	struct secmap_entry newest = *entry;
	struct secmap_stack *stack;
	int err;
	u32 i;

	newest.body = secmap_policy_body(entry->policy);
	err = below ? stack_fits(below, &newest) : 0;
	stack = err ? ERR_PTR(err) : stack_alloc(depth + 1);
	if (IS_ERR(stack))
		goto put;
	for (i = 0; i < depth; i++)
		stack_add(stack, &below->entries[i]);
	stack_add(stack, &newest);
	stack_finish(stack, NULL);
	stack = stack_list(stack);
put:
	secmap_body_put(newest.body);
	return stack;
}

/**
 * secmap_stack_without() - a stack with one policy less
 * @stack: the stack so far
 * @id: the policy; where it is there several times, the newest place
 *
 * Return: a new stack with one reference, NULL if nothing is left, or
 * * -ENOENT: the policy is not in it
 * * -EINTR: a fatal signal
 * * -ENOMEM
 */
struct secmap_stack *secmap_stack_without(const struct secmap_stack *stack, u32 id)
{
	struct secmap_stack *rest;
	u32 i, gone;

	for (gone = stack->depth; gone-- > 0;)
		if (stack->entries[gone].policy->object.id == id)
			break;
	if (gone == U32_MAX)
		return ERR_PTR(-ENOENT);
	if (stack->depth == 1)
		return NULL;
	rest = stack_alloc(stack->depth - 1);
	if (IS_ERR(rest))
		return rest;
	for (i = 0; i < stack->depth; i++)
		if (i != gone)
			stack_add(rest, &stack->entries[i]);
	stack_finish(rest, NULL);
	return stack_list(rest);
}

/**
 * secmap_stack_in_phase() - a stack as it is when a call has been made
 * @stack: the stack so far
 * @where: the call; secmap_stack_begins_phase()
 * @succeeded: whether it did
 *
 * Return: a new stack with one reference, in which the policies that waited for it are in force;
 * NULL if none did, or
 * * -EINTR: a fatal signal
 * * -ENOMEM
 */
struct secmap_stack *secmap_stack_in_phase(const struct secmap_stack *stack,
					   struct secmap_where where, bool succeeded)
{
	struct secmap_stack *next;
	u64 begun = 0;
	u32 i;

	for (i = 0; i < stack->depth; i++) {
		const struct secmap_phase *phase = stack->entries[i].phase;

		if (phase && (succeeded || !phase->succeeds) && secmap_phase_begins(phase, where))
			begun |= BIT_ULL(i);
	}
	if (!begun)
		return NULL;
	next = stack_alloc(stack->depth);
	if (IS_ERR(next))
		return next;
	for (i = 0; i < stack->depth; i++) {
		struct secmap_entry entry = stack->entries[i];

		if (begun & BIT_ULL(i))
			entry.phase = NULL;
		stack_add(next, &entry);
	}
	stack_finish(next, NULL);
	return stack_list(next);
}

/* Does it hold a policy in whose place another one comes, or which says something else? */
static bool stack_changes(const struct secmap_stack *stack)
{
	u32 i;

	for (i = 0; i < stack->depth; i++)
		if (stack->entries[i].policy->swap)
			return true;
	return false;
}

/* While the lock is held no stack comes that may be carried. Context: may sleep. */
void secmap_stacks_lock(void)
{
	mutex_lock(&all_lock);
}

void secmap_stacks_unlock(void)
{
	mutex_unlock(&all_lock);
}

/**
 * secmap_stacks_to_change() - the stacks that may be carried, have no successor, and are to get one
 * @change: what is done to the policies, one of which they hold
 * @count: how many there are
 *
 * Context: with secmap_stacks_lock().
 * Return: an array of them for kvfree(), with a reference to each, or -ENOMEM.
 */
struct secmap_stack **secmap_stacks_to_change(const struct secmap_change *change, u32 *count)
{
	struct secmap_stack **found;
	struct secmap_stack *stack;
	u32 i, room = 0;

	/* A stack is counted before it gets into the list, for as long as it has references. */
	for (i = 0; i < change->count; i++)
		room += atomic_read(&change->swaps[i].from->stacks);
	*count = 0;
	found = kvmalloc_array(max(room, 1U), sizeof(*found), GFP_KERNEL_ACCOUNT);
	if (!found)
		return ERR_PTR(-ENOMEM);
	list_for_each_entry(stack, &all, all) {
		cond_resched();
		if (rcu_access_pointer(stack->next) || !stack_changes(stack) ||
		    !refcount_inc_not_zero(&stack->refs))
			continue;
		if (WARN_ON_ONCE(*count == room)) {
			secmap_stack_put(stack);
			break;
		}
		found[(*count)++] = stack;
	}
	return found;
}

/*
 * One that exceeds the limits already, since another policy was replaced, may exceed them more. By
 * nobody's policy: it may not.
 */
static bool stack_may_grow(const struct secmap_stack *stack, const struct secmap_stack *next,
			   const struct secmap_body *by)
{
	u32 cost = max(stack->cost, SECMAP_LIMIT_STACK_COST);
	u32 insns = max(stack->insns, SECMAP_LIMIT_STACK_INSNS);

	if (by) {
		cost += secmap_body_cost(by);
		insns += 4 + secmap_body_insns(by);
	}

	return next->cost <= cost && next->insns <= insns;
}

/**
 * secmap_stack_succeed() - build what comes in a stack's place when policies are changed
 * @stack: a reference; has no successor
 * @change: what is done to the policies, each of which is in one or several places
 *
 * Nobody looks at the successor before secmap_stacks_begin(). It may exceed the limits of a stack
 * by one policy: else who carries the old one could fill his stack up so that nothing dearer can
 * come in its place. Not so where it is no administrator who changes it: he could make stacks as
 * dear as he likes by that.
 *
 * Return: 0, or -ENOSPC (then the policy is there several times, or @change is its owner's),
 * -ENOMEM.
 */
int secmap_stack_succeed(struct secmap_stack *stack, const struct secmap_change *change)
{
	struct secmap_stack *next = stack_alloc(stack->depth);
	u32 i;

	if (IS_ERR(next))
		return PTR_ERR(next);
	for (i = 0; i < stack->depth; i++) {
		struct secmap_entry entry = stack->entries[i];
		const struct secmap_swap *swap = entry.policy->swap;

		if (swap) {
			entry.policy = swap->to;
			entry.body = swap->body;
		}
		stack_add(next, &entry);
	}
	stack_finish(next, change);
	if (!stack_may_grow(stack, next, change->bounded ? NULL : change->swaps[0].body)) {
		secmap_stack_put(next);
		return -ENOSPC;
	}
	next->born = time_now + 1;
	rcu_assign_pointer(stack->next, next);
	return 0;
}

/* Undo secmap_stack_succeed(), if it was done, before secmap_stacks_begin(). */
void secmap_stack_forget(struct secmap_stack *stack)
{
	struct secmap_stack *next = rcu_replace_pointer(stack->next, NULL, true);

	secmap_stack_put(next);
}

/**
 * secmap_stacks_turn() - put the successors of stacks into the list
 * @stacks: each has one
 * @count: how many
 *
 * Context: with secmap_stacks_lock(), before secmap_stacks_begin().
 */
void secmap_stacks_turn(struct secmap_stack *const *stacks, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		list_add(&rcu_dereference_protected(stacks[i]->next, true)->all, &all);
		cond_resched();
	}
}

/* From now on successors are carried. Context: with secmap_stacks_lock(). */
void secmap_stacks_begin(const struct secmap_change *change)
{
	u32 i;

	for (i = 0; i < change->count; i++) {
		struct secmap_swap *swap = &change->swaps[i];

		rcu_assign_pointer(swap->to->counts, swap->counts);
		swap->body =
			rcu_replace_pointer(swap->to->body, swap->body, lockdep_is_held(&all_lock));
	}
	/* Whoever sees the new time sees each stack's successor, and what is in it. */
	smp_store_release(&time_now, time_now + 1);
}

/* At which time we are. What a later one has changed is not to be seen with secmap_stack_at(). */
u64 secmap_stack_time(void)
{
	/* Pairs with secmap_stacks_begin(). */
	return smp_load_acquire(&time_now);
}

/**
 * secmap_stack_at() - what was to be carried instead of a stack, at a time
 * @stack: may be NULL
 * @time: of secmap_stack_time(); where two stacks are compared, the same for both
 *
 * Context: under RCU, or with interrupts off.
 * Return: the stack itself, or one that has come in its place; no reference.
 */
struct secmap_stack *secmap_stack_at(struct secmap_stack *stack, u64 time)
{
	struct secmap_stack *next = stack;

	while (next && next->born <= time) {
		stack = next;
		next = rcu_dereference_check(stack->next, rcu_read_lock_any_held());
	}
	return stack;
}

/* The same, with the reference to @stack going over. */
struct secmap_stack *secmap_stack_follow(struct secmap_stack *stack, u64 time)
{
	struct secmap_stack *now = secmap_stack_at(stack, time);

	if (now != stack) {
		refcount_inc(&now->refs);
		secmap_stack_put(stack);
	}
	return now;
}

/**
 * secmap_stack_begins() - does @stack hold all of @lower, in the same places?
 * @stack: may be NULL
 * @lower: may be NULL
 *
 * Return: whether it does: then whoever carries @lower may be given @stack, and loses nothing.
 */
bool secmap_stack_begins(const struct secmap_stack *stack, const struct secmap_stack *lower)
{
	u32 i;

	if (stack == lower || !lower)
		return true;
	if (!stack || stack->depth < lower->depth)
		return false;
	for (i = 0; i < lower->depth; i++)
		if (stack->entries[i].policy != lower->entries[i].policy ||
		    stack->entries[i].listener != lower->entries[i].listener ||
		    stack->entries[i].recorder != lower->entries[i].recorder ||
		    stack->entries[i].phase != lower->entries[i].phase ||
		    stack->entries[i].flags != lower->entries[i].flags)
			return false;
	return true;
}

/**
 * secmap_stack_put() - drop a reference
 * @stack: may be NULL
 *
 * Context: any, also with preemption off. Probes may still be reading the stack: what
 * the last reference leaves behind is freed a grace period later, in a work item. Its
 * successor need not wait for that: who follows has a reference to the stack.
 */
void secmap_stack_put(struct secmap_stack *stack)
{
	struct secmap_stack *next;
	u32 i;

	while (stack && refcount_dec_and_test(&stack->refs)) {
		/* Now, not when it is freed: who has replaced a policy looks who still holds it. */
		for (i = 0; i < stack->depth; i++)
			atomic_dec(&stack->entries[i].policy->stacks);
		next = rcu_dereference_protected(stack->next, true);
		queue_rcu_work(releases, &stack->release);
		stack = next;
	}
}

/* The rest of secmap_stack_judge(), if it asks more than one. */
struct secmap_judgement secmap_stack_judge_older(const struct secmap_stack *stack, u64 older,
						 struct secmap_judgement said,
						 const struct secmap_call *call)
{
	do {
		u32 place = __fls(older);
		const struct secmap_entry *entry = &stack->entries[place];
		u32 action = secmap_body_judge(entry->body, call);

		if (secmap_verdict_stricter(action, said.action))
			said = (struct secmap_judgement){ entry, action };
		older &= ~BIT_ULL(place);
	} while (older);
	return said;
}

int __init secmap_stack_init(void)
{
	releases = alloc_workqueue("secmap", WQ_UNBOUND, 0);
	return releases ? 0 : -ENOMEM;
}

/*
 * No stack is left, for each holds the module; but stack_release() of the last one may
 * still be on its way out. Its RCU callback has run before it, so waiting for the
 * queue is enough.
 */
void secmap_stack_exit(void)
{
	destroy_workqueue(releases);
}
