// SPDX-License-Identifier: GPL-2.0-only
/* Policies and tables as objects: create, describe, free. */
#include "policy.h"

#include <linux/cred.h>
#include <linux/sched/coredump.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "verdict.h"

/**
 * secmap_set_create() - a table object
 * @spec: its contents
 * @name: SECMAP_NAME_LEN bytes
 *
 * Return: the object with one reference, or what secmap_table_create() and
 * secmap_object_publish() say.
 */
struct secmap_set *secmap_set_create(const struct secmap_table_spec *spec, const char *name)
{
	struct secmap_set *set;
	int err;

	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	set->table = secmap_table_create(spec, NULL);
	if (IS_ERR(set->table)) {
		err = PTR_ERR(set->table);
		goto free;
	}
	err = secmap_object_publish(&set->object, SECMAP_OBJECT_TABLE, name);
	if (err)
		goto free_table;
	return set;

free_table:
	secmap_table_free(set->table);
free:
	kfree(set);
	return ERR_PTR(err);
}

void secmap_set_free(struct secmap_object *object)
{
	struct secmap_set *set = secmap_set_of(object);

	secmap_table_free(set->table);
	kfree(set);
}

static void put_sets(struct secmap_set **sets, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (sets[i])
			secmap_object_put(&sets[i]->object);
}

/* With a reference to each table. As secmap_object_publish(). */
static int policy_publish(struct secmap_policy *policy, struct secmap_set **sets, u32 count,
			  const char *name)
{
	u32 i;
	int err;

	policy->set_count = count;
	for (i = 0; i < count; i++) {
		policy->sets[i] = sets[i];
		if (sets[i])
			secmap_object_get(&sets[i]->object);
	}
	err = secmap_object_publish(&policy->object, SECMAP_OBJECT_POLICY, name);
	if (err)
		put_sets(policy->sets, count);
	return err;
}

static struct secmap_policy *policy_alloc(u32 set_count)
{
	struct secmap_policy *policy;

	policy = kzalloc(struct_size(policy, sets, set_count), GFP_KERNEL_ACCOUNT);
	if (policy)
		secmap_rate_init(&policy->rate);
	return policy;
}

/**
 * secmap_policy_create() - a policy object
 * @spec: its rules; the tables in it are filled in from @sets
 * @sets: spec->table_count tables; a reference to each is taken
 * @name: SECMAP_NAME_LEN bytes
 * @why: where the reason of a refusal goes
 *
 * Return: the object with one reference, or what secmap_rules_create() and
 * secmap_object_publish() say.
 */
struct secmap_policy *secmap_policy_create(struct secmap_rules_spec *spec, struct secmap_set **sets,
					   const char *name, struct secmap_why *why)
{
	u32 i, count = spec->table_count;
	const struct secmap_table **tables;
	struct secmap_policy *policy;
	int err;

	tables = kcalloc(count, sizeof(*tables), GFP_KERNEL);
	policy = policy_alloc(count);
	if (!tables || !policy) {
		err = -ENOMEM;
		goto free;
	}
	for (i = 0; i < count; i++)
		tables[i] = sets[i]->table;
	spec->tables = tables;
	policy->rules = secmap_rules_create(spec, why);
	spec->tables = NULL;
	if (IS_ERR(policy->rules)) {
		err = PTR_ERR(policy->rules);
		goto free;
	}
	err = policy_publish(policy, sets, count, name);
	if (err) {
		secmap_refuse(why, err, "too many policies, or no memory");
		secmap_rules_free(policy->rules);
		goto free;
	}
	kfree(tables);
	return policy;

free:
	kfree(policy);
	kfree(tables);
	return ERR_PTR(err);
}

/**
 * secmap_policy_create_cbpf() - a policy object around a program
 * @filter: user space's struct sock_filter instructions
 * @len: how many, 1 ... SECMAP_LIMIT_INSNS
 * @name: SECMAP_NAME_LEN bytes
 * @why: where the reason of a refusal goes, or NULL
 *
 * Return: the object with one reference, or what secmap_program_create_cbpf() and
 * secmap_object_publish() say.
 */
struct secmap_policy *secmap_policy_create_cbpf(u64 filter, u16 len, const char *name,
						struct secmap_why *why)
{
	struct secmap_policy *policy;
	int err;

	policy = policy_alloc(0);
	if (!policy)
		return ERR_PTR(-ENOMEM);
	policy->program = secmap_program_create_cbpf(filter, len);
	if (IS_ERR(policy->program)) {
		err = secmap_refuse(why, PTR_ERR(policy->program),
				    "the kernel refuses the program");
		goto free;
	}
	err = secmap_object_publish(&policy->object, SECMAP_OBJECT_POLICY, name);
	if (!err)
		return policy;
	secmap_refuse(why, err, "too many policies, or no memory");
	secmap_program_free(policy->program);
free:
	kfree(policy);
	return ERR_PTR(err);
}

