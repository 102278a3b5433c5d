/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family: its commands, and what an event looks like. */
#ifndef _SECMAP_NETLINK_H
#define _SECMAP_NETLINK_H

#include <linux/compiler.h>
#include <linux/init.h>

struct genl_family;
struct netlink_ext_ack;
struct secmap_event;
struct secmap_watcher;
struct sk_buff;

extern struct genl_family secmap_family;

int __must_check secmap_netlink_send(const struct secmap_watcher *watcher,
				     const struct secmap_event *event);
int __must_check secmap_netlink_allow(struct sk_buff *asked, struct netlink_ext_ack *extack);

int __init secmap_netlink_init(void);
void secmap_netlink_exit(void);

#endif
