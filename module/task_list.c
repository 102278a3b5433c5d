// SPDX-License-Identifier: GPL-2.0-only
/* The filtered tasks, as they are listed: bucket by bucket. */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>

#include "policy.h"
#include "task.h"

/* The tasks of one bucket. Return: how many there are, whether they fit or not. */
static u32 list_bucket(struct secmap_task *to, u32 room, u32 bucket)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct secmap_carrier *carrier;
	u32 count = 0;

	rcu_read_lock();
	hlist_for_each_entry_rcu(carrier, &secmap_tasks[bucket], node) {
		const struct secmap_stack *stack = rcu_dereference(carrier->stack);

		if (count++ >= room)
			continue;
		*to++ = (struct secmap_task){
			.tid = task_pid_nr_ns(carrier->task, ns),
			.tgid = task_tgid_nr_ns(carrier->task, ns),
			.depth = stack->depth,
			.top_id = stack->entries[stack->depth - 1].policy->object.id,
		};
	}
	rcu_read_unlock();
	return count;
}

/**
 * secmap_task_list() - some of the filtered tasks
 * @to: where they go
 * @room: how many fit, at least 1
 * @cursor: the next bucket; 0 to begin
 * @count: how many were written; 0 at the end
 *
 * A bucket is listed whole or not at all: a place in it would mean another task as soon as
 * one before it ends.
 *
 * Return: 0, or -ENOSPC if one bucket has more than @room.
 */
int secmap_task_list(struct secmap_task *to, u32 room, u64 *cursor, u32 *count)
{
	u64 bucket;

	*count = 0;
	for (bucket = *cursor; bucket < ARRAY_SIZE(secmap_tasks); bucket++) {
		u32 found = list_bucket(to + *count, room - *count, bucket);

		if (found > room)
			return -ENOSPC;
		if (found > room - *count)
			break;
		*count += found;
		cond_resched();
	}
	*cursor = bucket;
	return 0;
}

/**
 * secmap_task_next() - the filtered task behind another one in its bucket
 * @bucket: the bucket
 * @after: the other one, which may be gone, or 0 to begin
 *
 * They go by their addresses: so who is there all the time comes once, whoever comes and goes.
 *
 * Context: under RCU.
 * Return: its carrier, or NULL: there is no other one.
 */
const struct secmap_carrier *secmap_task_next(u32 bucket, unsigned long after)
{
	const struct secmap_carrier *carrier, *next = NULL;

	hlist_for_each_entry_rcu(carrier, &secmap_tasks[bucket], node)
		if ((unsigned long)carrier->task > after && (!next || carrier->task < next->task))
			next = carrier;
	return next;
}

/**
 * secmap_task_belongs() - may who is privileged in a pid namespace know of a task?
 * @task: the task
 * @ns: the namespace; what counts is to be privileged in the user namespace that owns it
 *
 * A task that has entered it, with more rights than those of that user namespace, has a pid there
 * and is none of its business.
 *
 * Return: whether he may.
 */
bool secmap_task_belongs(struct task_struct *task, struct pid_namespace *ns)
{
	const struct user_namespace *of;

	if (!task_pid_nr_ns(task, ns))
		return false;
	rcu_read_lock();
	of = __task_cred(task)->user_ns;
	while (of->level > ns->user_ns->level)
		of = of->parent;
	rcu_read_unlock();
	return of == ns->user_ns;
}
