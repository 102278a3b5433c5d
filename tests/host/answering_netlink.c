// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Preloaded into secmapctl: a generic netlink socket has two ends here, and this answers at the
 * other one in the kernel's place. NETLINK_FAMILY=none: nobody knows the family. NETLINK_REFUSE is
 * "errno:text": WATCH is refused. NETLINK_ASKED is a file that gets WATCH as it was sent.
 * NETLINK_EVENTS is a file with the messages that follow its answer, each behind its length, which
 * has 4 bytes; the answer comes behind so many of them as NETLINK_EARLY says. Their type is 0, and
 * becomes that of the family.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <secmap/secmap_netlink.h>

#define FAMILY 0x2a
#define PORT   4711

static int ours = -1, kernel = -1;
static FILE *events;

static int tell_event(void);

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int) = next("socket");
	int ends[2];

	if (domain != AF_NETLINK || protocol != NETLINK_GENERIC)
		return real(domain, type, protocol);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	ours = ends[0];
	kernel = ends[1];
	return ours;
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = next("bind");

	return fd == ours ? 0 : real(fd, address, length);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	int (*real)(int, struct sockaddr *, socklen_t *) = next("getsockname");
	const struct sockaddr_nl here = { .nl_family = AF_NETLINK, .nl_pid = PORT };

	if (fd != ours)
		return real(fd, address, length);
	memcpy(address, &here, sizeof(here));
	*length = sizeof(here);
	return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	int (*real)(int, int, int, const void *, socklen_t) = next("setsockopt");

	return fd == ours ? 0 : real(fd, level, name, value, length);
}

ssize_t recvmsg(int fd, struct msghdr *header, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = next("recvmsg");
	const struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	struct msghdr without;
	ssize_t length;

	if (fd != ours)
		return real(fd, header, flags);
	without = *header;
	without.msg_name = NULL;
	without.msg_namelen = 0;
	length = real(fd, &without, flags);
	if (length < 0)
		return length;
	if (!(flags & MSG_PEEK))
		tell_event();
	if (header->msg_name)
		memcpy(header->msg_name, &from, sizeof(from));
	header->msg_namelen = sizeof(from);
	header->msg_flags = without.msg_flags;
	header->msg_controllen = 0;
	return length;
}

static void tell(const void *message, size_t length)
{
	if (send(kernel, message, length, 0) != (ssize_t)length)
		abort();
}

static char *put(char *to, unsigned short type, const void *content, size_t length)
{
	const struct nlattr head = { (unsigned short)(NLA_HDRLEN + length), type };

	memcpy(to, &head, sizeof(head));
	memcpy(to + NLA_HDRLEN, content, length);
	return to + NLA_ALIGN(head.nla_len);
}

/* An error, or with 0 an acknowledgement. */
static void answer(const struct nlmsghdr *asked, int error, const char *text)
{
	char bytes[1024] = { 0 };
	struct nlmsghdr *head = (struct nlmsghdr *)bytes;
	struct nlmsgerr *told = NLMSG_DATA(head);
	char *end = bytes + NLMSG_HDRLEN + sizeof(*told);

	head->nlmsg_type = NLMSG_ERROR;
	head->nlmsg_seq = asked->nlmsg_seq;
	head->nlmsg_pid = PORT;
	told->error = -error;
	told->msg = *asked;
	if (error) {
		memcpy(&told->msg, asked, asked->nlmsg_len);
		end = bytes + NLMSG_HDRLEN + sizeof(int) + NLMSG_ALIGN(asked->nlmsg_len);
	} else {
		head->nlmsg_flags = NLM_F_CAPPED;
	}
	if (text && *text) {
		head->nlmsg_flags |= NLM_F_ACK_TLVS;
		end = put(end, NLMSGERR_ATTR_MSG, text, strlen(text) + 1);
	}
	head->nlmsg_len = (unsigned int)(end - bytes);
	tell(bytes, head->nlmsg_len);
}

static void tell_family(const struct nlmsghdr *asked)
{
	const unsigned short number = FAMILY;
	char bytes[256] = { 0 };
	struct nlmsghdr *head = (struct nlmsghdr *)bytes;
	struct genlmsghdr *command = NLMSG_DATA(head);
	char *end = bytes + NLMSG_HDRLEN + GENL_HDRLEN;

	command->cmd = CTRL_CMD_NEWFAMILY;
	end = put(end, CTRL_ATTR_FAMILY_ID, &number, sizeof(number));
	end = put(end, CTRL_ATTR_FAMILY_NAME, SECMAP_GENL_NAME, sizeof(SECMAP_GENL_NAME));
	head->nlmsg_type = GENL_ID_CTRL;
	head->nlmsg_seq = asked->nlmsg_seq;
	head->nlmsg_pid = PORT;
	head->nlmsg_len = (unsigned int)(end - bytes);
	tell(bytes, head->nlmsg_len);
}

/* The next event of the file; 0: there is none. */
static int tell_event(void)
{
	char bytes[4096];
	struct nlmsghdr head;
	unsigned int length;

	if (!events || fread(&length, sizeof(length), 1, events) != 1)
		return 0;
	if (length > sizeof(bytes) || fread(bytes, 1, length, events) != length)
		abort();
	if (length >= sizeof(head)) {
		memcpy(&head, bytes, sizeof(head));
		if (!head.nlmsg_type)
			head.nlmsg_type = FAMILY;
		memcpy(bytes, &head, sizeof(head));
	}
	tell(bytes, length);
	return 1;
}

static void note(const struct nlmsghdr *asked)
{
	const char *path = getenv("NETLINK_ASKED");
	FILE *file = path ? fopen(path, "wb") : NULL;

	if (!file)
		return;
	fwrite(asked, 1, asked->nlmsg_len, file);
	fclose(file);
}

static void begin(const struct nlmsghdr *asked)
{
	const char *refuse = getenv("NETLINK_REFUSE");
	const char *path = getenv("NETLINK_EVENTS");
	const char *early = getenv("NETLINK_EARLY");

	note(asked);
	if (refuse) {
		answer(asked, atoi(refuse), strchr(refuse, ':') + 1);
		return;
	}
	events = path ? fopen(path, "rb") : NULL;
	for (int left = early ? atoi(early) : 0; left; left--)
		tell_event();
	answer(asked, 0, NULL);
	/* Not more than a socket takes; another one for each that is read. */
	for (int left = 64; left && tell_event(); left--)
		;
}

ssize_t sendmsg(int fd, const struct msghdr *header, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = next("sendmsg");
	const char *known = getenv("NETLINK_FAMILY");
	const struct nlmsghdr *asked = header->msg_iov->iov_base;
	char copy[512] = { 0 };

	if (fd != ours)
		return real(fd, header, flags);
	if (header->msg_iovlen != 1 || asked->nlmsg_len > sizeof(copy))
		abort();
	memcpy(copy, asked, asked->nlmsg_len);
	asked = (const struct nlmsghdr *)copy;
	if (asked->nlmsg_type == FAMILY)
		begin(asked);
	else if (known && !strcmp(known, "none"))
		answer(asked, ENOENT, NULL);
	else {
		tell_family(asked);
		if (asked->nlmsg_flags & NLM_F_ACK)
			answer(asked, 0, NULL);
	}
	return (ssize_t)asked->nlmsg_len;
}
