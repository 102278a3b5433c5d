/* SPDX-License-Identifier: GPL-2.0-only */
/* Watchers: who hears of verdicts other than ALLOW, as they happen. */
#ifndef _SECMAP_WATCH_H
#define _SECMAP_WATCH_H

#include <linux/jump_label_ratelimit.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/seccomp.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct net;
struct pid;
struct pid_namespace;
struct sock;

/**
 * struct secmap_event - a verdict on a call of the current task
 * @call: the call
 * @has_args: whether its arguments are known
 * @has_rule: whether @rule is known; filled in where somebody is told
 * @complains: the call runs all the same, see SECMAP_ATTACH_COMPLAIN
 * @action: SECCOMP_RET_* with its data
 * @policy: id of the policy whose verdict it is
 * @rule: what of that decided: SECMAP_RULE_*, or the index of a rule
 * @time: CLOCK_MONOTONIC, ns
 * @cgroup: id of the task's
 */
struct secmap_event {
	struct seccomp_data call;
	bool has_args;
	bool has_rule;
	bool complains;
	u32 action;
	u32 policy;
	u32 rule;
	u64 time;
	u64 cgroup;
};

/**
 * struct secmap_watcher - a socket that hears of verdicts
 * @all: in the list of all
 * @rcu: frees it, when nobody goes through the list any more who has seen it there
 * @sk: the socket; a reference
 * @portid: its address
 * @policy: id of the only policy that is of interest; 0: all are
 * @ns: tasks that have no pid in it are none of the watcher's business; a reference
 * @process: hears nothing of itself, or each look at an event could be the next one; a reference
 * @uid: who it is
 * @lock: of the rest; held while an event is sent, so that they come in order
 * @gone: it watches no more
 * @sequence: of its last event
 * @lost: how many could not be sent: its socket was full
 * @suppressed: how many were not sent: their policies had told enough
 */
struct secmap_watcher {
	struct list_head all;
	struct rcu_head rcu;
	struct sock *sk;
	u32 portid;
	u32 policy;
	struct pid_namespace *ns;
	struct pid *process;
	kuid_t uid;
	struct mutex lock; /* of the rest */
	bool gone;
	u64 sequence;
	u64 lost;
	u64 suppressed;
};

/**
 * struct secmap_rate - how much a policy may tell
 * @lock: of the others
 * @second: CLOCK_MONOTONIC
 * @told: how many verdicts in this second
 */
struct secmap_rate {
	spinlock_t lock; /* of the others */
	time64_t second;
	u32 told;
};

extern struct static_key_false_deferred secmap_watched;

/* Does anybody watch, or trace verdicts? Costs nothing while there is none. */
static __always_inline bool secmap_watch_wanted(void)
{
	return static_branch_unlikely(&secmap_watched.key);
}

void secmap_rate_init(struct secmap_rate *rate);

/* For trace.h: somebody traces verdicts, or does so no more. */
int secmap_watch_trace(void);
void secmap_watch_untrace(void);

void secmap_watch_tell(struct secmap_event *event);
int __must_check secmap_watch_add(struct sock *sk, u32 portid, u32 policy,
				  struct pid_namespace *ns);
int secmap_watch_remove(const struct sock *sk);
void secmap_watch_forget(const struct net *net, u32 portid);
void secmap_watch_exit(void);

#endif
