/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks: what a task carries. Policies in order, and their merged bitmap. */
#ifndef _SECMAP_STACK_H
#define _SECMAP_STACK_H

#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <secmap/secmap.h>

#include "policy.h"

/**
 * struct secmap_stack - immutable, shared by the tasks that carry the same one
 * @allow: per ABI, the numbers that every policy allows whatever the arguments are,
 *	without those that create tasks: fork has to look whether the child can carry
 *	the stack. First, because a plainly allowed call reads nothing else
 * @denied: per ABI and number: an index into @errnos if the stack gives that errno
 *	whatever the arguments are; 0: the policies have to be asked
 * @errnos: 0 ... -MAX_ERRNO; the first one is not used
 * @errno_count: of @errnos, the first one counted
 * @refs: one for each task, and each one that is looking
 * @depth: length of @policies, at least 1
 * @cost: rules and conditions that one call may have to look at
 * @release: frees it, in process context, when no probe can be reading it any more
 * @policies: oldest first, a reference each
 *
 * Holds a reference to the module, dropped last, so that the module stays as long as
 * any task is filtered.
 */
struct secmap_stack {
	unsigned long allow[SECMAP_ABI_COUNT][SECMAP_NR_MAX / BITS_PER_LONG];
	u8 denied[SECMAP_ABI_COUNT][SECMAP_NR_MAX];
	s16 errnos[SECMAP_LIMIT_STACK_ERRNOS];
	u32 errno_count;
	refcount_t refs;
	u32 depth;
	u32 cost;
	struct rcu_work release;
	struct secmap_policy *policies[];
};

struct secmap_stack *secmap_stack_push(const struct secmap_stack *below,
				       struct secmap_policy *policy);
struct secmap_stack *secmap_stack_without(const struct secmap_stack *stack, u32 id);
void secmap_stack_put(struct secmap_stack *stack);

u32 secmap_stack_judge_all(const struct secmap_stack *stack, struct secmap_where where,
			   const u64 *args);

/**
 * secmap_stack_judge() - ask every policy, newest first; the strictest verdict wins
 * @stack: the policies
 * @where: the call's ABI and number
 * @args: its six arguments
 *
 * Context: under RCU. Does not sleep, takes no lock, stores nothing shared.
 * Return: SECCOMP_RET_* with its data.
 */
static inline u32 secmap_stack_judge(const struct secmap_stack *stack, struct secmap_where where,
				     const u64 *args)
{
	if (likely(stack->depth == 1))
		return secmap_policy_judge(stack->policies[0], where, args);
	return secmap_stack_judge_all(stack, where, args);
}

int __init secmap_stack_init(void);
void secmap_stack_exit(void);

#endif
