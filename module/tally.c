// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/* Tallies: from a verdict to its counter, and back. */
#include "kernel.h"
#include "rules.h"
#include "tally.h"
#include "verdict.h"

/* SECMAP_RULE_ALLOW, _DEFAULT, _NEWER and _FOREIGN, from above; then the rules. */
#define TALLY_OTHERS 4U

static_assert(SECMAP_RULE_ALLOW - SECMAP_RULE_FOREIGN + 1 == TALLY_OTHERS);

/* By the number of their SECMAP_ACTION_* bit. */
static const u32 tally_actions[] = {
	SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
	SECCOMP_RET_USER_NOTIF,	  SECCOMP_RET_TRACE,	   SECCOMP_RET_LOG,  SECCOMP_RET_ALLOW,
};

/**
 * secmap_tally_of() - the counters that a policy needs
 * @rules: its rules; NULL: it is a program
 *
 * Return: which they are.
 */
struct secmap_tally secmap_tally_of(const struct secmap_rules *rules)
{
	struct secmap_tally tally = { { 0 } };
	u32 abi;

	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++)
		tally.first[abi + 1] =
			tally.first[abi] +
			(rules ? TALLY_OTHERS + secmap_rules_facts(rules)->rule_count[abi] :
				 ARRAY_SIZE(tally_actions));
	return tally;
}

/* An unknown action kills: secmap_verdict_apply(). */
static u32 tally_action(u32 action)
{
	u32 bit = secmap_action_bit(action);

	return bit ? fls_long(bit) - 1 : 0;
}

/**
 * secmap_tally_place() - where a verdict is counted
 * @tally: of the policy that has said so
 * @abi: of the call: SECMAP_ABI_*, or SECMAP_ABI_COUNT
 * @verdict: what it has said
 *
 * Called by the probe, as secmap_rules_eval_at().
 *
 * Return: the place; secmap_tally_size(): nowhere, for the call is of none of the ABIs.
 */
u32 secmap_tally_place(const struct secmap_tally *tally, u32 abi, struct secmap_verdict verdict)
{
	if (abi >= SECMAP_ABI_COUNT)
		return secmap_tally_size(tally);
	if (verdict.rule == SECMAP_RULE_PROGRAM)
		return tally->first[abi] + tally_action(verdict.action);
	if (verdict.rule >= SECMAP_RULE_FOREIGN)
		return tally->first[abi] + (SECMAP_RULE_ALLOW - verdict.rule);
	return tally->first[abi] + TALLY_OTHERS + verdict.rule;
}

/**
 * secmap_tally_tell() - what a counter is about
 * @tally: of a policy
 * @rules: the policy's, as secmap_tally_of()
 * @place: below secmap_tally_size()
 *
 * Return: that, with a count of 0.
 */
struct secmap_count secmap_tally_tell(const struct secmap_tally *tally,
				      const struct secmap_rules *rules, u32 place)
{
	struct secmap_count told = { .nr = SECMAP_NR_NONE, .rule = SECMAP_RULE_PROGRAM };

	while (place >= tally->first[told.abi + 1])
		told.abi++;
	place -= tally->first[told.abi];
	if (!rules) {
		told.action = tally_actions[place];
		return told;
	}
	told.rule = place < TALLY_OTHERS ? SECMAP_RULE_ALLOW - place : place - TALLY_OTHERS;
	told.action = secmap_rules_action(rules, told.abi, told.rule, &told.nr);
	return told;
}
