// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watchers: who they are, what each has heard of, and how much a policy may tell them.
 *
 * A verdict is told from process context, on the task's way back to user mode (verdict.c). Each
 * watcher has a mutex, which keeps its events in order, and which only those tasks take that
 * concern it. Nobody waits for a watcher while holding it: what does not fit into a socket is lost.
 */
#include "watch.h"

#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <net/sock.h>

#include "limits.h"
#include "netlink.h"
#include "policy.h"
#include "task.h"
#include "verdict.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static unsigned int events_rate = 1000;
module_param(events_rate, uint, 0644);
MODULE_PARM_DESC(events_rate,
		 "Verdicts a second that each policy tells watchers of (default: 1000; 0: all)");

/* Who watches for a moment now and then must not have the kernel patched each time. */
DEFINE_STATIC_KEY_DEFERRED_FALSE(secmap_watched, HZ);

/* Changed under the mutex, read under SRCU. */
static LIST_HEAD(watchers);
static u32 watcher_count;
static DEFINE_MUTEX(watchers_lock);
DEFINE_STATIC_SRCU(watchers_srcu);

int secmap_watch_trace(void)
{
	static_branch_inc(&secmap_watched.key);
	return 0;
}

/* At once: what is put off might come when the module is gone. */
void secmap_watch_untrace(void)
{
	static_branch_dec(&secmap_watched.key);
}

void secmap_rate_init(struct secmap_rate *rate)
{
	spin_lock_init(&rate->lock);
}

/* May one more verdict be told? */
static bool rate_allows(struct secmap_rate *rate)
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
	rate->told += allows;
	spin_unlock(&rate->lock);
	return allows;
}

/* A kill is always told: no flood of lesser verdicts hides it, and each costs a process. */
static bool kills(const struct secmap_event *event)
{
	return !event->complains && secmap_verdict_stricter(event->action, SECCOMP_RET_TRAP);
}

/*
 * Which rule it was: the policy is asked again, for the probe keeps no more than the verdict. It
 * may have another table by now, or a map; then it may say something else.
 */
static void find_rule(const struct secmap_policy *policy, struct secmap_event *event)
{
	struct secmap_verdict verdict;
	struct secmap_body *body;

	if (!event->has_args)
		return;
	body = secmap_policy_body(policy);
	verdict = secmap_body_test(body, &event->call);
	secmap_body_put(body);
	event->rule = verdict.rule;
	event->has_rule = verdict.action == event->action;
}

/*
 * May it be told, as far as the policy goes whose verdict it is? One that is gone, with its last
 * stack, has no rate, and no rules.
 */
static bool policy_allows(struct secmap_event *event)
{
	struct secmap_policy *policy =
		secmap_policy_of(secmap_object_by_id(event->policy, SECMAP_OBJECT_POLICY));
	bool allows;

	if (IS_ERR(policy))
		return true;
	allows = kills(event) || rate_allows(&policy->rate);
	if (allows)
		find_rule(policy, event);
	secmap_policy_put(policy);
	return allows;
}

static bool concerns(const struct secmap_watcher *watcher, const struct secmap_event *event)
{
	return (!watcher->policy || watcher->policy == event->policy) &&
	       watcher->process != task_tgid(current) && secmap_task_belongs(current, watcher->ns);
}

static void tell(struct secmap_watcher *watcher, struct secmap_event *event, bool allowed)
{
	mutex_lock(&watcher->lock);
	if (watcher->gone)
		goto unlock;
	if (!allowed) {
		watcher->suppressed++;
		goto unlock;
	}
	event->time = ktime_get_ns();
	watcher->sequence++;
	if (secmap_netlink_send(watcher, event))
		watcher->lost++;
unlock:
	mutex_unlock(&watcher->lock);
}

/**
 * secmap_watch_tell() - tell of a verdict on a call of the current task
 * @event: without the time, the cgroup and the rule
 *
 * Context: may sleep, but for no watcher.
 */
void secmap_watch_tell(struct secmap_event *event)
{
	bool allowed = true, concerned = false;
	struct secmap_watcher *watcher;
	int section;

	might_sleep();
	rcu_read_lock();
	event->cgroup = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	trace_secmap_decision(event);
	section = srcu_read_lock(&watchers_srcu);
	list_for_each_entry_srcu(watcher, &watchers, all, srcu_read_lock_held(&watchers_srcu)) {
		if (!concerns(watcher, event))
			continue;
		/* What concerns nobody does not count. */
		if (!concerned)
			allowed = policy_allows(event);
		concerned = true;
		tell(watcher, event, allowed);
	}
	srcu_read_unlock(&watchers_srcu, section);
}

