// SPDX-License-Identifier: GPL-2.0-only
/* Observed stacks: ask every policy, record, and tell apart what is enforced and what is not. */
#include "observe.h"

#include "call.h"
#include "recorder.h"
#include "recording.h"
#include "verdict.h"

/* Is this one of the calls that the entry's recorder records? */
static bool records(const struct secmap_entry *entry, u32 action)
{
	if (!entry->recorder)
		return false;
	return !(entry->flags & SECMAP_ATTACH_COMPLAIN) ||
	       (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW;
}

/**
 * secmap_observe() - ask all policies of an observed stack, newest first, and record the call
 * @stack: the policies
 * @call: the call
 *
 * Recorded is what is asked for, whatever becomes of it; what a policy says is counted, if it is
 * switched on.
 *
 * Context: as secmap_stack_judge(), but what is recorded for the first time, and what the
 * processor has counted, is stored.
 * Return: the strictest verdict of those that are enforced. If all of these allow the call, the
 * strictest of the others, if one does not: its entry has SECMAP_ATTACH_COMPLAIN, and the call
 * runs.
 */
struct secmap_judgement secmap_observe(const struct secmap_stack *stack,
				       const struct secmap_call *call)
{
	struct secmap_judgement enforced = { .action = SECCOMP_RET_ALLOW };
	struct secmap_judgement complaint = enforced;
	const struct secmap_ask *once = &stack->asks[0];
	u32 i;

	for (i = stack->depth; i-- > 0;) {
		const struct secmap_entry *entry = &stack->entries[i];
		struct secmap_judgement *said = &enforced;
		u32 action;

		if (entry->phase)
			continue;
		/* A policy is counted once for a call, however often it is there. */
		if (entry == once->newest || once->older & BIT_ULL(i))
			action = secmap_policy_judge_counted(entry->policy, entry->body, call);
		else
			action = secmap_body_judge(entry->body, call);

		if (entry->flags & SECMAP_ATTACH_COMPLAIN)
			said = &complaint;
		if (records(entry, action))
			secmap_recording_note(entry->recorder->recording, call->where,
					      call->data.args);
		if (secmap_verdict_stricter(action, said->action))
			*said = (struct secmap_judgement){ entry, action };
	}
	return enforced.by ? enforced : complaint;
}
