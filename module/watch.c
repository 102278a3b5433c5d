// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watchers: who they are, what each has heard of, and how much a policy may tell them.
 *
 * A verdict is told from process context, on the task's way back to user mode (verdict.c). The
 * mutex keeps each watcher's events in their order. Nobody waits for a watcher while holding it:
 * what does not fit into a socket is lost.
 */
#include "watch.h"

#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "limits.h"
#include "netlink.h"
#include "policy.h"

static unsigned int events_rate = 1000;
module_param(events_rate, uint, 0644);
MODULE_PARM_DESC(events_rate,
		 "Verdicts a second that each policy tells watchers of (default: 1000; 0: all)");

/* Who watches for a moment now and then must not have the kernel patched each time. */
DEFINE_STATIC_KEY_DEFERRED_FALSE(secmap_watched, HZ);

static LIST_HEAD(watchers);
static u32 watcher_count;
static DEFINE_MUTEX(watchers_lock);

void secmap_rate_init(struct secmap_rate *rate)
{
	spin_lock_init(&rate->lock);
}

/* May one more verdict be told? @suppressed: how many may not, up to now. */
static bool rate_allows(struct secmap_rate *rate, u64 *suppressed)
{
	u32 limit = READ_ONCE(events_rate);
	time64_t now = ktime_get_seconds();
	bool allows;

	spin_lock(&rate->lock);
	if (rate->second != now) {
		rate->second = now;
		rate->told = 0;
	}
	allows = !limit || rate->told < limit;
	if (allows)
		rate->told++;
	else
		rate->suppressed++;
	*suppressed = rate->suppressed;
	spin_unlock(&rate->lock);
	return allows;
}

/* The same for the policy with an id. One that is gone, with its last stack, tells no more. */
static bool policy_allows(u32 id, u64 *suppressed)
{
	struct secmap_policy *policy =
		secmap_policy_of(secmap_object_by_id(id, SECMAP_OBJECT_POLICY));
	bool allows;

	if (IS_ERR(policy))
		return true;
	allows = rate_allows(&policy->rate, suppressed);
	secmap_policy_put(policy);
	return allows;
}

static bool concerns(const struct secmap_watcher *watcher, const struct secmap_event *event)
{
	if (watcher->policy && watcher->policy != event->policy)
		return false;
	return task_pid_nr_ns(current, watcher->ns);
}

/**
 * secmap_watch_tell() - tell of a verdict on a call of the current task
 * @event: without the time, the cgroup and the number of those that were suppressed
 *
 * Context: may sleep, but for no watcher.
 */
void secmap_watch_tell(struct secmap_event *event)
{
	struct secmap_watcher *watcher;

	might_sleep();
	if (!policy_allows(event->policy, &event->suppressed))
		return;
	rcu_read_lock();
	event->cgroup = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	mutex_lock(&watchers_lock);
	event->time = ktime_get_ns();
	list_for_each_entry(watcher, &watchers, all) {
		if (!concerns(watcher, event))
			continue;
		watcher->sequence++;
		if (secmap_netlink_send(watcher, event))
			watcher->lost++;
	}
	mutex_unlock(&watchers_lock);
}

/* Context: under the mutex. */
static struct secmap_watcher *find(const struct net *net, u32 portid)
{
	struct secmap_watcher *watcher;

	list_for_each_entry(watcher, &watchers, all)
		if (watcher->net == net && watcher->portid == portid)
			return watcher;
	return NULL;
}

static void release(struct secmap_watcher *watcher)
{
	put_pid_ns(watcher->ns);
	kfree(watcher);
	static_branch_slow_dec_deferred(&secmap_watched);
}

/**
 * secmap_watch_add() - have a socket hear of verdicts from now on
 * @net: where it is
 * @portid: its address
 * @policy: id of the only policy that is of interest; 0: all are
 * @ns: the watcher's; a reference is taken
 *
 * Context: may sleep.
 * Return: 0, or
 * * -EALREADY: it does already
 * * -ENOSPC: there are too many watchers
 * * -ENOMEM
 */
int secmap_watch_add(struct net *net, u32 portid, u32 policy, struct pid_namespace *ns)
{
	struct secmap_watcher *watcher = kzalloc(sizeof(*watcher), GFP_KERNEL_ACCOUNT);
	u32 limit = SECMAP_LIMIT_WATCHERS;
	int err = 0;

	if (!watcher)
		return -ENOMEM;
	if (!ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		limit -= SECMAP_LIMIT_WATCHERS_RESERVED;
	watcher->net = net;
	watcher->portid = portid;
	watcher->policy = policy;
	watcher->ns = get_pid_ns(ns);
	/* Before it is in the list, so that whoever is in the list is told. */
	static_branch_inc(&secmap_watched.key);
	mutex_lock(&watchers_lock);
	if (find(net, portid)) {
		err = -EALREADY;
	} else if (watcher_count >= limit) {
		err = -ENOSPC;
	} else {
		list_add_tail(&watcher->all, &watchers);
		watcher_count++;
	}
	mutex_unlock(&watchers_lock);
	if (err)
		release(watcher);
	return err;
}

/**
 * secmap_watch_remove() - have a socket hear of nothing any more
 * @net: where it is
 * @portid: its address
 *
 * Context: may sleep.
 * Return: 0, or -ENOENT: it does not watch.
 */
int secmap_watch_remove(const struct net *net, u32 portid)
{
	struct secmap_watcher *watcher;

	mutex_lock(&watchers_lock);
	watcher = find(net, portid);
	if (watcher) {
		list_del(&watcher->all);
		watcher_count--;
	}
	mutex_unlock(&watchers_lock);
	if (!watcher)
		return -ENOENT;
	release(watcher);
	return 0;
}

/* Nobody comes or goes any more, and no task tells anything: each that does holds the module. */
void secmap_watch_exit(void)
{
	struct secmap_watcher *watcher, *next;

	list_for_each_entry_safe(watcher, next, &watchers, all)
		release(watcher);
	static_key_deferred_flush(&secmap_watched);
}