/**
 * secmap_policy_create_ebpf() - a policy object around an eBPF program
 * @spec: the program; the tables in it are filled in from @sets
 * @sets: spec->table_count tables, NULL where there is a map of bpf(2); a reference to each is
 *	taken
 * @name: SECMAP_NAME_LEN bytes
 * @why: where the reason of a refusal goes
 *
 * Return: the object with one reference, or what secmap_program_create_ebpf() and
 * secmap_object_publish() say.
 */
struct secmap_policy *secmap_policy_create_ebpf(struct secmap_program_spec *spec,
						struct secmap_set **sets, const char *name,
						struct secmap_why *why)
{
	u32 i, count = spec->table_count;
	const struct secmap_table **tables;
	struct secmap_policy *policy;
	int err;

	tables = kcalloc(max(count, 1U), sizeof(*tables), GFP_KERNEL);
	policy = policy_alloc(count);
	if (!tables || !policy) {
		err = secmap_refuse(why, -ENOMEM, "no memory");
		goto free;
	}
	for (i = 0; i < count; i++)
		tables[i] = sets[i] ? sets[i]->table : NULL;
	spec->tables = tables;
	policy->program = secmap_program_create_ebpf(spec, why);
	spec->tables = NULL;
	if (IS_ERR(policy->program)) {
		err = PTR_ERR(policy->program);
		goto free;
	}
	err = policy_publish(policy, sets, count, name);
	if (err) {
		secmap_refuse(why, err, "too many policies, or no memory");
		secmap_program_free(policy->program);
		goto free;
	}
	kfree(tables);
	return policy;

free:
	kfree(policy);
	kfree(tables);
	return ERR_PTR(err);
}

/* What SECCOMP_MODE_STRICT leaves: read, write, exit, and the return from a signal handler. */
static const struct secmap_abi_spec strict_abis[] = {
	{
		.abi = { .abi = SECMAP_ABI_X86_64,
			 .default_action = SECCOMP_RET_KILL_THREAD,
			 .newer_from = SECMAP_NEWER_NONE,
			 .allow_words = 1 },
		.allow = (const u64[]){ BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(15) | BIT_ULL(60) },
	},
	{
		.abi = { .abi = SECMAP_ABI_I386,
			 .default_action = SECCOMP_RET_KILL_THREAD,
			 .newer_from = SECMAP_NEWER_NONE,
			 .allow_words = 2 },
		.allow = (const u64[]){ BIT_ULL(3) | BIT_ULL(4) | BIT_ULL(1), BIT_ULL(119 - 64) },
	},
};

/* Return: a policy object that says what SECCOMP_MODE_STRICT does, or as secmap_policy_create(). */
struct secmap_policy *secmap_policy_create_strict(void)
{
	static const char name[SECMAP_NAME_LEN] = "strict";
	struct secmap_rules_spec spec = {
		.foreign_action = SECCOMP_RET_KILL_THREAD,
		.abi_count = ARRAY_SIZE(strict_abis),
		.abis = strict_abis,
	};

	return secmap_policy_create(&spec, NULL, name, NULL);
}

/* Return: a policy object that allows every call, for recorders, or as secmap_policy_create(). */
struct secmap_policy *secmap_policy_create_open(void)
{
	static const char name[SECMAP_NAME_LEN] = "recorder";
	static const struct secmap_abi_spec all = {
		.abi = { .abi = SECMAP_ABI_X86_64,
			 .default_action = SECCOMP_RET_ALLOW,
			 .newer_from = SECMAP_NEWER_NONE },
	};
	struct secmap_rules_spec spec = {
		.foreign_action = SECCOMP_RET_ALLOW,
		.abi_count = 1,
		.abis = &all,
	};

	return secmap_policy_create(&spec, NULL, name, NULL);
}

void secmap_policy_free(struct secmap_object *object)
{
	struct secmap_policy *policy = secmap_policy_of(object);

	WARN_ON_ONCE(atomic_read(&policy->stacks));
	if (policy->rules)
		secmap_rules_free(policy->rules);
	if (policy->program)
		secmap_program_free(policy->program);
	put_sets(policy->sets, policy->set_count);
	/* A grace period after the last stack: no probe counts. */
	secmap_stats_free(policy->stats);
	kfree(policy);
}

/**
 * secmap_policy_judge_counted() - what a policy says of a call, into its counters if it has any
 * @policy: the policy
 * @call: the call
 *
 * Context: in the probe. As secmap_policy_judge().
 * Return: SECCOMP_RET_* with its data.
 */
u32 secmap_policy_judge_counted(const struct secmap_policy *policy, const struct secmap_call *call)
{
	struct secmap_stats *counts = rcu_dereference_sched(policy->counts);
	struct secmap_verdict verdict = { .rule = SECMAP_RULE_PROGRAM };

	if (policy->rules)
		verdict = secmap_rules_eval_at(policy->rules, call->where, call->data.args);
	else
		verdict.action = secmap_program_run(policy->program, &call->data);
	if (counts)
		secmap_stats_add(counts, call->where.abi, verdict);
	return verdict.action;
}

