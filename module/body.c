// SPDX-License-Identifier: GPL-2.0-only
/* Bodies: build, build again over other tables, describe, free. */
#include "body.h"

#include <linux/err.h>
#include <linux/slab.h>

#include "verdict.h"

/* With what is in @sets now. */
static struct secmap_body *body_alloc(struct secmap_set **sets, u32 count)
{
	struct secmap_body *body = kzalloc(struct_size(body, contents, count), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!body)
		return NULL;
	refcount_set(&body->refs, 1);
	body->count = count;
	for (i = 0; i < count; i++)
		if (sets[i])
			body->contents[i] = secmap_set_contents(sets[i]);
	return body;
}

/* By index, NULL where there is a map of bpf(2); for kfree(). */
static const struct secmap_table **body_tables(const struct secmap_body *body)
{
	const struct secmap_table **tables;
	u32 i;

	tables = kcalloc(max(body->count, 1U), sizeof(*tables), GFP_KERNEL);
	if (!tables)
		return NULL;
	for (i = 0; i < body->count; i++)
		if (body->contents[i])
			tables[i] = body->contents[i]->table;
	return tables;
}

/* Drops a body that could not be built. */
static struct secmap_body *body_fail(struct secmap_body *body, int err)
{
	secmap_body_put(body);
	return ERR_PTR(err);
}

static struct secmap_body *no_memory(struct secmap_why *why)
{
	return ERR_PTR(secmap_refuse(why, -ENOMEM, "no memory"));
}

/**
 * secmap_body_of_rules() - what a policy of kind MAPS says
 * @spec: its rules; the tables in it are filled in from @sets
 * @sets: spec->table_count tables
 * @why: where the reason of a refusal goes
 *
 * Context: with secmap_sets_keep(), if there are any @sets.
 * Return: the body with one reference, or what secmap_rules_create() says.
 */
struct secmap_body *secmap_body_of_rules(struct secmap_rules_spec *spec, struct secmap_set **sets,
					 struct secmap_why *why)
{
	struct secmap_body *body = body_alloc(sets, spec->table_count);
	const struct secmap_table **tables;
	int err;

	if (!body)
		return no_memory(why);
	tables = body_tables(body);
	if (!tables)
		return body_fail(body, secmap_refuse(why, -ENOMEM, "no memory"));
	spec->tables = tables;
	body->rules = secmap_rules_create(spec, why);
	spec->tables = NULL;
	kfree(tables);
	if (!IS_ERR(body->rules))
		return body;
	err = PTR_ERR(body->rules);
	body->rules = NULL;
	return body_fail(body, err);
}

/**
 * secmap_body_of_cbpf() - what a policy of kind CBPF says
 * @filter: user space's struct sock_filter instructions
 * @len: how many, 1 ... SECMAP_LIMIT_INSNS
 * @why: where the reason of a refusal goes, or NULL
 *
 * Return: the body with one reference, or what secmap_program_create_cbpf() says.
 */
struct secmap_body *secmap_body_of_cbpf(u64 filter, u16 len, struct secmap_why *why)
{
	struct secmap_body *body = body_alloc(NULL, 0);
	int err;

	if (!body)
		return no_memory(why);
	body->program = secmap_program_create_cbpf(filter, len);
	if (!IS_ERR(body->program))
		return body;
	err = secmap_refuse(why, PTR_ERR(body->program), "the kernel refuses the program");
	body->program = NULL;
	return body_fail(body, err);
}

/* The program of @spec over the body's tables. Return: the body, which is dropped on failure. */
static struct secmap_body *body_program(struct secmap_body *body, struct secmap_program_spec *spec,
					struct secmap_why *why)
{
	const struct secmap_table **tables = body_tables(body);
	int err;

	if (!tables)
		return body_fail(body, secmap_refuse(why, -ENOMEM, "no memory"));
	spec->tables = tables;
	body->program = secmap_program_create_ebpf(spec, why);
	spec->tables = NULL;
	kfree(tables);
	if (!IS_ERR(body->program))
		return body;
	err = PTR_ERR(body->program);
	body->program = NULL;
	return body_fail(body, err);
}

/**
 * secmap_body_of_ebpf() - what a policy of kind EBPF says
 * @spec: the program; the tables in it are filled in from @sets
 * @sets: spec->table_count tables, NULL where there is a map of bpf(2)
 * @why: where the reason of a refusal goes
 *
 * Context: as secmap_body_of_rules().
 * Return: the body with one reference, or what secmap_program_create_ebpf() says.
 */
struct secmap_body *secmap_body_of_ebpf(struct secmap_program_spec *spec, struct secmap_set **sets,
					struct secmap_why *why)
{
	struct secmap_body *body = body_alloc(sets, spec->table_count);

	return body ? body_program(body, spec, why) : no_memory(why);
}

/**
 * secmap_body_changed() - the same rules, or program, when something else is in a table
 * @body: what was said
 * @from: what was in the table
 * @to: what is; references are taken
 * @why: where the reason of a refusal goes
 *
 * What it costs to judge a call stays: that does not depend on what is in a table. What is known of
 * a program without running it does, and its code has the tables' addresses: it is built again.
 *
 * Return: the body with one reference, or -ENOMEM.
 */
