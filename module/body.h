/* SPDX-License-Identifier: GPL-2.0-only */
/* Bodies: what a policy says. Immutable but for live maps; a table that changes brings another. */
#ifndef _SECMAP_BODY_H
#define _SECMAP_BODY_H

#include <linux/refcount.h>

#include "call.h"
#include "program.h"
#include "rules.h"
#include "set.h"

/**
 * struct secmap_body - rules or a program, and what is in the tables that they look into
 * @refs: its policy's, and one for each place of a stack; the last one frees it
 * @rules: of kind MAPS; owned
 * @program: of kinds CBPF and EBPF, where there are no @rules; owned
 * @count: length of @contents
 * @contents: a reference each; NULL: a map of bpf(2), which the program has
 */
struct secmap_body {
	refcount_t refs;
	struct secmap_rules *rules;
	struct secmap_program *program;
	u32 count;
	struct secmap_contents *contents[];
};

struct secmap_body *secmap_body_of_rules(struct secmap_rules_spec *spec, struct secmap_set **sets,
					 struct secmap_why *why);
struct secmap_body *secmap_body_of_cbpf(u64 filter, u16 len, struct secmap_why *why);
struct secmap_body *secmap_body_of_ebpf(struct secmap_program_spec *spec, struct secmap_set **sets,
					struct secmap_why *why);
struct secmap_body *secmap_body_changed(const struct secmap_body *body,
					const struct secmap_contents *from,
					struct secmap_contents *to, struct secmap_why *why);
struct secmap_body *secmap_body_get(struct secmap_body *body);
void secmap_body_put(struct secmap_body *body);

void secmap_body_describe(const struct secmap_body *body, struct secmap_policy_info *info);

/* What judging one call may cost. Classic BPF is counted by itself: secmap_body_insns(). */
static inline u32 secmap_body_cost(const struct secmap_body *body)
{
	return body->rules ? secmap_rules_facts(body->rules)->cost : body->program->cost;
}

/* How many instructions its program has, 0 if it is none of classic BPF. */
static inline u32 secmap_body_insns(const struct secmap_body *body)
{
	if (!body->program || secmap_program_is_ebpf(body->program))
		return 0;
	return secmap_program_len(body->program);
}

/* Context: the task does not migrate. Sleeps never, stores nothing that others read. */
static inline u32 secmap_body_judge(const struct secmap_body *body, const struct secmap_call *call)
{
	if (body->rules)
		return secmap_rules_eval_at(body->rules, call->where, call->data.args).action;
	return secmap_program_run(body->program, &call->data);
}

bool secmap_body_constant(const struct secmap_body *body, struct secmap_where where, u32 *action);
struct secmap_verdict secmap_body_test(const struct secmap_body *body,
				       const struct seccomp_data *call);

#endif
