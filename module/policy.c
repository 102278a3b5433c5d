// SPDX-License-Identifier: GPL-2.0-only
/* Policies and tables as objects: create, describe, free. */
#include "policy.h"

#include <linux/cred.h>
#include <linux/user_namespace.h>

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
	policy = kzalloc(struct_size(policy, sets, count), GFP_KERNEL_ACCOUNT);
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
	policy->set_count = count;
	for (i = 0; i < count; i++) {
		policy->sets[i] = sets[i];
		secmap_object_get(&sets[i]->object);
	}
	err = secmap_object_publish(&policy->object, SECMAP_OBJECT_POLICY, name);
	if (err) {
		secmap_refuse(why, err, "too many policies, or no memory");
		goto put_sets;
	}
	kfree(tables);
	return policy;

put_sets:
	for (i = 0; i < count; i++)
		secmap_object_put(&sets[i]->object);
	secmap_rules_free(policy->rules);
free:
	kfree(policy);
	kfree(tables);
	return ERR_PTR(err);
}

void secmap_policy_free(struct secmap_object *object)
{
	struct secmap_policy *policy = secmap_policy_of(object);
	u32 i;

	WARN_ON_ONCE(atomic_read(&policy->stacks));
	secmap_rules_free(policy->rules);
	for (i = 0; i < policy->set_count; i++)
		secmap_object_put(&policy->sets[i]->object);
	kfree(policy);
}

/**
 * secmap_policy_describe() - fill in the outputs of POLICY_INFO
 * @policy: what is asked about
 * @info: where they go
 */
void secmap_policy_describe(const struct secmap_policy *policy, struct secmap_policy_info *info)
{
	const struct secmap_rules_facts *facts = secmap_rules_facts(policy->rules);

	info->out_kind = SECMAP_POLICY_MAPS;
	info->out_id = policy->object.id;
	info->out_foreign_action = facts->foreign_action;
	info->out_abis = facts->abis;
	info->out_table_count = policy->set_count;
	memcpy(info->out_allow_count, facts->allow_count, sizeof(info->out_allow_count));
	memcpy(info->out_rule_count, facts->rule_count, sizeof(info->out_rule_count));
	memcpy(info->out_cond_count, facts->cond_count, sizeof(info->out_cond_count));
	memcpy(info->out_default_action, facts->default_action, sizeof(info->out_default_action));
	info->out_actions = facts->actions;
	info->out_cost = facts->cost;
	info->out_stacks = atomic_read(&policy->stacks);
	info->out_uid = from_kuid_munged(current_user_ns(), policy->object.uid);
	info->out_bytes = facts->bytes + struct_size(policy, sets, policy->set_count);
	memcpy(info->out_name, policy->object.name, sizeof(info->out_name));
}
