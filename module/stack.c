// SPDX-License-Identifier: GPL-2.0-only
/* Stacks: build, judge, free. */
#include "stack.h"

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "call.h"
#include "limits.h"
#include "policy.h"
#include "verdict.h"

static struct workqueue_struct *releases;

static void stack_release(struct work_struct *work)
{
	struct secmap_stack *stack = container_of(to_rcu_work(work), struct secmap_stack, release);
	u32 i;

	for (i = 0; i < stack->depth; i++) {
		atomic_dec(&stack->policies[i]->stacks);
		secmap_policy_put(stack->policies[i]);
	}
	kfree(stack);
	/* secmap_stack_exit() waits until this function has returned. */
	module_put(THIS_MODULE);
}

static struct secmap_stack *stack_alloc(u32 depth)
{
	struct secmap_stack *stack;

	stack = kzalloc(struct_size(stack, policies, depth), GFP_KERNEL_ACCOUNT);
	if (!stack)
		return ERR_PTR(-ENOMEM);
	refcount_set(&stack->refs, 1);
	INIT_RCU_WORK(&stack->release, stack_release);
	return stack;
}

static void stack_add(struct secmap_stack *stack, struct secmap_policy *policy)
{
	secmap_object_get(&policy->object);
	atomic_inc(&policy->stacks);
	stack->cost += secmap_rules_facts(policy->rules)->cost;
	stack->policies[stack->depth++] = policy;
}

/* The stack's action for a number, if no argument can change it. */
static bool stack_constant(const struct secmap_stack *stack, struct secmap_where where,
			   u32 *strictest)
{
	u32 i, action;

	*strictest = SECCOMP_RET_ALLOW;
	for (i = stack->depth; i-- > 0;) {
		if (!secmap_rules_constant(stack->policies[i]->rules, where, &action))
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

static void stack_merge(struct secmap_stack *stack, struct secmap_where where)
{
	u32 action;

	if (!stack_constant(stack, where, &action))
		return;
	if ((action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW)
		stack->denied[where.abi][where.nr] = stack_errno(stack, action);
	else if (!secmap_call_forks(where))
		__set_bit(where.nr, stack->allow[where.abi]);
}

/* Fill in what follows from the policies, and make the stack one that can be put. */
static void stack_finish(struct secmap_stack *stack)
{
	struct secmap_where where;

	stack->errno_count = 1;
	for (where.abi = 0; where.abi < SECMAP_ABI_COUNT; where.abi++) {
		for (where.nr = 0; where.nr < SECMAP_NR_MAX; where.nr++)
			stack_merge(stack, where);
		cond_resched();
	}
	/* The caller came through an open descriptor, which holds the module. */
	__module_get(THIS_MODULE);
}

/**
 * secmap_stack_push() - a stack with one policy more
 * @below: the stack so far, or NULL
 * @policy: the newest; a reference is taken
 *
 * Return: a new stack with one reference, or
 * * -ENOSPC: SECMAP_LIMIT_STACK or SECMAP_LIMIT_STACK_COST would be exceeded
 * * -ENOMEM
 */
struct secmap_stack *secmap_stack_push(const struct secmap_stack *below,
				       struct secmap_policy *policy)
{
	u32 depth = below ? below->depth : 0;
	u32 cost = below ? below->cost : 0;
	struct secmap_stack *stack;
	u32 i;

	if (depth >= SECMAP_LIMIT_STACK ||
	    cost + secmap_rules_facts(policy->rules)->cost > SECMAP_LIMIT_STACK_COST)
		return ERR_PTR(-ENOSPC);
	stack = stack_alloc(depth + 1);
	if (IS_ERR(stack))
		return stack;
	for (i = 0; i < depth; i++)
		stack_add(stack, below->policies[i]);
	stack_add(stack, policy);
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
		if (stack->policies[gone]->object.id == id)
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
			stack_add(rest, stack->policies[i]);
	stack_finish(rest);
	return rest;
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
u32 secmap_stack_judge_all(const struct secmap_stack *stack, struct secmap_where where,
			   const u64 *args)
{
	u32 i = stack->depth - 1;
	u32 strictest = secmap_policy_judge(stack->policies[i], where, args);

	while (i-- > 0) {
		u32 action = secmap_policy_judge(stack->policies[i], where, args);

		if (secmap_verdict_stricter(action, strictest))
			strictest = action;
	}
	return strictest;
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
