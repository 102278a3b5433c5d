// SPDX-License-Identifier: GPL-2.0-only
/*
 * Update: each policy that looks into the set gets another body, over what is to be in it; each
 * stack that holds one of these policies a successor. Then it goes on as a replacement (replace.c):
 * a call reads the one stack or the other, so everything that it asks knows the same version of the
 * table.
 */
#include "update.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "policy.h"
#include "replace.h"
#include "set.h"
#include "stack.h"

/**
 * struct update - a set that is being changed
 * @set: the set
 * @was: what is in it; afterwards dropped
 * @to: what is to be in it; a reference until it is there
 * @swaps: the policies that look into it, with a reference to each
 * @count: of @swaps
 */
struct update {
	struct secmap_set *set;
	struct secmap_contents *was;
	struct secmap_contents *to;
	struct secmap_swap *swaps;
	u32 count;
};

static bool looks_into(const struct secmap_policy *policy, const struct secmap_set *set)
{
	u32 i;

	for (i = 0; i < policy->set_count; i++)
		if (policy->sets[i] == set)
			return true;
	return false;
}

/*
 * None comes meanwhile. One that has no reference any more is in no stack. Return: 0, -EINTR or
 * -ENOMEM.
 */
static int find_policies(struct update *update)
{
	u32 id = 0, room = atomic_read(&update->set->policies);
	struct secmap_policy *policy;

	update->swaps = kvcalloc(max(room, 1U), sizeof(*update->swaps), GFP_KERNEL_ACCOUNT);
	if (!update->swaps)
		return -ENOMEM;
	while (update->count < room && (id = secmap_object_next_id(id, SECMAP_OBJECT_POLICY))) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		policy = secmap_policy_of(secmap_object_by_id(id, SECMAP_OBJECT_POLICY));
		if (IS_ERR(policy))
			continue;
		if (looks_into(policy, update->set))
			update->swaps[update->count++] = (struct secmap_swap){
				.from = policy,
				.to = policy,
				.counts = rcu_access_pointer(policy->counts),
			};
		else
			secmap_policy_put(policy);
	}
	return 0;
}

/* Nothing that is sealed may say something else afterwards. */
static int check_sealed(const struct update *update, struct secmap_why *why)
{
	u32 i;

	if (update->set->sealed)
		return secmap_refuse(why, -EPERM, "table %u is sealed", update->set->object.id);
	for (i = 0; i < update->count; i++)
		if (update->swaps[i].from->sealed)
			return secmap_refuse(why, -EPERM,
					     "policy %u, which looks into table %u, is sealed",
					     update->swaps[i].from->object.id,
					     update->set->object.id);
	return 0;
}

/* Return: 0, or what secmap_table_create_changed() says. */
static int build_contents(struct update *update, const struct secmap_table_change *change,
			  struct secmap_why *why)
{
	struct secmap_contents *to;
	struct secmap_table *table;

	table = secmap_table_create_changed(update->was->table, update->set->max_entries, change,
					    why);
	if (IS_ERR(table))
		return PTR_ERR(table);
	to = secmap_contents_create(table);
	if (IS_ERR(to))
		return secmap_refuse(why, PTR_ERR(to), "no memory");
	update->to = to;
	return 0;
}

/* What each policy says then. Return: 0, -EINTR or -ENOMEM. */
static int build_bodies(const struct update *update, struct secmap_why *why)
{
	u32 i;

	for (i = 0; i < update->count; i++) {
		struct secmap_swap *swap = &update->swaps[i];
		struct secmap_body *body, *was;

		if (fatal_signal_pending(current))
			return -EINTR;
		was = secmap_policy_body(swap->from);
		body = secmap_body_changed(was, update->was, update->to, why);
		secmap_body_put(was);
		if (IS_ERR(body))
			return PTR_ERR(body);
		swap->body = body;
		cond_resched();
	}
	return 0;
}

/* Context: with secmap_replacing_lock() and secmap_sets_begin_change(). */
static int carry_out(struct update *update, const struct secmap_table_change *change,
		     bool may_loosen, struct secmap_table_update *record, struct secmap_why *why)
{
	struct secmap_set *set = update->set;
	struct secmap_change stacks;
	int err;

	if (atomic_read(&set->policies) && !may_loosen)
		return secmap_refuse(why, -EPERM,
				     "policies look into table %u: this is for administrators",
				     set->object.id);
	update->was = rcu_dereference_protected(set->contents, true);
	err = find_policies(update);
	err = err ?: check_sealed(update, why);
	err = err ?: build_contents(update, change, why);
	err = err ?: build_bodies(update, why);
	if (err)
		return err;
	stacks = (struct secmap_change){ .swaps = update->swaps, .count = update->count };
	if (update->count)
		err = secmap_carry_out(&stacks, &record->out_tasks, &record->out_stacks);
	if (err)
		return err;
	record->out_entries = secmap_table_count(update->to->table);
	record->out_policies = update->count;
	rcu_assign_pointer(set->contents, update->to);
	update->to = update->was;
	return 0;
}

/* What has not come about, or was there before. */
static void drop(struct update *update)
{
	u32 i;

	for (i = 0; i < update->count; i++) {
		secmap_body_put(update->swaps[i].body);
		secmap_policy_put(update->swaps[i].from);
		cond_resched();
	}
	kvfree(update->swaps);
	secmap_contents_put(update->to);
}

/**
 * secmap_update() - change what is in a set
 * @set: the set
 * @change: what is to be different
 * @may_loosen: may policies of others say something else for it?
 * @record: where it is told what has been changed
 * @why: where the reason of a refusal goes
 *
 * Context: may sleep.
 * Return: 0, and no call is decided by what was in it any more; or
 * * -EPERM: it is sealed, or a policy that looks into it; or there is one, and not @may_loosen
 * * -EEXIST, -ENOENT, -ENOSPC, -EINVAL: as secmap_table_create_changed()
 * * -EINTR: a fatal signal
 * * -ENOMEM
 * Nothing has changed then, for any task.
 */
int secmap_update(struct secmap_set *set, const struct secmap_table_change *change, bool may_loosen,
		  struct secmap_table_update *record, struct secmap_why *why)
{
	struct update update = { .set = set };
	int err;

	err = secmap_replacing_lock(may_loosen);
	if (err)
		return err;
	err = secmap_sets_begin_change();
	if (!err) {
		err = carry_out(&update, change, may_loosen, record, why);
		secmap_sets_end_change();
	}
	secmap_replacing_unlock(may_loosen);
	/* For calls that had begun, and for who is just taking a reference to what was. */
	if (!err)
		secmap_wait_for_calls(may_loosen);
	drop(&update);
	return err;
}
