/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks: which one carries which stack. */
#ifndef _SECMAP_TASK_H
#define _SECMAP_TASK_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched.h>

#include "carrier.h"
#include "stack.h"

#define SECMAP_TASK_BITS 14

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

int __must_check secmap_task_attach(struct task_struct *task, const struct secmap_entry *entry,
				    u32 *depth);
int __must_check secmap_task_detach(struct task_struct *task, u32 policy_id, u32 *depth);
int __must_check secmap_task_begin_phase(struct secmap_where where, bool succeeded);
u32 secmap_task_follow(void);
struct secmap_stack *secmap_task_stack(struct task_struct *task);

/* In sync.c. */
int __must_check secmap_task_sync(const struct secmap_entry *entry, u32 *depth, pid_t *stranger);

/* What changes a task's stack, for task.c and sync.c. */
raw_spinlock_t *secmap_task_lock(const struct task_struct *task);
struct mutex *secmap_task_mutex(const struct task_struct *task);
void secmap_task_insert(struct secmap_carrier *carrier, struct task_struct *task,
			struct secmap_stack *stack);
void secmap_task_set(struct secmap_carrier *carrier, struct secmap_stack *stack);
struct secmap_stack *secmap_task_stack_at(struct secmap_carrier *carrier, u64 time);
bool secmap_task_is_kernels(const struct task_struct *task);
bool secmap_task_is_stale(int *err);

/* In the probes. */
void secmap_task_inherit(struct task_struct *child);
void secmap_task_leave(void);
void secmap_task_flag(struct task_struct *task);

/* In task_list.c. */
int __must_check secmap_task_list(struct secmap_task *to, u32 room, u64 *cursor, u32 *count);
const struct secmap_carrier *secmap_task_next(u32 bucket, unsigned long after);
bool secmap_task_belongs(struct task_struct *task, struct pid_namespace *ns);

void __init secmap_task_init(void);

#endif
