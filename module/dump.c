// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: what there is, for whoever asks over netlink. Policies, tables, counters, and tasks with
 * their stacks.
 *
 * A dump is made piece by piece: the first one when it is asked for, each other one when somebody
 * has read the one before, and that may be another task. So who asks is looked at in the beginning
 * alone. Between two pieces there is a cursor in the callback, which survives whatever it points to
 * and refers to nothing but the pid namespace of who asked. The kernel holds the module from the
 * beginning of a dump until it is at its end, or its socket is closed.
 */
#include "dump.h"

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <secmap/secmap_netlink.h>

#include "attributes.h"
#include "netlink.h"
#include "policy.h"
#include "task.h"

/**
 * struct objects - how far a dump of objects, or of their counters, has come
 * @id: it is through with those up to here
 * @only: it is about this one alone; 0: about all
 * @current_id: whose counters it has begun
 * @place: with these, up to here,
 * @cpu: and with this one, up to this processor; SECMAP_STATS_SUM: all are one
 * @per_cpu: each processor's by themselves
 */
struct objects {
	u32 id;
	u32 only;
	u32 current_id;
	u32 place;
	int cpu;
	bool per_cpu;
};

/**
 * struct tasks - how far a dump of tasks has come
 * @ns: in which they have to be, as in secmap_task_belongs(); a reference
 * @after: it is through with those of the bucket up to this address
 * @bucket: where it is
 */
struct tasks {
	struct pid_namespace *ns;
	unsigned long after;
	u32 bucket;
};

static_assert(sizeof(struct objects) <= sizeof_field(struct netlink_callback, ctx));
static_assert(sizeof(struct tasks) <= sizeof_field(struct netlink_callback, ctx));

/* What a message is about goes into it: see attributes.h. */
typedef int (*put_fn)(struct sk_buff *skb, const void *what);

/* The thread with this id in the current task's pid namespace; -ENOENT: there is none. */
static int put_thread(struct sk_buff *skb, const void *tid)
{
	struct secmap_seen seen = { .ns = task_active_pid_ns(current) };
	struct task_struct *task;
	int err;

	rcu_read_lock();
	task = pid_task(find_vpid(*(const u32 *)tid), PIDTYPE_PID);
	if (task && secmap_task_belongs(task, seen.ns))
		seen.carrier = secmap_task_find(task);
	err = seen.carrier ? secmap_put_task(skb, &seen) : -ENOENT;
	rcu_read_unlock();
	return err;
}

static void *begin(struct sk_buff *skb, u32 portid, const struct nlmsghdr *asked, int flags)
{
	const struct genlmsghdr *header = nlmsg_data(asked);

	return genlmsg_put(skb, portid, asked->nlmsg_seq, &secmap_family, flags, header->cmd);
}

/* One message of a dump. 0, or -EMSGSIZE: there is no room left for it. */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, put_fn put, const void *what)
{
	void *header = begin(skb, NETLINK_CB(cb->skb).portid, cb->nlh, NLM_F_MULTI);
	int err = header ? put(skb, what) : -EMSGSIZE;

	if (err) {
		genlmsg_cancel(skb, header);
		return err;
	}
	genl_dump_check_consistent(cb, header);
	genlmsg_end(skb, header);
	return 0;
}

/* The message that answers a request. */
static int answer(struct genl_info *info, put_fn put, const void *what)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = begin(skb, info->snd_portid, info->nlhdr, 0);
	err = header ? put(skb, what) : -EMSGSIZE;
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

