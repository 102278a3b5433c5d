// SPDX-License-Identifier: GPL-2.0-only
/* Policies as objects: create, describe, free. */
#include "policy.h"

#include <linux/cred.h>
#include <linux/sched/coredump.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "verdict.h"

/* Is a set that may be named several times named here for the first time? */
static bool is_first(const struct secmap_policy *policy, u32 place)
{
	u32 i;

	for (i = 0; i < place; i++)
		if (policy->sets[i] == policy->sets[place])
			return false;
	return true;
}

static void put_sets(const struct secmap_policy *policy)
{
	u32 i;

	for (i = 0; i < policy->set_count; i++) {
		if (!policy->sets[i])
			continue;
		if (is_first(policy, i))
			atomic_dec(&policy->sets[i]->policies);
		secmap_set_put(policy->sets[i]);
	}
}

/* With a reference to each set; the body's goes over, on failure too. */
static struct secmap_policy *policy_publish(struct secmap_body *body, struct secmap_set **sets,
					    const char *name, struct secmap_why *why)
{
	struct secmap_policy *policy;
	int err = -ENOMEM;
	u32 i;

	if (IS_ERR(body))
		return ERR_CAST(body);
	policy = kzalloc(struct_size(policy, sets, body->count), GFP_KERNEL_ACCOUNT);
	if (!policy)
		goto refuse;
	secmap_rate_init(&policy->rate);
	RCU_INIT_POINTER(policy->body, body);
	policy->set_count = body->count;
	for (i = 0; i < body->count; i++) {
		policy->sets[i] = sets[i];
		if (!sets[i])
			continue;
		secmap_object_get(&sets[i]->object);
		if (is_first(policy, i))
			atomic_inc(&sets[i]->policies);
	}
	err = secmap_object_publish(&policy->object, SECMAP_OBJECT_POLICY, name);
	if (!err)
		return policy;
	put_sets(policy);
	kfree(policy);
refuse:
	secmap_body_put(body);
	return ERR_PTR(secmap_refuse(why, err, "too many policies, or no memory"));
}

/**
 * secmap_policy_create() - a policy object
 * @spec: its rules; the tables in it are filled in from @sets
 * @sets: spec->table_count tables; a reference to each is taken
 * @name: SECMAP_NAME_LEN bytes
 * @why: where the reason of a refusal goes
 *
 * Return: the object with one reference, or what secmap_body_of_rules() and
 * secmap_object_publish() say, or -EINTR: a fatal signal.
 */
struct secmap_policy *secmap_policy_create(struct secmap_rules_spec *spec, struct secmap_set **sets,
					   const char *name, struct secmap_why *why)
{
	struct secmap_policy *policy;

	if (!spec->table_count)
		return policy_publish(secmap_body_of_rules(spec, NULL, why), NULL, name, why);
	if (secmap_sets_keep())
		return ERR_PTR(-EINTR);
	policy = policy_publish(secmap_body_of_rules(spec, sets, why), sets, name, why);
	secmap_sets_release();
	return policy;
}

/**
 * secmap_policy_create_cbpf() - a policy object around a program
 * @filter: user space's struct sock_filter instructions
 * @len: how many, 1 ... SECMAP_LIMIT_INSNS
 * @name: SECMAP_NAME_LEN bytes
 * @why: where the reason of a refusal goes, or NULL
 *
 * Return: the object with one reference, or what secmap_body_of_cbpf() and
 * secmap_object_publish() say.
 */
struct secmap_policy *secmap_policy_create_cbpf(u64 filter, u16 len, const char *name,
						struct secmap_why *why)
{
	return policy_publish(secmap_body_of_cbpf(filter, len, why), NULL, name, why);
}

/**
 * secmap_policy_create_ebpf() - a policy object around an eBPF program
 * @spec: the program; the tables in it are filled in from @sets
 * @sets: spec->table_count tables, NULL where there is a map of bpf(2); a reference to each is
 *	taken
 * @name: SECMAP_NAME_LEN bytes
 * @why: where the reason of a refusal goes
 *
 * Return: the object with one reference, or what secmap_body_of_ebpf() and
 * secmap_object_publish() say, or -EINTR: a fatal signal.
 */
struct secmap_policy *secmap_policy_create_ebpf(struct secmap_program_spec *spec,
						struct secmap_set **sets, const char *name,
						struct secmap_why *why)
{
	struct secmap_policy *policy;

	if (secmap_sets_keep())
		return ERR_PTR(-EINTR);
	policy = policy_publish(secmap_body_of_ebpf(spec, sets, why), sets, name, why);
	secmap_sets_release();
	return policy;
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
	secmap_body_put(rcu_dereference_protected(policy->body, true));
	put_sets(policy);
	/* A grace period after the last stack: no probe counts. */
	secmap_stats_free(policy->stats);
	kfree(policy);
}

/* What it says now: a reference. */
struct secmap_body *secmap_policy_body(const struct secmap_policy *policy)
{
	struct secmap_body *body;

	rcu_read_lock();
	body = secmap_body_get(rcu_dereference(policy->body));
	rcu_read_unlock();
	return body;
}

/**
 * secmap_policy_judge_counted() - what a policy says of a call, into its counters if it has any
 * @policy: the policy
 * @body: what it says in this stack
 * @call: the call
 *
 * Context: in the probe. As secmap_body_judge().
 * Return: SECCOMP_RET_* with its data.
 */
u32 secmap_policy_judge_counted(const struct secmap_policy *policy, const struct secmap_body *body,
				const struct secmap_call *call)
{
	struct secmap_stats *counts = rcu_dereference_sched(policy->counts);
	struct secmap_verdict verdict = { .rule = SECMAP_RULE_PROGRAM };

	if (body->rules)
		verdict = secmap_rules_eval_at(body->rules, call->where, call->data.args);
	else
		verdict.action = secmap_program_run(body->program, &call->data);
	if (counts)
		secmap_stats_add(counts, call->where.abi, verdict);
	return verdict.action;
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

/**
 * secmap_policy_describe() - fill in the outputs of POLICY_INFO
 * @policy: what is asked about
 * @info: where they go
 */
void secmap_policy_describe(const struct secmap_policy *policy, struct secmap_policy_info *info)
{
	const struct secmap_stats *stats = secmap_policy_stats(policy);
	struct secmap_body *body = secmap_policy_body(policy);

	secmap_body_describe(body, info);
	secmap_body_put(body);
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
