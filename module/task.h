/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks: which one carries which stack. */
#ifndef _SECMAP_TASK_H
#define _SECMAP_TASK_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/task_work.h>

#include "stack.h"

#define SECMAP_TASK_BITS 14

/* What is to be done on a task's way back to user mode; see verdict.c. */
#define SECMAP_LATE_QUEUED 0 /* the work is in the task's list */
#define SECMAP_LATE_REFILL 1 /* the spare is gone */
#define SECMAP_LATE_LOG	   2
#define SECMAP_LATE_KILL   3
#define SECMAP_LATE_STATUS 4 /* the thread's status is to be SIGSYS, not that of exit() */

/**
 * struct secmap_carrier - a filtered task
 * @node: in a bucket; changed under its lock, read under RCU
 * @task: the key; a reference, so that it is not used again while the carrier is found
 * @stack: a reference; changed under the bucket's lock, read under RCU
 * @refs: one for being in the table, one for being queued
 * @late: SECMAP_LATE_* bits
 * @work: queued to @task while SECMAP_LATE_QUEUED is set
 * @rcu: frees the carrier, when @refs is 0 and so nothing is queued
 * @spare: a carrier for the next child. Touched by @task itself only, and by whoever
 *	drops the last reference
 * @nr: the call that @late is about, with @ip, @arch and @action; written and read by @task
 *
 * Kept over exec, by a thread that is not the leader too: the task structure stays.
 */
struct secmap_carrier {
	struct hlist_node node;
	struct task_struct *task;
	struct secmap_stack __rcu *stack;
	refcount_t refs;
	int nr;
	unsigned long late;
	union {
		struct callback_head work;
		struct rcu_head rcu;
	};
	struct secmap_carrier *spare;
	unsigned long ip;
	u32 arch;
	u32 action;
};

extern struct hlist_head secmap_tasks[1 << SECMAP_TASK_BITS];

/**
 * secmap_task_find() - the carrier of a task
 *
 * Context: under RCU (preemption off is enough); the result is valid until its end.
 * Return: the carrier, or NULL if the task is not filtered.
 */
static __always_inline struct secmap_carrier *secmap_task_find(const struct task_struct *task)
{
	struct secmap_carrier *carrier;

	hlist_for_each_entry_rcu(carrier, &secmap_tasks[hash_ptr(task, SECMAP_TASK_BITS)], node,
				 rcu_read_lock_any_held())
		if (carrier->task == task)
			return carrier;
	return NULL;
}

int __must_check secmap_task_attach(struct task_struct *task, struct secmap_policy *policy,
				    u32 *depth);
int __must_check secmap_task_detach(struct task_struct *task, u32 policy_id, u32 *depth);
struct secmap_stack *secmap_task_stack(struct task_struct *task);

/* In the probes. */
void secmap_task_inherit(struct task_struct *child);
void secmap_task_leave(void);

/* On the way back to user mode. */
bool secmap_task_later(struct secmap_carrier *carrier, unsigned int what);
void secmap_task_refill(struct secmap_carrier *carrier);

int __must_check secmap_task_list(struct secmap_task *to, u32 room, u64 *cursor, u32 *count);

int __init secmap_task_init(void);
void secmap_task_exit(void);

#endif