/**
 * secmap_policy_constant() - is the action known whatever the arguments are?
 * @policy: the policy
 * @where: the call's ABI and number, below SECMAP_NR_MAX
 * @action: the action, if it is
 *
 * Return: whether it is.
 */
bool secmap_policy_constant(const struct secmap_policy *policy, struct secmap_where where,
			    u32 *action)
{
	if (policy->rules)
		return secmap_rules_constant(policy->rules, where, action);
	return secmap_program_constant(policy->program, where, action);
}

/**
 * secmap_policy_test() - ask a policy about a call that is not made
 * @policy: the policy
 * @call: the call
 *
 * Context: may sleep.
 * Return: the verdict.
 */
struct secmap_verdict secmap_policy_test(const struct secmap_policy *policy,
					 const struct seccomp_data *call)
{
	struct secmap_verdict verdict = { .rule = SECMAP_RULE_PROGRAM };

	if (policy->rules)
		return secmap_rules_eval(policy->rules, call);
	preempt_disable();
	verdict.action = secmap_program_run(policy->program, call);
	preempt_enable();
	return verdict;
}

/* Those of an unprivileged task of whoever made the object? */
static bool creds_are_plain(const struct cred *cred, const struct secmap_object *of)
{
	return uid_eq(cred->uid, of->uid) && uid_eq(cred->euid, of->uid) &&
	       uid_eq(cred->suid, of->uid) && gid_eq(cred->gid, of->gid) &&
	       gid_eq(cred->egid, of->gid) && gid_eq(cred->sgid, of->gid) &&
	       cap_isclear(cred->cap_permitted);
}

/**
 * secmap_policy_give() - note whether a policy is lent, when it is to be put on a task
 * @policy: the policy
 * @task: the current one, or a thread of its process with no_new_privs as the current one has it,
 *	and which does not execute anything meanwhile; NULL: another task
 *
 * To be called before there is a stack that may be carried. With no_new_privs execve() gives the
 * task, and what it creates, no privileges; without capabilities nothing else does, but for user
 * namespaces of its own. What it had before, and has not dropped but by name (a descriptor, a
 * secret), makes it one that its user may not trace: the kernel clears dumpable then.
 */
void secmap_policy_give(struct secmap_policy *policy, struct task_struct *task)
{
	bool plain =
		task && task_no_new_privs(current) && get_dumpable(current->mm) == SUID_DUMP_USER;

	if (plain) {
		rcu_read_lock();
		plain = creds_are_plain(__task_cred(task), &policy->object);
		rcu_read_unlock();
	}
	if (!plain)
		WRITE_ONCE(policy->lent, true);
}

static void describe_program(const struct secmap_policy *policy, struct secmap_policy_info *info)
{
	const struct secmap_program *program = policy->program;
	struct secmap_where where;
	u32 action;

	info->out_kind = secmap_program_is_ebpf(program) ? SECMAP_POLICY_EBPF : SECMAP_POLICY_CBPF;
	info->out_table_count = policy->set_count;
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

static void describe_rules(const struct secmap_policy *policy, struct secmap_policy_info *info)
{
	const struct secmap_rules_facts *facts = secmap_rules_facts(policy->rules);

	info->out_kind = SECMAP_POLICY_MAPS;
	info->out_foreign_action = facts->foreign_action;
	info->out_abis = facts->abis;
	info->out_table_count = policy->set_count;
	memcpy(info->out_allow_count, facts->allow_count, sizeof(info->out_allow_count));
	memcpy(info->out_rule_count, facts->rule_count, sizeof(info->out_rule_count));
	memcpy(info->out_cond_count, facts->cond_count, sizeof(info->out_cond_count));
	memcpy(info->out_default_action, facts->default_action, sizeof(info->out_default_action));
	info->out_actions = facts->actions;
	info->out_cost = facts->cost;
	info->out_bytes = facts->bytes;
}

/**
 * secmap_policy_describe() - fill in the outputs of POLICY_INFO
 * @policy: what is asked about
 * @info: where they go
 */
void secmap_policy_describe(const struct secmap_policy *policy, struct secmap_policy_info *info)
{
	const struct secmap_stats *stats = secmap_policy_stats(policy);

	if (policy->rules)
		describe_rules(policy, info);
	else
		describe_program(policy, info);
	info->out_id = policy->object.id;
	info->out_stacks = atomic_read(&policy->stacks);
	info->out_sealed = READ_ONCE(policy->sealed);
	info->out_counted = secmap_policy_is_counted(policy);
	info->out_uid = from_kuid_munged(current_user_ns(), policy->object.uid);
	info->out_bytes += struct_size(policy, sets, policy->set_count);
	if (stats)
		info->out_bytes += secmap_stats_bytes(stats);
	memcpy(info->out_name, policy->object.name, sizeof(info->out_name));
}
