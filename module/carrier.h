/* SPDX-License-Identifier: GPL-2.0-only */
/* Carriers: what is kept for a filtered task. */
#ifndef _SECMAP_CARRIER_H
#define _SECMAP_CARRIER_H

#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/task_work.h>
#include <linux/types.h>

struct secmap_listener;
struct secmap_stack;

/* What is to be done on a task's way back to user mode; see verdict.c. */
#define SECMAP_LATE_QUEUED 0 /* the work is in the task's list */
#define SECMAP_LATE_REFILL 1 /* the spare is gone */
#define SECMAP_LATE_LOG	   2 /* by itself, or with one of the others */
#define SECMAP_LATE_KILL   3
#define SECMAP_LATE_STATUS 4 /* the thread's status is not to be that of exit() */
#define SECMAP_LATE_TRAP   5
#define SECMAP_LATE_NOTIFY 6
#define SECMAP_LATE_PERMIT 7  /* nothing to be done: the next call may be @permit's */
#define SECMAP_LATE_STRICT 8  /* with SECMAP_LATE_STATUS: as SECMAP_ATTACH_STRICT */
#define SECMAP_LATE_I386   9  /* with any: the call's ABI; execve() may change the task's */
#define SECMAP_LATE_TELL   10 /* by itself, or with any: watchers */
#define SECMAP_LATE_RAN	   11 /* with LOG, TELL: the call was not denied: SECMAP_ATTACH_COMPLAIN */
#define SECMAP_LATE_PHASE  12 /* the call, when it has been made, may begin a phase */

/* With SECMAP_LATE_TELL: in the upper half of the same word is the id of whose verdict it is. */
#define SECMAP_LATE_POLICY_SHIFT 32

/**
 * struct secmap_permit - a supervisor lets a call run, while SECMAP_LATE_PERMIT is set
 * @data: exactly this one, made again
 * @exec_id: by the program that made it
 * @listener: secmap_listener_id() of whose supervisor
 */
struct secmap_permit {
	struct seccomp_data data;
	u64 exec_id;
	u64 listener;
};

/**
 * struct secmap_carrier - a filtered task
 * @node: in a bucket; changed under its lock, read under RCU
 * @task: the key; a reference, so that it is not used again while the carrier is found
 * @stack: a reference; changed under the bucket's lock, read under RCU
 * @refs: one for being in the table, one for being queued
 * @action: of the call that @late is about; written and read by @task, as @number
 * @late: SECMAP_LATE_* bits
 * @work: queued to @task while SECMAP_LATE_QUEUED is set
 * @rcu: frees the carrier, when @refs is 0 and so nothing is queued
 * @spare: a carrier for the next child. Touched by @task itself only, and by whoever
 *	drops the last reference
 * @number: of that call, all of the register
 * @ip: of that call, which may have been execve() or rt_sigreturn(); not with SECMAP_LATE_NOTIFY,
 *	for then the call has not run
 * @listener: whom to ask; a reference while SECMAP_LATE_NOTIFY is set
 * @permit: the last one, or NULL
 *
 * Kept over exec, by a thread that is not the leader too: the task structure stays.
 */
struct secmap_carrier {
	struct hlist_node node;
	struct task_struct *task;
	struct secmap_stack __rcu *stack;
	refcount_t refs;
	u32 action;
	unsigned long late;
	union {
		struct callback_head work;
		struct rcu_head rcu;
	};
	struct secmap_carrier *spare;
	unsigned long number;
	union {
		unsigned long ip;
		struct secmap_listener *listener;
	};
	struct secmap_permit *permit;
};

/* A filtered task keeps two: itself and its spare. */
static_assert(sizeof(struct secmap_carrier) <= 96);

struct secmap_carrier *secmap_carrier_alloc(gfp_t gfp);
void secmap_carrier_free(struct secmap_carrier *carrier);
void secmap_carrier_put(struct secmap_carrier *carrier);
void secmap_carrier_refill(struct secmap_carrier *carrier);
bool secmap_carrier_later(struct secmap_carrier *carrier, unsigned int what);

int __init secmap_carrier_init(void);
void secmap_carrier_exit(void);

#endif
