// SPDX-License-Identifier: GPL-2.0-only
/* Attributes: what a netlink message says of a policy, a table, a task, a counter. */
#include "attributes.h"

#include <linux/bits.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>
#include <secmap/secmap_netlink.h>

#include "carrier.h"
#include "policy.h"
#include "stack.h"
#include "set.h"

/* Both have them in the same place. */
static_assert((int)SECMAP_A_POLICY_ID == (int)SECMAP_A_TABLE_ID);
static_assert((int)SECMAP_A_POLICY_NAME == (int)SECMAP_A_TABLE_NAME);
static_assert((int)SECMAP_A_POLICY_UID == (int)SECMAP_A_TABLE_UID);

static int put_identity(struct sk_buff *skb, const struct secmap_object *object)
{
	uid_t uid = from_kuid(&init_user_ns, object->uid);

	return nla_put_u32(skb, SECMAP_A_POLICY_ID, object->id)		       ?:
		       nla_put_string(skb, SECMAP_A_POLICY_NAME, object->name) ?:
		       nla_put_u32(skb, SECMAP_A_POLICY_UID, uid);
}

static int put_section(struct sk_buff *skb, const struct secmap_policy_info *info, u32 abi)
{
	u32 action = info->out_default_action[abi];

	return nla_put_u32(skb, SECMAP_A_ABI_RULE_COUNT, info->out_rule_count[abi])	    ?:
		       nla_put_u32(skb, SECMAP_A_ABI_COND_COUNT, info->out_cond_count[abi]) ?:
		       nla_put_u32(skb, SECMAP_A_ABI_DEFAULT_ACTION, action);
}

/* What a policy says of one ABI; of a program it is known only what it allows. */
static int put_abi(struct sk_buff *skb, const struct secmap_policy_info *info, u32 abi)
{
	struct nlattr *nest = nla_nest_start(skb, SECMAP_A_POLICY_ABI);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, SECMAP_A_ABI_ID, abi) ?:
		      nla_put_u32(skb, SECMAP_A_ABI_ALLOW_COUNT, info->out_allow_count[abi]);
	if (!err && info->out_kind == SECMAP_POLICY_MAPS)
		err = put_section(skb, info, abi);
	nla_nest_end(skb, nest);
	return err;
}

/* What only one kind of policies has. */
static int put_kind(struct sk_buff *skb, const struct secmap_policy_info *info)
{
	bool maps = info->out_kind == SECMAP_POLICY_MAPS;
	u32 abi;
	int err;

	if (maps)
		err = nla_put_u32(skb, SECMAP_A_POLICY_FOREIGN_ACTION, info->out_foreign_action);
	else
		err = nla_put_u32(skb, SECMAP_A_POLICY_FILTER_LEN, info->out_filter_len) ?:
			      nla_put_u32(skb, SECMAP_A_POLICY_INSNS, info->out_insns);
	for (abi = 0; abi < SECMAP_ABI_COUNT && !err; abi++)
		if (!maps || info->out_abis & BIT(abi))
			err = put_abi(skb, info, abi);
	return err;
}

int secmap_put_policy(struct sk_buff *skb, const void *what)
{
	const struct secmap_policy *policy = container_of(what, struct secmap_policy, object);
	struct secmap_policy_info info = {};
	int err = put_identity(skb, &policy->object);

	secmap_policy_describe(policy, &info);
	if (!err && info.out_sealed)
		err = nla_put_flag(skb, SECMAP_A_POLICY_SEALED);
	if (!err && info.out_counted)
		err = nla_put_flag(skb, SECMAP_A_POLICY_COUNTED);
	if (!err)
		err = nla_put_u64_64bit(skb, SECMAP_A_POLICY_BYTES, info.out_bytes,
					SECMAP_A_POLICY_PAD);
	return err									   ?:
		       nla_put_u32(skb, SECMAP_A_POLICY_KIND, info.out_kind)		   ?:
		       nla_put_u32(skb, SECMAP_A_POLICY_STACKS, info.out_stacks)	   ?:
		       nla_put_u32(skb, SECMAP_A_POLICY_COST, info.out_cost)		   ?:
		       nla_put_u32(skb, SECMAP_A_POLICY_ACTIONS, info.out_actions)	   ?:
		       nla_put_u32(skb, SECMAP_A_POLICY_TABLE_COUNT, info.out_table_count) ?:
		       put_kind(skb, &info);
}

