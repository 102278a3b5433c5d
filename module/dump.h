/* SPDX-License-Identifier: GPL-2.0-only */
/* Dumps: what there is, for whoever asks over netlink. */
#ifndef _SECMAP_DUMP_H
#define _SECMAP_DUMP_H

struct genl_info;
struct netlink_callback;
struct sk_buff;

int secmap_get_policy(struct sk_buff *asked, struct genl_info *info);
int secmap_get_table(struct sk_buff *asked, struct genl_info *info);
int secmap_get_task(struct sk_buff *asked, struct genl_info *info);

int secmap_dump_objects_start(struct netlink_callback *cb);
int secmap_dump_policies(struct sk_buff *skb, struct netlink_callback *cb);
int secmap_dump_tables(struct sk_buff *skb, struct netlink_callback *cb);

int secmap_dump_tasks_start(struct netlink_callback *cb);
int secmap_dump_tasks(struct sk_buff *skb, struct netlink_callback *cb);
int secmap_dump_tasks_done(struct netlink_callback *cb);

int secmap_dump_stats_start(struct netlink_callback *cb);
int secmap_dump_stats(struct sk_buff *skb, struct netlink_callback *cb);

#endif