static void free_watcher(struct secmap_watcher *watcher)
{
	sock_put(watcher->sk);
	put_pid_ns(watcher->ns);
	put_pid(watcher->process);
	kfree(watcher);
}

static void free_rcu_watcher(struct rcu_head *rcu)
{
	free_watcher(container_of(rcu, struct secmap_watcher, rcu));
}

/*
 * May one more come? Who is no administrator leaves some to those, and to others of his kind.
 * Context: under the mutex.
 */
static int check_room(const struct secmap_watcher *watcher)
{
	const struct secmap_watcher *other;
	u32 own = 0;

	list_for_each_entry(other, &watchers, all) {
		if (other->sk == watcher->sk)
			return -EALREADY;
		own += uid_eq(other->uid, watcher->uid);
	}
	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return watcher_count < SECMAP_LIMIT_WATCHERS ? 0 : -ENOSPC;
	if (own >= SECMAP_LIMIT_WATCHERS_USER ||
	    watcher_count >= SECMAP_LIMIT_WATCHERS - SECMAP_LIMIT_WATCHERS_RESERVED)
		return -ENOSPC;
	return 0;
}

/**
 * secmap_watch_add() - have a socket hear of verdicts from now on
 * @sk: the socket, of the current process; a reference is taken
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
int secmap_watch_add(struct sock *sk, u32 portid, u32 policy, struct pid_namespace *ns)
{
	struct secmap_watcher *watcher = kzalloc(sizeof(*watcher), GFP_KERNEL_ACCOUNT);
	int err;

	if (!watcher)
		return -ENOMEM;
	sock_hold(sk);
	watcher->sk = sk;
	watcher->portid = portid;
	watcher->policy = policy;
	watcher->ns = get_pid_ns(ns);
	watcher->process = get_pid(task_tgid(current));
	watcher->uid = current_euid();
	mutex_init(&watcher->lock);
	/* Before it is in the list, so that whoever is in the list is told. */
	static_branch_inc(&secmap_watched.key);
	mutex_lock(&watchers_lock);
	err = check_room(watcher);
	if (!err) {
		list_add_tail_rcu(&watcher->all, &watchers);
		watcher_count++;
	}
	mutex_unlock(&watchers_lock);
	if (err) {
		free_watcher(watcher);
		static_branch_slow_dec_deferred(&secmap_watched);
	}
	return err;
}

/* Nothing is sent to it any more when this is over. Context: under the mutex. */
static void remove(struct secmap_watcher *watcher)
{
	list_del_rcu(&watcher->all);
	watcher_count--;
	mutex_lock(&watcher->lock);
	watcher->gone = true;
	mutex_unlock(&watcher->lock);
	call_srcu(&watchers_srcu, &watcher->rcu, free_rcu_watcher);
	static_branch_slow_dec_deferred(&secmap_watched);
}

/**
 * secmap_watch_remove() - have a socket hear of nothing any more
 * @sk: the socket
 *
 * Context: may sleep.
 * Return: 0, or -ENOENT: it does not watch.
 */
int secmap_watch_remove(const struct sock *sk)
{
	struct secmap_watcher *watcher;
	int err = -ENOENT;

	mutex_lock(&watchers_lock);
	list_for_each_entry(watcher, &watchers, all) {
		if (watcher->sk != sk)
			continue;
		remove(watcher);
		err = 0;
		break;
	}
	mutex_unlock(&watchers_lock);
	return err;
}

/**
 * secmap_watch_forget() - a socket has been closed
 * @net: where it was
 * @portid: the address that it had, and another one may have by now
 *
 * Context: may sleep.
 */
void secmap_watch_forget(const struct net *net, u32 portid)
{
	struct secmap_watcher *watcher, *next;

	mutex_lock(&watchers_lock);
	list_for_each_entry_safe(watcher, next, &watchers, all)
		if (watcher->portid == portid && sock_net(watcher->sk) == net &&
		    sock_flag(watcher->sk, SOCK_DEAD))
			remove(watcher);
	mutex_unlock(&watchers_lock);
}

/* Nobody comes or goes any more, and no task tells anything: each that does holds the module. */
void secmap_watch_exit(void)
{
	struct secmap_watcher *watcher, *next;

	mutex_lock(&watchers_lock);
	list_for_each_entry_safe(watcher, next, &watchers, all)
		remove(watcher);
	mutex_unlock(&watchers_lock);
	srcu_barrier(&watchers_srcu);
	static_key_deferred_flush(&secmap_watched);
}
