// SPDX-License-Identifier: GPL-2.0-only
/* The generic netlink family: its commands, and what an event looks like. */
#include "netlink.h"

#include <linux/cred.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>
#include <secmap/secmap_netlink.h>

#include "dump.h"
#include "watch.h"

static size_t event_size(void)
{
	return nla_total_size_64bit(sizeof(u64)) * 6 + nla_total_size(sizeof(u32)) * 9 +
	       nla_total_size(TASK_COMM_LEN) + nla_total_size(0) +
	       nla_total_size(sizeof_field(struct seccomp_data, args));
}

static int put_u64(struct sk_buff *skb, int attribute, u64 value)
{
	return nla_put_u64_64bit(skb, attribute, value, SECMAP_A_EVENT_PAD);
}

static int put_numbers(struct sk_buff *skb, const struct secmap_watcher *watcher,
		       const struct secmap_event *event)
{
	return put_u64(skb, SECMAP_A_EVENT_TIME, event->time)			?:
		       put_u64(skb, SECMAP_A_EVENT_SEQUENCE, watcher->sequence) ?:
		       put_u64(skb, SECMAP_A_EVENT_LOST, watcher->lost)		?:
		       put_u64(skb, SECMAP_A_EVENT_SUPPRESSED, watcher->suppressed);
}

static int put_task(struct sk_buff *skb, struct pid_namespace *ns, u64 cgroup)
{
	char comm[TASK_COMM_LEN];

	get_task_comm(comm, current);
	return nla_put_u32(skb, SECMAP_A_EVENT_PID, task_tgid_nr_ns(current, ns))	 ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_TID, task_pid_nr_ns(current, ns)) ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_NS_PID, task_tgid_vnr(current))	 ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_NS_TID, task_pid_vnr(current))	 ?:
		       nla_put_string(skb, SECMAP_A_EVENT_COMM, comm)			 ?:
		       put_u64(skb, SECMAP_A_EVENT_CGROUP, cgroup);
}

static int put_call(struct sk_buff *skb, const struct secmap_event *event)
{
	const struct seccomp_data *call = &event->call;
	int err = 0;

	if (event->has_args)
		err = nla_put(skb, SECMAP_A_EVENT_ARGS, sizeof(call->args), call->args);
	if (!err && event->complains)
		err = nla_put_flag(skb, SECMAP_A_EVENT_COMPLAIN);
	if (!err && event->has_rule)
		err = nla_put_u32(skb, SECMAP_A_EVENT_RULE, event->rule);
	return err								  ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_ARCH, call->arch)	  ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_NR, call->nr)		  ?:
		       put_u64(skb, SECMAP_A_EVENT_IP, call->instruction_pointer) ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_ACTION, event->action)	  ?:
		       nla_put_u32(skb, SECMAP_A_EVENT_POLICY, event->policy);
}

/**
 * secmap_netlink_send() - send an event to a watcher's socket
 * @watcher: whose; under its lock
 * @event: what of a call of the current task
 *
 * Context: may sleep for memory, but not until there is room in the socket.
 * Return: 0, or an errno: it is lost.
 */
int secmap_netlink_send(const struct secmap_watcher *watcher, const struct secmap_event *event)
{
	struct sk_buff *skb = genlmsg_new(event_size(), GFP_KERNEL);
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put(skb, watcher->portid, 0, &secmap_family, 0, SECMAP_CMD_EVENT);
	err = header ? 0 : -EMSGSIZE;
	err = err						?:
		      put_numbers(skb, watcher, event)		?:
		      put_task(skb, watcher->ns, event->cgroup) ?:
								  put_call(skb, event);
	if (WARN_ON_ONCE(err)) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	/* It is being closed: from now on its address may be another one's. */
	if (sock_flag(watcher->sk, SOCK_DEAD)) {
		nlmsg_free(skb);
		return -ECONNREFUSED;
	}
	return genlmsg_unicast(sock_net(watcher->sk), skb, watcher->portid);
}

/**
 * secmap_netlink_allow() - may the current task know of those in its pid namespace?
 * @asked: what it has sent
 * @extack: where the reason of a refusal goes
 *
 * Return: 0, or -EPERM.
 */
