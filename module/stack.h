/* SPDX-License-Identifier: GPL-2.0-only */
/* Stacks: what a task carries. Policies in order, and their merged bitmap. */
#ifndef _SECMAP_STACK_H
#define _SECMAP_STACK_H

#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <secmap/secmap.h>

#include "policy.h"
#include "steps.h"

struct secmap_listener;
struct secmap_phase;
struct secmap_recorder;

/**
 * struct secmap_entry - a policy as it was attached
 * @policy: a reference
 * @body: what it says; a reference. NULL in what is to be attached: what it says now
 * @listener: who answers its USER_NOTIF; a reference, or NULL
 * @recorder: what records its calls; a reference, or NULL
 * @phase: it is not asked before that begins; a reference, or NULL: it is in force
 * @flags: SECMAP_ATTACH_LOG, _STRICT, _COMPLAIN
 */
struct secmap_entry {
	struct secmap_policy *policy;
	struct secmap_body *body;
	struct secmap_listener *listener;
	struct secmap_recorder *recorder;
	struct secmap_phase *phase;
	u32 flags;
};

/**
 * struct secmap_ask - what has to be asked about a native number
 * @newest: is asked first
 * @older: then these, a bit each; the others allow it whatever the arguments are, or are there
 *	again, newer
 * @steps: of @newest, if it is rules whose ALLOW or errno is all there is to do: then nothing
 *	else has to be looked at
 * @program: likewise, if it is a program
 *
 * One cache line each.
 */
struct secmap_ask {
	const struct secmap_entry *newest;
	u64 older;
	struct secmap_steps steps;
	const struct bpf_prog *program;
} __aligned(64);

static_assert(sizeof(struct secmap_ask) == 64);
/* What struct secmap_stack keeps in bytes, and which entries there are in 64 bits. */
static_assert(SECMAP_LIMIT_STACK_ERRNOS + SECMAP_LIMIT_STACK_ASKS <= 1 << 8);
static_assert(SECMAP_LIMIT_STACK <= 64);

/**
 * struct secmap_stack - shared by the tasks that carry the same one
 * @allow: per ABI, the numbers that every policy allows whatever the arguments are,
 *	without those that create tasks: fork has to look whether the child can carry
 *	the stack. First, because a plainly allowed call reads nothing else
 * @answer: per number of the native ABI: below SECMAP_LIMIT_STACK_ERRNOS an index into @errnos,
 *	for the stack gives that errno whatever the arguments are; from there on one into @asks
 * @errnos: 0 ... -MAX_ERRNO
 * @asks: the first one asks everybody, once, about everything; nobody, if none is in force
 * @errno_count: of @errnos
 * @ask_count: of @asks
 * @refs: one for each task, each one that is looking, and its predecessor
 * @depth: length of @entries, at least 1
 * @cost: rules and conditions that one call may have to look at
 * @insns: instructions of programs that it may have to run, as seccomp(2) counts them
 * @observed: every call is judged, also what is plainly allowed, for something is kept of it:
 *	nothing is in @allow, and secmap_observe() is who is asked
 * @phased: there are policies that are not in force yet
 * @all: in the list of all stacks
 * @next: what is to be carried instead, since a policy was replaced; a reference, or NULL
 * @born: secmap_stack_time() from which it is carried in its predecessor's place
 * @release: frees it, in process context, when no probe can be reading it any more
 * @entries: oldest first
 *
 * Immutable but for @next. Holds a reference to the module, dropped last, so that the module
 * stays as long as any task is filtered.
 */
struct secmap_stack {
	unsigned long allow[SECMAP_ABI_COUNT][SECMAP_NR_MAX / BITS_PER_LONG];
	u8 answer[SECMAP_NR_MAX];
	s16 errnos[SECMAP_LIMIT_STACK_ERRNOS];
	struct secmap_ask asks[SECMAP_LIMIT_STACK_ASKS];
	u32 errno_count;
	u32 ask_count;
	refcount_t refs;
	u32 depth;
	u32 cost;
	u32 insns;
	bool observed;
	bool phased;
	struct list_head all;
	struct secmap_stack __rcu *next;
	u64 born;
	struct rcu_work release;
	struct secmap_entry entries[];
};

/**
 * struct secmap_swap - what comes in a policy's place
 * @from: the policy
 * @to: another one; or the same, if it is what it says that changes, or its counting
 * @body: what @to says from then on; a reference, and afterwards one to what it said before
 * @counts: where @to is counted from then on, or NULL
 */
struct secmap_swap {
	struct secmap_policy *from;
	struct secmap_policy *to;
	struct secmap_body *body;
	struct secmap_stats *counts;
};

/**
 * struct secmap_change - what is done to the stacks that hold certain policies
 * @swaps: one for each of these policies, which point to it while it is done
 * @count: of @swaps
 * @own: only if the first one's @from was never lent
 * @bounded: by who is no administrator: nobody else waits for long, nor for dear stacks
 */
struct secmap_change {
	struct secmap_swap *swaps;
	u32 count;
	bool own;
	bool bounded;
};

struct secmap_stack *secmap_stack_push(const struct secmap_stack *below,
				       const struct secmap_entry *entry);
struct secmap_stack *secmap_stack_without(const struct secmap_stack *stack, u32 id);
/* In answers.c. */
void secmap_stack_fill(struct secmap_stack *stack);
bool secmap_stack_begins_phase(const struct secmap_stack *stack, struct secmap_where where);
struct secmap_stack *secmap_stack_in_phase(const struct secmap_stack *stack,
					   struct secmap_where where, bool succeeded);
u64 secmap_stack_time(void);
struct secmap_stack *secmap_stack_at(struct secmap_stack *stack, u64 time);
struct secmap_stack *secmap_stack_follow(struct secmap_stack *stack, u64 time);

/* For replace.c. */
void secmap_stacks_lock(void);
void secmap_stacks_unlock(void);
struct secmap_stack **secmap_stacks_to_change(const struct secmap_change *change, u32 *count);
int secmap_stack_succeed(struct secmap_stack *stack, const struct secmap_change *change);
void secmap_stack_forget(struct secmap_stack *stack);
void secmap_stacks_turn(struct secmap_stack *const *stacks, u32 count);
void secmap_stacks_begin(const struct secmap_change *change);
bool secmap_stack_begins(const struct secmap_stack *stack, const struct secmap_stack *lower);
void secmap_stack_put(struct secmap_stack *stack);

/* What the policies say: SECCOMP_RET_* with its data, and whose verdict it is. */
struct secmap_judgement {
	const struct secmap_entry *by;
	u32 action;
};

struct secmap_judgement secmap_stack_judge_older(const struct secmap_stack *stack, u64 older,
						 struct secmap_judgement said,
						 const struct secmap_call *call);

/**
 * secmap_stack_judge() - ask policies, newest first; the strictest verdict wins
 * @stack: the policies
 * @ask: which ones
 * @call: the call, as far as they look at it
 *
 * Context: under RCU, preemption off. Does not sleep, takes no lock, stores nothing shared.
 */
static __always_inline struct secmap_judgement secmap_stack_judge(const struct secmap_stack *stack,
								  const struct secmap_ask *ask,
								  const struct secmap_call *call)
{
	struct secmap_judgement said = {
		.by = ask->newest,
		.action = secmap_body_judge(ask->newest->body, call),
	};

	if (unlikely(ask->older))
		return secmap_stack_judge_older(stack, ask->older, said, call);
	return said;
}

int __init secmap_stack_init(void);
void secmap_stack_exit(void);

#endif
