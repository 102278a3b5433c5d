// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "audit_log.h"

#include "frame.h"
#include "result.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char mark[] = "manual-page: no more";

struct message {
	struct nlmsghdr header;
	char data[8192];
};

static void send_message(int audit, unsigned short type, const void *data, size_t size)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct message message = {};

	message.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	message.header.nlmsg_type = type;
	message.header.nlmsg_flags = NLM_F_REQUEST;
	memcpy(message.data, data, size);
	if (sendto(audit, &message, message.header.nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		broken("audit send");
}

static const char *name_of(unsigned long code)
{
	switch (code & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
		return "KILL_PROCESS";
	case SECCOMP_RET_KILL_THREAD:
		return "KILL_THREAD";
	case SECCOMP_RET_TRAP:
		return "TRAP";
	case SECCOMP_RET_ERRNO:
		return "ERRNO";
	case SECCOMP_RET_USER_NOTIF:
		return "USER_NOTIF";
	case SECCOMP_RET_TRACE:
		return "TRACE";
	case SECCOMP_RET_LOG:
		return "LOG";
	default:
		return "another";
	}
}

/* A record of our own ends them: the log keeps their order. */
static void await_mark(int audit)
{
	struct message message;

	send_message(audit, AUDIT_USER_AVC, mark, sizeof(mark));
	for (;;) {
		ssize_t size = recv(audit, &message, sizeof(message) - 1, 0);
		const char *code;

		if (size < (ssize_t)sizeof(message.header))
			broken("audit recv");
		((char *)&message)[size] = '\0';
		if (message.header.nlmsg_type == AUDIT_USER_AVC && strstr(message.data, mark))
			break;
		code = strstr(message.data, " code=");
		if (message.header.nlmsg_type == AUDIT_SECCOMP && code)
			tell("%s", name_of(strtoul(code + 6, NULL, 0)));
	}
}

int audit_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK,
				       .nl_groups = 1 << (AUDIT_NLGRP_READLOG - 1) };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		broken("audit");
	/* What came before is not ours. */
	await_mark(fd);
	result->told[0] = '\0';
	return fd;
}

void audit_say(int audit, const char *who)
{
	await_mark(audit);
	said(who);
}

void audit_enable(int audit, uint32_t on)
{
	struct audit_status status = { .mask = AUDIT_STATUS_ENABLED, .enabled = on };

	send_message(audit, AUDIT_SET, &status, sizeof(status));
}