int secmap_netlink_allow(struct sk_buff *asked, struct netlink_ext_ack *extack)
{
	if (netlink_ns_capable(asked, task_active_pid_ns(current)->user_ns, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "takes CAP_SYS_ADMIN in the pid namespace's user namespace");
	return -EPERM;
}

static int do_watch(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *policy = info->attrs[SECMAP_A_WATCH_POLICY];
	struct pid_namespace *ns = task_active_pid_ns(current);
	int err = secmap_netlink_allow(skb, info->extack);

	if (err)
		return err;
	err = secmap_watch_add(NETLINK_CB(skb).sk, info->snd_portid,
			       policy ? nla_get_u32(policy) : 0, ns);
	if (err == -EALREADY)
		GENL_SET_ERR_MSG(info, "this socket watches already");
	else if (err == -ENOSPC)
		GENL_SET_ERR_MSG(info, "there are too many watchers");
	else if (err)
		GENL_SET_ERR_MSG(info, "there is no memory for a watcher");
	return err;
}

static int do_unwatch(struct sk_buff *skb, struct genl_info *info)
{
	int err = secmap_watch_remove(NETLINK_CB(skb).sk);

	if (err)
		GENL_SET_ERR_MSG(info, "this socket does not watch");
	return err;
}

static const struct nla_policy watch_attributes[SECMAP_A_WATCH_MAX + 1] = {
	[SECMAP_A_WATCH_POLICY] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy policy_get_attributes[SECMAP_A_POLICY_ID + 1] = {
	[SECMAP_A_POLICY_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy table_get_attributes[SECMAP_A_TABLE_ID + 1] = {
	[SECMAP_A_TABLE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy task_get_attributes[SECMAP_A_TASK_TID + 1] = {
	[SECMAP_A_TASK_TID] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy stats_get_attributes[SECMAP_A_STATS_PER_CPU + 1] = {
	[SECMAP_A_STATS_POLICY] = NLA_POLICY_MIN(NLA_U32, 1),
	[SECMAP_A_STATS_PER_CPU] = { .type = NLA_FLAG },
};

/* One that is refused, for without any the kernel would look at none. */
static const struct nla_policy no_attributes[] = {
	[1] = { .type = NLA_REJECT, .reject_message = "this command takes no attribute" },
};

static const struct genl_ops commands[] = {
	{
		.cmd = SECMAP_CMD_WATCH,
		.doit = do_watch,
		.policy = watch_attributes,
		.maxattr = SECMAP_A_WATCH_MAX,
	},
	{
		.cmd = SECMAP_CMD_UNWATCH,
		.doit = do_unwatch,
		.policy = no_attributes,
		.maxattr = ARRAY_SIZE(no_attributes) - 1,
	},
	{
		.cmd = SECMAP_CMD_POLICY_GET,
		.doit = secmap_get_policy,
		.start = secmap_dump_objects_start,
		.dumpit = secmap_dump_policies,
		.policy = policy_get_attributes,
		.maxattr = ARRAY_SIZE(policy_get_attributes) - 1,
	},
	{
		.cmd = SECMAP_CMD_TABLE_GET,
		.doit = secmap_get_table,
		.start = secmap_dump_objects_start,
		.dumpit = secmap_dump_tables,
		.policy = table_get_attributes,
		.maxattr = ARRAY_SIZE(table_get_attributes) - 1,
	},
	{
		.cmd = SECMAP_CMD_TASK_GET,
		.doit = secmap_get_task,
		.start = secmap_dump_tasks_start,
		.dumpit = secmap_dump_tasks,
		.done = secmap_dump_tasks_done,
		.policy = task_get_attributes,
		.maxattr = ARRAY_SIZE(task_get_attributes) - 1,
	},
	{
		.cmd = SECMAP_CMD_STATS_GET,
		.start = secmap_dump_stats_start,
		.dumpit = secmap_dump_stats,
		.policy = stats_get_attributes,
		.maxattr = ARRAY_SIZE(stats_get_attributes) - 1,
	},
};

struct genl_family secmap_family = {
	.name = SECMAP_GENL_NAME,
	.version = SECMAP_GENL_VERSION,
	.netnsok = true,
	/* Commands do not wait for those of other families: watch.c has locks of its own. */
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = commands,
	.n_ops = ARRAY_SIZE(commands),
	/* What the kernel does not look at may mean something one day: it must be 0. */
	.resv_start_op = SECMAP_CMD_WATCH,
};

/* A socket is gone, and its address may be another's. */
static int socket_gone(struct notifier_block *block, unsigned long what, void *data)
{
	const struct netlink_notify *gone = data;

	if (what == NETLINK_URELEASE && gone->protocol == NETLINK_GENERIC && secmap_watch_wanted())
		secmap_watch_forget(gone->net, gone->portid);
	return NOTIFY_DONE;
}

static struct notifier_block sockets = { .notifier_call = socket_gone };

int __init secmap_netlink_init(void)
{
	int err = netlink_register_notifier(&sockets);

	if (err)
		return err;
	err = genl_register_family(&secmap_family);
	if (err)
		netlink_unregister_notifier(&sockets);
	return err;
}

/* Nobody is filtered, so nothing is sent any more. */
void secmap_netlink_exit(void)
{
	genl_unregister_family(&secmap_family);
	netlink_unregister_notifier(&sockets);
	secmap_watch_exit();
}
