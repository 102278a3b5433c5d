// SPDX-License-Identifier: GPL-2.0-only
/* Answers: what a stack knows of each number when it is built, so that few calls ask everybody. */
#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "call.h"
#include "limits.h"
#include "phase.h"
#include "policy.h"
#include "stack.h"
#include "verdict.h"
#include "compat/compat.h"

/* The index of an errno in @errnos; SECMAP_LIMIT_STACK_ERRNOS: there are too many. */
static u32 stack_errno(struct secmap_stack *stack, long errno)
{
	u32 i;

	for (i = 0; i < stack->errno_count; i++)
		if (stack->errnos[i] == errno)
			return i;
	if (i < SECMAP_LIMIT_STACK_ERRNOS)
		stack->errnos[stack->errno_count++] = errno;
	return i;
}

/* The index in @asks; 0, which asks everybody: there are too many. */
static u32 stack_ask(struct secmap_stack *stack, const struct secmap_ask *ask)
{
	u32 i;

	for (i = 0; i < stack->ask_count; i++)
		if (stack->asks[i].newest == ask->newest && stack->asks[i].older == ask->older &&
		    stack->asks[i].steps.first == ask->steps.first &&
		    stack->asks[i].program == ask->program)
			return i;
	if (i == SECMAP_LIMIT_STACK_ASKS)
		return 0;
	stack->asks[stack->ask_count++] = *ask;
	return i;
}

/* Is the policy of this entry in the stack again, newer? It would say the same, and not win. */
static bool stack_repeats(const struct secmap_stack *stack, u32 place)
{
	u32 i;

	for (i = place + 1; i < stack->depth; i++)
		if (!stack->entries[i].phase &&
		    stack->entries[i].policy == stack->entries[place].policy)
			return true;
	return false;
}

/* If only one is to be asked, and its action is all: what of it is to be looked at. */
static void stack_shorten(struct secmap_where where, struct secmap_ask *ask)
{
	const struct secmap_body *only = ask->newest->body;

	if (ask->older || ask->newest->flags & SECMAP_ATTACH_LOG || secmap_call_forks(where))
		return;
	if (only->rules)
		ask->steps = secmap_rules_steps(only->rules, where);
	else
		ask->program = only->program->prog;
}

static void stack_ask_too(const struct secmap_stack *stack, u32 place, struct secmap_ask *ask)
{
	if (ask->newest)
		ask->older |= BIT_ULL(place);
	else
		ask->newest = &stack->entries[place];
}

/*
 * What the policies say of a number, if no argument can change it; else who is to be asked.
 * @unasked: those that are not in force, or there again, newer.
 */
static bool stack_constant(const struct secmap_stack *stack, struct secmap_where where, u64 unasked,
			   u32 *strictest, struct secmap_ask *ask)
{
	bool constant = true;
	u32 i;

	*strictest = SECCOMP_RET_ALLOW;
	for (i = stack->depth; i-- > 0;) {
		const struct secmap_body *body = stack->entries[i].body;
		u32 action = SECCOMP_RET_ALLOW;
		bool known;

		if (unasked & BIT_ULL(i))
			continue;
		known = secmap_body_constant(body, where, &action);
		constant = constant && known;
		if (known && (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
			continue;
		if (known && secmap_verdict_stricter(action, *strictest))
			*strictest = action;
		stack_ask_too(stack, i, ask);
	}
	return constant;
}

/**
 * secmap_stack_begins_phase() - may a call put policies in force?
 * @stack: the stack that it is judged by
 * @where: the call
 *
 * Context: any.
 * Return: whether one is not in force, and may be when the call has been made.
 */
bool secmap_stack_begins_phase(const struct secmap_stack *stack, struct secmap_where where)
{
	u32 i;

	for (i = 0; i < stack->depth; i++)
		if (stack->entries[i].phase && secmap_phase_begins(stack->entries[i].phase, where))
			return true;
	return false;
}

static void stack_merge(struct secmap_stack *stack, struct secmap_where where, u64 unasked,
			bool logs)
{
	bool begins = stack->phased && secmap_stack_begins_phase(stack, where);
	bool native = where.abi == SECMAP_ABI_X86_64;
	struct secmap_ask ask = { 0 };
	bool constant;
	u32 action;

	/* As seccomp(2): or who probes the return of a function would end the program. */
	if (native && compat_nr_is_trampoline(where.nr)) {
		__set_bit(where.nr, stack->allow[where.abi]);
		return;
	}
	/* secmap_observe() asks everybody. */
	if (stack->observed)
		return;
	constant = stack_constant(stack, where, unasked, &action, &ask);
	if (!ask.newest) {
		if (!secmap_call_forks(where) && !begins)
			__set_bit(where.nr, stack->allow[where.abi]);
		return;
	}
	if (!native)
		return;
	if (constant && !logs && secmap_verdict_fails(action))
		stack->answer[where.nr] = stack_errno(stack, secmap_verdict_errno(action));
	if (stack->answer[where.nr] < SECMAP_LIMIT_STACK_ERRNOS)
		return;
	/* A constant that is no errno is none for the short way either. */
	if (!begins && (!constant || secmap_verdict_fails(action)))
		stack_shorten(where, &ask);
	stack->answer[where.nr] = SECMAP_LIMIT_STACK_ERRNOS + stack_ask(stack, &ask);
}

/**
 * secmap_stack_fill() - what follows from a stack's policies: @allow, @answer, @errnos, @asks
 * @stack: all of that is 0; the rest is there
 *
 * Context: may sleep.
 */
void secmap_stack_fill(struct secmap_stack *stack)
{
	struct secmap_where where;
	u64 unasked = 0;
	bool logs = false;
	u32 i;

	/* What is to be logged has to be judged, so that it is known whose verdict it was. */
	for (i = 0; i < stack->depth; i++) {
		logs |= stack->entries[i].flags & SECMAP_ATTACH_LOG;
		if (stack->entries[i].phase || stack_repeats(stack, i))
			unasked |= BIT_ULL(i);
	}
	memset(stack->answer, SECMAP_LIMIT_STACK_ERRNOS, sizeof(stack->answer));
	for (i = stack->depth; i-- > 0;)
		if (!(unasked & BIT_ULL(i)))
			stack_ask_too(stack, i, &stack->asks[0]);
	stack->ask_count = 1;
	for (where.abi = 0; where.abi < SECMAP_ABI_COUNT; where.abi++) {
		for (where.nr = 0; where.nr < SECMAP_NR_MAX; where.nr++)
			stack_merge(stack, where, unasked, logs);
		cond_resched();
	}
}
