// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

long target_nr = SYS_getppid;

/* The supervisor's end, and the target's. */
static int ends[2];

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void send_descriptor(int fd)
{
	union control control = {};
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(ends[1], &message, 0) != 1)
		broken("sendmsg");
}

static int receive_descriptor(void)
{
	union control control = {};
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fd;

	if (recvmsg(ends[0], &message, MSG_CMSG_CLOEXEC) != 1)
		broken("recvmsg");
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		broken("no listener");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void run_target(unsigned int flags, void (*body)(void))
{
	struct sched_param none = {};
	long listener;

	close(ends[0]);
	sched_setscheduler(0, SCHED_OTHER, &none);
	listener = install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, target_nr,
			      SECCOMP_RET_USER_NOTIF);
	if (listener < 0)
		broken("listener");
	send_descriptor((int)listener);
	close((int)listener);
	body();
	_exit(0);
}

struct target target_start(unsigned int flags, void (*body)(void))
{
	struct target target;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		broken("socketpair");
	target.pid = fork();
	if (target.pid < 0)
		broken("fork");
	if (target.pid == 0)
		run_target(flags, body);
	close(ends[1]);
	target.listener = receive_descriptor();
	return target;
}

void target_end(struct target target)
{
	int status;

	if (waitpid(target.pid, &status, 0) != target.pid)
		broken("waitpid");
	said("target");
	say_status("it", status);
}

static void pass(int fd)
{
	if (write(fd, "x", 1) != 1)
		broken("pass");
}

static void await(int fd)
{
	ssize_t size;
	char byte;

	do
		size = read(fd, &byte, 1);
	while (size < 0 && errno == EINTR);
	if (size != 1)
		broken("await");
}

void target_pass(void)
{
	pass(ends[1]);
}

void target_await(void)
{
	await(ends[1]);
}

void supervisor_pass(void)
{
	pass(ends[0]);
}

void supervisor_await(void)
{
	await(ends[0]);
}

long try_receive(struct target target, struct seccomp_notif *notif)
{
	memset(notif, 0, sizeof(*notif));
	return ioctl(target.listener, SECCOMP_IOCTL_NOTIF_RECV, notif);
}

struct seccomp_notif receive(struct target target)
{
	struct seccomp_notif notif;

	if (try_receive(target, &notif))
		broken("receive");
	return notif;
}

long answer(struct target target, uint64_t id, int error, int64_t val, uint32_t flags)
{
	struct seccomp_notif_resp response = {
		.id = id, .val = val, .error = error, .flags = flags
	};

	return ioctl(target.listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

long id_valid(struct target target, uint64_t id)
{
	return ioctl(target.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

static void with_priority(int priority)
{
	struct sched_param parameter = { priority };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    sched_setscheduler(0, SCHED_FIFO, &parameter))
		broken("sched_setscheduler");
}

void go_first(void)
{
	with_priority(50);
}

void go_before_first(void)
{
	with_priority(60);
}

bool in_call(pid_t pid, long nr)
{
	char path[64], text[256];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size < 0)
		broken(path);
	close(fd);
	text[size] = '\0';
	return text[0] != 'r' && strtol(text, NULL, 10) == nr;
}

void await_in_call(pid_t pid, long nr)
{
	while (!in_call(pid, nr))
		sched_yield();
}

void body_call(void)
{
	tell("%s", value(syscall(SYS_getppid)));
}

void body_two_calls(void)
{
	body_call();
	body_call();
}

void body_nothing(void)
{
}