struct secmap_body *secmap_body_changed(const struct secmap_body *body,
					const struct secmap_contents *from,
					struct secmap_contents *to, struct secmap_why *why)
{
	struct secmap_program_spec spec = { .table_count = body->count };
	struct secmap_body *next;
	u32 i;

	next = kzalloc(struct_size(next, contents, body->count), GFP_KERNEL_ACCOUNT);
	if (!next)
		return no_memory(why);
	refcount_set(&next->refs, 1);
	next->count = body->count;
	for (i = 0; i < body->count; i++) {
		struct secmap_contents *stays = body->contents[i];

		if (stays)
			next->contents[i] = secmap_contents_get(stays == from ? to : stays);
	}
	if (body->program) {
		spec.insns = body->program->insns;
		spec.len = body->program->len;
		spec.lives = body->program->lives;
		return body_program(next, &spec, why);
	}
	next->rules = secmap_rules_with_table(body->rules, from->table, to->table);
	if (next->rules)
		return next;
	return body_fail(next, secmap_refuse(why, -ENOMEM, "no memory"));
}

struct secmap_body *secmap_body_get(struct secmap_body *body)
{
	refcount_inc(&body->refs);
	return body;
}

/**
 * secmap_body_put() - drop a reference
 * @body: may be NULL
 *
 * Context: may sleep. No probe looks at it any more if this is the last reference: it finds it
 * through a stack, which has one until a grace period after its end.
 */
void secmap_body_put(struct secmap_body *body)
{
	u32 i;

	if (!body || !refcount_dec_and_test(&body->refs))
		return;
	secmap_rules_free(body->rules);
	if (body->program)
		secmap_program_free(body->program);
	for (i = 0; i < body->count; i++)
		secmap_contents_put(body->contents[i]);
	kfree(body);
}

/**
 * secmap_body_constant() - is the action known whatever the arguments are?
 * @body: what is said
 * @where: the call's ABI and number, below SECMAP_NR_MAX
 * @action: the action, if it is
 *
 * Return: whether it is.
 */
bool secmap_body_constant(const struct secmap_body *body, struct secmap_where where, u32 *action)
{
	if (body->rules)
		return secmap_rules_constant(body->rules, where, action);
	return secmap_program_constant(body->program, where, action);
}

/**
 * secmap_body_test() - what is said of a call that is not made
 * @body: what is said
 * @call: the call
 *
 * Context: may sleep.
 * Return: the verdict.
 */
struct secmap_verdict secmap_body_test(const struct secmap_body *body,
				       const struct seccomp_data *call)
{
	struct secmap_verdict verdict = { .rule = SECMAP_RULE_PROGRAM };

	if (body->rules)
		return secmap_rules_eval(body->rules, call);
	preempt_disable();
	verdict.action = secmap_program_run(body->program, call);
	preempt_enable();
	return verdict;
}

static void describe_program(const struct secmap_program *program, struct secmap_policy_info *info)
{
	struct secmap_where where;
	u32 action;

	info->out_kind = secmap_program_is_ebpf(program) ? SECMAP_POLICY_EBPF : SECMAP_POLICY_CBPF;
	for (where.abi = 0; where.abi < SECMAP_ABI_COUNT; where.abi++)
		for (where.nr = 0; where.nr < SECMAP_NR_MAX; where.nr++)
			if (secmap_program_constant(program, where, &action) &&
			    (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
				info->out_allow_count[where.abi]++;
	info->out_actions = SECMAP_ACTIONS;
	info->out_cost = program->cost;
	secmap_program_filter(program, &info->out_filter_len);
	info->out_insns = secmap_program_len(program);
	info->out_bytes = secmap_program_bytes(program);
}

static void describe_rules(const struct secmap_rules *rules, struct secmap_policy_info *info)
{
	const struct secmap_rules_facts *facts = secmap_rules_facts(rules);

	info->out_kind = SECMAP_POLICY_MAPS;
	info->out_foreign_action = facts->foreign_action;
	info->out_abis = facts->abis;
	memcpy(info->out_allow_count, facts->allow_count, sizeof(info->out_allow_count));
	memcpy(info->out_rule_count, facts->rule_count, sizeof(info->out_rule_count));
	memcpy(info->out_cond_count, facts->cond_count, sizeof(info->out_cond_count));
	memcpy(info->out_default_action, facts->default_action, sizeof(info->out_default_action));
	info->out_actions = facts->actions;
	info->out_cost = facts->cost;
	info->out_bytes = facts->bytes;
}

/**
 * secmap_body_describe() - fill in those outputs of POLICY_INFO that tell what a policy says
 * @body: what is said
 * @info: where they go
 */
void secmap_body_describe(const struct secmap_body *body, struct secmap_policy_info *info)
{
	if (body->rules)
		describe_rules(body->rules, info);
	else
		describe_program(body->program, info);
	info->out_table_count = body->count;
	info->out_bytes += struct_size(body, contents, body->count);
}