/* Their ids go through all namespaces. */
static int allow_objects(struct sk_buff *asked, struct netlink_ext_ack *extack)
{
	if (netlink_capable(asked, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "takes CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

/* A dump that is of all, or it would seem as if there were no others. */
static int check_all(const struct netlink_callback *cb)
{
	if (!nlmsg_attrlen(cb->nlh, GENL_HDRLEN))
		return 0;
	NL_SET_ERR_MSG(cb->extack, "a dump of all takes no attribute");
	return -EINVAL;
}

static int get_object(struct sk_buff *asked, struct genl_info *info, enum secmap_object_type type,
		      put_fn put)
{
	const struct nlattr *id = info->attrs[SECMAP_A_POLICY_ID];
	int err = allow_objects(asked, info->extack);
	struct secmap_object *object;

	if (err)
		return err;
	if (!id) {
		NL_SET_ERR_MSG(info->extack, "an id is missing, or the flag for a dump");
		return -EINVAL;
	}
	object = secmap_object_by_id(nla_get_u32(id), type);
	if (IS_ERR(object)) {
		if (type == SECMAP_OBJECT_TABLE)
			NL_SET_ERR_MSG_ATTR(info->extack, id, "no table has this id");
		else
			NL_SET_ERR_MSG_ATTR(info->extack, id, "no policy has this id");
		return PTR_ERR(object);
	}
	err = answer(info, put, object);
	secmap_object_put(object);
	return err;
}

/**
 * secmap_get_policy() - SECMAP_CMD_POLICY_GET, of one
 * @asked: the request
 * @info: the same, taken apart
 *
 * Return: 0, -EPERM, -EINVAL (no id), -ENOENT, -ENOMEM.
 */
int secmap_get_policy(struct sk_buff *asked, struct genl_info *info)
{
	return get_object(asked, info, SECMAP_OBJECT_POLICY, secmap_put_policy);
}

/* SECMAP_CMD_TABLE_GET, of one. As secmap_get_policy(). */
int secmap_get_table(struct sk_buff *asked, struct genl_info *info)
{
	return get_object(asked, info, SECMAP_OBJECT_TABLE, secmap_put_table);
}

/**
 * secmap_get_task() - SECMAP_CMD_TASK_GET, of one
 * @asked: the request
 * @info: the same, taken apart
 *
 * Return: 0, -EPERM, -EINVAL (no id), -ENOENT (no thread of his, or it is not filtered), -ENOMEM.
 */
int secmap_get_task(struct sk_buff *asked, struct genl_info *info)
{
	const struct nlattr *attribute = info->attrs[SECMAP_A_TASK_TID];
	int err = secmap_netlink_allow(asked, info->extack);
	u32 tid;

	if (err)
		return err;
	if (!attribute) {
		NL_SET_ERR_MSG(info->extack, "an id is missing, or the flag for a dump");
		return -EINVAL;
	}
	tid = nla_get_u32(attribute);
	err = answer(info, put_thread, &tid);
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, attribute, "no filtered thread has this id");
	return err;
}

/* Of policies, or of tables. Return: 0, -EPERM, -EINVAL (an attribute). */
int secmap_dump_objects_start(struct netlink_callback *cb)
{
	return allow_objects(cb->skb, cb->extack) ?: check_all(cb);
}

/*
 * Objects are told by their ids, from the smallest one on. Return: whether there is more to come;
 * -EMSGSIZE: not one fits.
 */
static int dump_objects(struct sk_buff *skb, struct netlink_callback *cb,
			enum secmap_object_type type, put_fn put)
{
	struct objects *cursor = (void *)cb->ctx;
	struct secmap_object *object;
	int err = 0;

	do {
		cb->seq = secmap_object_changes(type);
		object = secmap_object_next(cursor->id, type);
		if (!object)
			break;
		err = dump(skb, cb, put, object);
		if (!err)
			cursor->id = object->id;
		secmap_object_put(object);
		cond_resched();
	} while (!err);
	return skb->len ?: err;
}

int secmap_dump_policies(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_objects(skb, cb, SECMAP_OBJECT_POLICY, secmap_put_policy);
}

int secmap_dump_tables(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_objects(skb, cb, SECMAP_OBJECT_TABLE, secmap_put_table);
}

/* Return: 0, -EPERM, -EINVAL (an attribute). */
int secmap_dump_tasks_start(struct netlink_callback *cb)
{
	struct tasks *cursor = (void *)cb->ctx;
	int err = secmap_netlink_allow(cb->skb, cb->extack) ?: check_all(cb);

	if (!err)
		cursor->ns = get_pid_ns(task_active_pid_ns(current));
	return err;
}

int secmap_dump_tasks_done(struct netlink_callback *cb)
{
	struct tasks *cursor = (void *)cb->ctx;

	put_pid_ns(cursor->ns);
	return 0;
}

/* What is left of a bucket. 0, or -EMSGSIZE. */
static int dump_bucket(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tasks *cursor = (void *)cb->ctx;
	struct secmap_seen seen = { .ns = cursor->ns };
	int err = 0;

	rcu_read_lock();
	while (!err && (seen.carrier = secmap_task_next(cursor->bucket, cursor->after))) {
		if (secmap_task_belongs(seen.carrier->task, seen.ns))
			err = dump(skb, cb, secmap_put_task, &seen);
		if (err == -ENOENT)
			err = 0;
		if (!err)
			cursor->after = (unsigned long)seen.carrier->task;
	}
	rcu_read_unlock();
	return err;
}

/* Return: whether there is more to come; -EMSGSIZE: not one fits. */
int secmap_dump_tasks(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tasks *cursor = (void *)cb->ctx;
	int err = 0;

	while (cursor->bucket < ARRAY_SIZE(secmap_tasks)) {
		err = dump_bucket(skb, cb);
		if (err)
			break;
		cursor->bucket++;
		cursor->after = 0;
		cond_resched();
	}
	return skb->len ?: err;
}

/* Return: 0, -EPERM, -ENOENT (the only policy that it is to be about). */
int secmap_dump_stats_start(struct netlink_callback *cb)
{
	struct nlattr *only = nlmsg_find_attr(cb->nlh, GENL_HDRLEN, SECMAP_A_STATS_POLICY);
	struct objects *cursor = (void *)cb->ctx;
	int err = allow_objects(cb->skb, cb->extack);
	struct secmap_object *object;

	if (err)
		return err;
	cursor->per_cpu = nlmsg_find_attr(cb->nlh, GENL_HDRLEN, SECMAP_A_STATS_PER_CPU);
	if (!only)
		return 0;
	cursor->only = nla_get_u32(only);
	cursor->id = cursor->only - 1;
	object = secmap_object_by_id(cursor->only, SECMAP_OBJECT_POLICY);
	if (IS_ERR(object)) {
		NL_SET_ERR_MSG_ATTR(cb->extack, only, "no policy has this id");
		return PTR_ERR(object);
	}
	secmap_object_put(object);
	return 0;
}

static int first_cpu(const struct objects *cursor)
{
	return cursor->per_cpu ? cpumask_first(cpu_possible_mask) : SECMAP_STATS_SUM;
}

/* To the same counter of the next processor, or to the next counter. */
static void step(struct objects *cursor)
{
	if (cursor->per_cpu) {
		cursor->cpu = cpumask_next(cursor->cpu, cpu_possible_mask);
		if (cursor->cpu < nr_cpu_ids)
			return;
	}
	cursor->cpu = first_cpu(cursor);
	cursor->place++;
}

/* What is left of a policy's counters. 0, or -EMSGSIZE. */
static int dump_counts(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct secmap_policy *policy)
{
	const struct secmap_stats *stats = secmap_policy_stats(policy);
	struct secmap_body *body = secmap_policy_body(policy);
	struct objects *cursor = (void *)cb->ctx;
	struct secmap_counted counted = { .policy = policy };
	int err = 0;

	if (cursor->current_id != policy->object.id) {
		cursor->current_id = policy->object.id;
		cursor->place = 0;
		cursor->cpu = first_cpu(cursor);
	}
	for (; stats && cursor->place < secmap_tally_size(&stats->tally); step(cursor)) {
		u64 count = secmap_stats_count(stats, cursor->place, cursor->cpu);

		cond_resched();
		if (!count)
			continue;
		counted.count = secmap_tally_tell(&stats->tally, body->rules, cursor->place);
		counted.count.count = count;
		counted.cpu = cursor->cpu;
		err = dump(skb, cb, secmap_put_count, &counted);
		if (err)
			break;
	}
	secmap_body_put(body);
	return err;
}

/* Return: whether there is more to come; -EMSGSIZE: not one fits. */
int secmap_dump_stats(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct objects *cursor = (void *)cb->ctx;
	struct secmap_policy *policy;
	struct secmap_object *object;
	int err = 0;

	while (!err) {
		cb->seq = secmap_object_changes(SECMAP_OBJECT_POLICY);
		object = secmap_object_next(cursor->id, SECMAP_OBJECT_POLICY);
		if (!object)
			break;
		policy = secmap_policy_of(object);
		if (!cursor->only || object->id == cursor->only)
			err = dump_counts(skb, cb, policy);
		/* Behind the only one there is nothing more. */
		if (!err)
			cursor->id = cursor->only ? U32_MAX : object->id;
		secmap_policy_put(policy);
		cond_resched();
	}
	return skb->len ?: err;
}
