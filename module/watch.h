/* SPDX-License-Identifier: GPL-2.0-only */
/* Watchers: who hears of verdicts other than ALLOW, as they happen. */
#ifndef _SECMAP_WATCH_H
#define _SECMAP_WATCH_H

#include <linux/jump_label_ratelimit.h>
#include <linux/list.h>
#include <linux/seccomp.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct net;
struct pid_namespace;

/**
 * struct secmap_event - a verdict on a call of the current task
 * @call: the call
 * @has_args: whether its arguments are known
 * @action: SECCOMP_RET_* with its data
 * @policy: id of the policy whose verdict it is
 * @time: CLOCK_MONOTONIC, ns
 * @cgroup: id of the task's
 * @suppressed: of how many the policy has not told
 */
struct secmap_event {
	struct seccomp_data call;
	bool has_args;
	u32 action;
	u32 policy;
	u64 time;
	u64 cgroup;
	u64 suppressed;
};

/**
 * struct secmap_watcher - a socket that hears of verdicts
 * @all: in the list of all
 * @net: where the socket is; it stays for as long as the socket does
 * @portid: the socket's address
 * @policy: id of the only policy that is of interest; 0: all are
 * @ns: tasks that have no pid in it are none of the watcher's business; a reference
 * @sequence: of its last event
 * @lost: how many did not fit into its socket
 */
struct secmap_watcher {
	struct list_head all;
	struct net *net;
	u32 portid;
	u32 policy;
	struct pid_namespace *ns;
	u64 sequence;
	u64 lost;
};

/**
 * struct secmap_rate - how much a policy may tell
 * @lock: of the others
 * @second: CLOCK_MONOTONIC
 * @told: how many verdicts in this second
 * @suppressed: how many there were too many, ever
 */
struct secmap_rate {
	spinlock_t lock; /* of the others */
	time64_t second;
	u32 told;
	u64 suppressed;
};

extern struct static_key_false_deferred secmap_watched;

/* Is there any watcher? Costs nothing while there is none. */
static __always_inline bool secmap_watch_wanted(void)
{
	return static_branch_unlikely(&secmap_watched.key);
}

void secmap_rate_init(struct secmap_rate *rate);

void secmap_watch_tell(struct secmap_event *event);
int __must_check secmap_watch_add(struct net *net, u32 portid, u32 policy,
				  struct pid_namespace *ns);
int secmap_watch_remove(const struct net *net, u32 portid);
void secmap_watch_exit(void);

#endif