int secmap_put_table(struct sk_buff *skb, const void *what)
{
	const struct secmap_set *set = container_of(what, struct secmap_set, object);
	struct secmap_table_info info = {};
	int err = put_identity(skb, &set->object);

	secmap_set_describe(set, &info);
	if (!err && info.out_sealed)
		err = nla_put_flag(skb, SECMAP_A_TABLE_SEALED);
	if (!err)
		err = nla_put_u64_64bit(skb, SECMAP_A_TABLE_BYTES, info.out_bytes,
					SECMAP_A_TABLE_PAD);
	return err									  ?:
		       nla_put_u32(skb, SECMAP_A_TABLE_TYPE, info.out_type)		  ?:
		       nla_put_u32(skb, SECMAP_A_TABLE_MAX_ENTRIES, info.out_max_entries) ?:
		       nla_put_u32(skb, SECMAP_A_TABLE_COUNT, info.out_count)		  ?:
		       nla_put_u32(skb, SECMAP_A_TABLE_POLICIES, info.out_policies);
}

static int put_entry(struct sk_buff *skb, const struct secmap_entry *entry)
{
	struct nlattr *nest = nla_nest_start(skb, SECMAP_A_TASK_ENTRY);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, SECMAP_A_ENTRY_POLICY, entry->policy->object.id) ?:
		      nla_put_u32(skb, SECMAP_A_ENTRY_FLAGS, entry->flags);
	if (!err && entry->listener)
		err = nla_put_flag(skb, SECMAP_A_ENTRY_LISTENER);
	if (!err && entry->recorder)
		err = nla_put_flag(skb, SECMAP_A_ENTRY_RECORDER);
	if (!err && entry->phase)
		err = nla_put_flag(skb, SECMAP_A_ENTRY_WAITING);
	nla_nest_end(skb, nest);
	return err;
}

/*
 * Some 2 KiB at most: it fits into a piece of a dump.
 * Return: 0, -EMSGSIZE, or -ENOENT: it is ending, and has no id any more.
 */
int secmap_put_task(struct sk_buff *skb, const void *what)
{
	const struct secmap_seen *seen = what;
	const struct secmap_stack *stack = rcu_dereference(seen->carrier->stack);
	struct task_struct *task = seen->carrier->task;
	pid_t tid = task_pid_nr_ns(task, seen->ns);
	char comm[TASK_COMM_LEN];
	u32 i;
	int err;

	if (!tid)
		return -ENOENT;
	get_task_comm(comm, task);
	err = nla_put_u32(skb, SECMAP_A_TASK_PID, task_tgid_nr_ns(task, seen->ns)) ?:
		      nla_put_u32(skb, SECMAP_A_TASK_TID, tid)			   ?:
		      nla_put_string(skb, SECMAP_A_TASK_COMM, comm);
	for (i = 0; i < stack->depth && !err; i++)
		err = put_entry(skb, &stack->entries[i]);
	return err;
}

int secmap_put_count(struct sk_buff *skb, const void *what)
{
	const struct secmap_counted *counted = what;
	const struct secmap_count *count = &counted->count;
	int err = nla_put_u32(skb, SECMAP_A_STATS_POLICY, counted->policy->object.id);

	if (!err && count->nr != SECMAP_NR_NONE)
		err = nla_put_u32(skb, SECMAP_A_STATS_NR, count->nr);
	if (!err && counted->cpu != SECMAP_STATS_SUM)
		err = nla_put_u32(skb, SECMAP_A_STATS_CPU, counted->cpu);
	return err							      ?:
		       nla_put_u32(skb, SECMAP_A_STATS_ABI, count->abi)	      ?:
		       nla_put_u32(skb, SECMAP_A_STATS_RULE, count->rule)     ?:
		       nla_put_u32(skb, SECMAP_A_STATS_ACTION, count->action) ?:
		       nla_put_u64_64bit(skb, SECMAP_A_STATS_COUNT, count->count,
					 SECMAP_A_STATS_PAD);
}
