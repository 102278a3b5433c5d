/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes: what a netlink message says of a policy, a table, a task, a counter. */
#ifndef _SECMAP_ATTRIBUTES_H
#define _SECMAP_ATTRIBUTES_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <secmap/secmap.h>

struct pid_namespace;
struct secmap_carrier;
struct secmap_policy;
struct sk_buff;

/* A task, and in which namespace it has its ids. */
struct secmap_seen {
	const struct secmap_carrier *carrier;
	struct pid_namespace *ns;
};

/* A counter of a policy; the processor's, or SECMAP_STATS_SUM. */
struct secmap_counted {
	const struct secmap_policy *policy;
	struct secmap_count count;
	int cpu;
};

/*
 * Each puts what it is about into a message: a struct secmap_object, a struct secmap_seen (under
 * RCU), a struct secmap_counted. None sleeps. 0, or -EMSGSIZE: there is no room left; of a task
 * also -ENOENT: it has no id there any more.
 */
int __must_check secmap_put_policy(struct sk_buff *skb, const void *object);
int __must_check secmap_put_table(struct sk_buff *skb, const void *object);
int __must_check secmap_put_task(struct sk_buff *skb, const void *seen);
int __must_check secmap_put_count(struct sk_buff *skb, const void *counted);

#endif
