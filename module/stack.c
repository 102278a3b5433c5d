// SPDX-License-Identifier: GPL-2.0-only
/* Stacks: build, judge, free. */
#include "stack.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "call.h"
#include "limits.h"
#include "notify.h"
#include "policy.h"
#include "verdict.h"
#include "compat/compat.h"

static struct workqueue_struct *releases;

static void stack_release(struct work_struct *work)
{
	struct secmap_stack *stack = container_of(to_rcu_work(work), struct secmap_stack, release);
	u32 i;

	for (i = 0; i < stack->depth; i++) {
		const struct secmap_entry *entry = &stack->entries[i];

		atomic_dec(&entry->policy->stacks);
		secmap_policy_put(entry->policy);
		if (entry->listener)
			secmap_listener_leave(entry->listener);
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
	INIT_RCU_WORK(&stack->release, stack_release);
	return stack;
}

static void stack_add(struct secmap_stack *stack, const struct secmap_entry *entry)
{
	u32 insns = secmap_policy_insns(entry->policy);

	secmap_object_get(&entry->policy->object);
	atomic_inc(&entry->policy->stacks);
	if (entry->listener)
		secmap_listener_join(entry->listener);
	/* As seccomp(2): each program but the newest counts 4 more. */
	if (insns && stack->insns)
		stack->insns += 4;
	stack->insns += insns;
	stack->cost += secmap_policy_cost(entry->policy);
	stack->entries[stack->depth++] = *entry;
}

/* The stack's action for a number, if no argument can change it. */
static bool stack_constant(const struct secmap_stack *stack, struct secmap_where where,
			   u32 *strictest)
{
	u32 i, action;

	*strictest = SECCOMP_RET_ALLOW;
	for (i = stack->depth; i-- > 0;) {
		if (!secmap_policy_constant(stack->entries[i].policy, where, &action))
			return false;
		if (secmap_verdict_stricter(action, *strictest))
			*strictest = action;
	}
	return true;
}

/* The place of an errno in @errnos; 0: it is not one, or there are too many. */
static u32 stack_errno(struct secmap_stack *stack, u32 action)
{
	long errno = secmap_verdict_errno(action);
	u32 i;

	if (!secmap_verdict_fails(action))
		return 0;
	for (i = 1; i < stack->errno_count; i++)
		if (stack->errnos[i] == errno)
			return i;
	if (i == SECMAP_LIMIT_STACK_ERRNOS)
		return 0;
	stack->errnos[i] = errno;
	stack->errno_count = i + 1;
	return i;
}

static void stack_merge(struct secmap_stack *stack, struct secmap_where where, bool logs)
{
	u32 action;

	/* As seccomp(2): or who probes the return of a function would end the program. */
	if (where.abi == SECMAP_ABI_X86_64 && compat_nr_is_trampoline(where.nr)) {
		__set_bit(where.nr, stack->allow[where.abi]);
		return;
	}
	if (!stack_constant(stack, where, &action))
		return;
	if ((action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW)
		stack->denied[where.abi][where.nr] = logs ? 0 : stack_errno(stack, action);
	else if (!secmap_call_forks(where))
		__set_bit(where.nr, stack->allow[where.abi]);
}

/* Fill in what follows from the policies, and make the stack one that can be put. */
static void stack_finish(struct secmap_stack *stack)
{
	struct secmap_where where;
	bool logs = false;
	u32 i;

	/* What is to be logged has to be judged, so that it is known whose verdict it was. */
	for (i = 0; i < stack->depth; i++)
		logs |= stack->entries[i].flags & SECMAP_ATTACH_LOG;
	stack->errno_count = 1;
	for (where.abi = 0; where.abi < SECMAP_ABI_COUNT; where.abi++) {
		for (where.nr = 0; where.nr < SECMAP_NR_MAX; where.nr++)
			stack_merge(stack, where, logs);
		cond_resched();
	}
	/* The caller came through an open descriptor, which holds the module. */
	__module_get(THIS_MODULE);
}

/* May @entry be put on top? 0, -EINVAL, -ENOSPC, -EBUSY as secmap_stack_push(). */
static int stack_fits(const struct secmap_stack *below, const struct secmap_entry *entry)
{
	u32 insns = secmap_policy_insns(entry->policy);
	struct secmap_listener *listener;
	u32 i;

	if (entry->flags & SECMAP_ATTACH_STRICT)
		return -EINVAL;
	if (below->depth >= SECMAP_LIMIT_STACK ||
	    below->cost + secmap_policy_cost(entry->policy) > SECMAP_LIMIT_STACK_COST)
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
 * * -ENOMEM
 */
struct secmap_stack *secmap_stack_push(const struct secmap_stack *below,
				       const struct secmap_entry *entry)
{
	int err = below ? stack_fits(below, entry) : 0;
	u32 depth = below ? below->depth : 0;
	struct secmap_stack *stack;
	u32 i;

	if (err)
		return ERR_PTR(err);
	stack = stack_alloc(depth + 1);
	if (IS_ERR(stack))
		return stack;
	for (i = 0; i < depth; i++)
		stack_add(stack, &below->entries[i]);
	stack_add(stack, entry);
	stack_finish(stack);
	return stack;
}

/**
 * secmap_stack_without() - a stack with one policy less
 * @stack: the stack so far
 * @id: the policy; where it is there several times, the newest place
 *
 * Return: a new stack with one reference, NULL if nothing is left, or
 * * -ENOENT: the policy is not in it
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
	stack_finish(rest);
	return rest;
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
		    stack->entries[i].flags != lower->entries[i].flags)
			return false;
	return true;
}

/**
 * secmap_stack_put() - drop a reference
 * @stack: may be NULL
 *
 * Context: any, also with preemption off. Probes may still be reading the stack: what
 * the last reference leaves behind is freed a grace period later, in a work item.
 */
void secmap_stack_put(struct secmap_stack *stack)
{
	if (stack && refcount_dec_and_test(&stack->refs))
		queue_rcu_work(releases, &stack->release);
}

/* secmap_stack_judge() for more than one. */
struct secmap_judgement secmap_stack_judge_all(const struct secmap_stack *stack,
					       const struct secmap_call *call)
{
	const struct secmap_entry *entry = &stack->entries[stack->depth - 1];
	struct secmap_judgement said = { entry, secmap_policy_judge(entry->policy, call) };

	while (entry-- > stack->entries) {
		u32 action = secmap_policy_judge(entry->policy, call);

		if (secmap_verdict_stricter(action, said.action))
			said = (struct secmap_judgement){ entry, action };
	}
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
