// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_IOCTL_NOTIF_ADDFD. */
#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETFD	SECCOMP_ADDFD_FLAG_SETFD
#define SEND	SECCOMP_ADDFD_FLAG_SEND
#define HIGH_FD 50

static long add(struct target target, uint64_t id, uint32_t flags, int source, uint32_t newfd,
		uint32_t newfd_flags)
{
	struct seccomp_notif_addfd addfd = {
		.id = id,
		.flags = flags,
		.srcfd = (uint32_t)source,
		.newfd = newfd,
		.newfd_flags = newfd_flags,
	};

	return ioctl(target.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
}

/* Its getppid returns a descriptor, and it writes there. */
static void body_write(void)
{
	long fd = syscall(SYS_getppid);

	if (fd == -1)
		tell("%s", value(fd));
	else
		tell("write %s", value(write((int)fd, "x", 1)));
}

static void installs(void)
{
	struct target target = target_start(0, body_write);
	struct seccomp_notif notif = receive(target);
	int file = scratch_file(), copy = dup(file);
	long fd = add(target, notif.id, 0, file, 0, 0);

	say("added %s", fd > 2 ? "a number" : value(fd));
	close(file);
	say("answer %s", value(answer(target, notif.id, 0, fd, 0)));
	target_end(target);
	say("offset %ld", (long)lseek(copy, 0, SEEK_CUR));
}

static void body_lowest(void)
{
	int lowest = dup(0);

	close(lowest);
	tell("%s", syscall(SYS_getppid) == lowest ? "the lowest" : "another");
}

static void lowest(void)
{
	struct target target = target_start(0, body_lowest);
	struct seccomp_notif notif = receive(target);

	answer(target, notif.id, 0, add(target, notif.id, 0, scratch_file(), 0, 0), 0);
	target_end(target);
}

static void body_send(void)
{
	int fd = (int)syscall(SYS_getppid);

	tell("write %s", value(write(fd, "x", 1)));
}

static void sends(void)
{
	struct target target = target_start(0, body_send);
	struct seccomp_notif notif = receive(target);
	int file = scratch_file();
	long fd = add(target, notif.id, SEND, file, 0, 0);

	say("added %s", fd > 2 ? "a number" : value(fd));
	target_end(target);
	say("size %ld", (long)lseek(file, 0, SEEK_END));
}

static void body_set(void)
{
	tell("before %s", outcome(fcntl(HIGH_FD, F_GETFD)));
	tell("%s", value(syscall(SYS_getppid)));
	tell("after %s", outcome(fcntl(HIGH_FD, F_GETFD)));
}

static void body_set_open(void)
{
	if (dup2(0, HIGH_FD) != HIGH_FD)
		broken("dup2");
	body_set();
	tell("write %s", value(write(HIGH_FD, "x", 1)));
}

static void sets_with(void (*body)(void))
{
	struct target target = target_start(0, body);
	struct seccomp_notif notif = receive(target);
	int file = scratch_file();

	say("added %s", value(add(target, notif.id, SETFD, file, HIGH_FD, 0)));
	answer(target, notif.id, 0, 0, 0);
	target_end(target);
	say("size %ld", (long)lseek(file, 0, SEEK_END));
}

static void sets(void)
{
	sets_with(body_set);
}

static void replaces(void)
{
	sets_with(body_set_open);
}

static void keeps(void)
{
	struct target target = target_start(0, body_set_open);
	struct seccomp_notif notif = receive(target);

	say("no such descriptor %s", value(add(target, notif.id, SETFD, 999, HIGH_FD, 0)));
	answer(target, notif.id, 0, 0, 0);
	target_end(target);
}

static void sets_and_sends(void)
{
	struct target target = target_start(0, body_set);
	struct seccomp_notif notif = receive(target);
	long fd = add(target, notif.id, SETFD | SEND, scratch_file(), HIGH_FD, 0);

	say("added %s", value(fd));
	/* Or it would wait for ever. */
	if (fd < 0)
		answer(target, notif.id, -ECANCELED, 0, 0);
	target_end(target);
}

static void body_exec(void)
{
	tell("close-on-exec %s",
	     fcntl((int)syscall(SYS_getppid), F_GETFD) == FD_CLOEXEC ? "set" : "not set");
}

static void flagged(uint32_t flags)
{
	struct target target = target_start(0, body_exec);
	struct seccomp_notif notif = receive(target);

	if (add(target, notif.id, SEND, scratch_file(), 0, flags) < 0)
		broken("addfd");
	target_end(target);
	close(target.listener);
}

static void cloexec(void)
{
	flagged(O_CLOEXEC);
	flagged(0);
}

static void body_limited(void)
{
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 16, 16 });
	tell("%s", value(syscall(SYS_getppid)));
}

static void body_full(void)
{
	while (dup(0) >= 0)
		;
	body_limited();
}

static void body_limit_then_fill(void)
{
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 16, 16 });
	body_full();
}

static void limit(void)
{
	struct target target = target_start(0, body_limit_then_fill);
	struct seccomp_notif notif = receive(target);

	say("none left %s", value(add(target, notif.id, 0, 0, 0, 0)));
	answer(target, notif.id, 0, 1, 0);
	target_end(target);
}

static void limit_set(void)
{
	struct target target = target_start(0, body_limited);
	struct seccomp_notif notif = receive(target);

	say("beyond the limit %s", value(add(target, notif.id, SETFD, 0, HIGH_FD, 0)));
	answer(target, notif.id, 0, 1, 0);
	target_end(target);
}

/* A failure with SEND leaves the target where it is. */
static void send_fails(void)
{
	struct target target = target_start(0, body_limit_then_fill);
	struct seccomp_notif notif = receive(target);

	say("none left %s", value(add(target, notif.id, SEND, 0, 0, 0)));
	say("still valid %s", value(id_valid(target, notif.id)));
	say("answer %s", value(answer(target, notif.id, 0, 1, 0)));
	target_end(target);
}

static void nr_open(void)
{
	static const char place[] = "/proc/sys/fs/nr_open";
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);
	int fd = open(place, O_RDWR | O_CLOEXEC);
	char before[32] = "";

	if (fd < 0 || read(fd, before, sizeof(before) - 1) <= 0 || pwrite(fd, "1024", 4, 0) != 4)
		broken(place);
	say("beyond it %s", value(add(target, notif.id, SETFD, 0, 2000, 0)));
	if (pwrite(fd, before, strlen(before), 0) < 0)
		broken(place);
	answer(target, notif.id, 0, 1, 0);
	target_end(target);
}

static void bad_source(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("999 %s", value(add(target, notif.id, 0, 999, 0, 0)));
	answer(target, notif.id, 0, 1, 0);
	target_end(target);
}

static void invalid(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("flag 4 %s", value(add(target, notif.id, 4, 0, 0, 0)));
	say("O_NONBLOCK %s", value(add(target, notif.id, 0, 0, 0, O_NONBLOCK)));
	say("newfd without SETFD %s", value(add(target, notif.id, 0, 0, HIGH_FD, 0)));
	answer(target, notif.id, 0, 1, 0);
	target_end(target);
}

/* Cookies are counted up. */
static void not_received(void)
{
	struct target target = target_start(0, body_two_calls);
	struct seccomp_notif notif = receive(target);
	struct pollfd ready = { target.listener, POLLIN, 0 };

	answer(target, notif.id, 0, 1, 0);
	poll(&ready, 1, -1);
	say("not fetched %s", value(add(target, notif.id + 1, 0, 0, 0, 0)));
	notif = receive(target);
	answer(target, notif.id, 0, 2, 0);
	target_end(target);
}

static void replied(void)
{
	struct seccomp_notif notif;
	struct target target;

	go_first();
	target = target_start(0, body_call);
	notif = receive(target);
	answer(target, notif.id, 0, 1, 0);
	say("answered %s", value(add(target, notif.id, 0, 0, 0, 0)));
	target_end(target);
}

static void helper(struct target target, uint64_t id, const int *pipe_ends)
{
	char byte;

	go_before_first();
	if (write(pipe_ends[3], "x", 1) != 1 || read(pipe_ends[0], &byte, 1) != 1)
		_exit(1);
	add(target, id, 0, 0, 0, 0);
	_exit(0);
}

/* The helper's request waits for the target, which has to wait for us. */
static void busy(void)
{
	struct seccomp_notif notif;
	struct target target;
	int pipe_ends[4];
	pid_t pid;
	char byte;

	go_first();
	target = target_start(0, body_write);
	notif = receive(target);
	if (pipe(pipe_ends) || pipe(pipe_ends + 2))
		broken("pipe");
	pid = fork();
	if (pid == 0)
		helper(target, notif.id, pipe_ends);
	if (read(pipe_ends[2], &byte, 1) != 1 || write(pipe_ends[1], "x", 1) != 1)
		broken("pipe");
	say("while another waits %s", value(add(target, notif.id, SEND, 0, 0, 0)));
	answer(target, notif.id, -EDOM, 0, 0);
	target_end(target);
}

static void dead(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	kill(target.pid, SIGKILL);
	target_end(target);
	say("dead %s", value(add(target, notif.id, 0, 0, 0, 0)));
}

static void handler(int signal)
{
	(void)signal;
}

static void body_interrupted(void)
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(SIGUSR1, &action, NULL);
	body_call();
	target_pass();
	target_await();
}

static void interrupted(void)
{
	struct target target = target_start(0, body_interrupted);
	struct seccomp_notif notif = receive(target);

	kill(target.pid, SIGUSR1);
	supervisor_await();
	say("interrupted %s", value(add(target, notif.id, 0, 0, 0, 0)));
	supervisor_pass();
	target_end(target);
}

#define WHERE "SECCOMP_IOCTL_NOTIF_ADDFD "
#define ADDED "added a number, answer 0, target: write 1, it: exit 0, offset 1"

static const struct manual_case cases[] = {
	{ "addfd-installs", U(WHERE "#1"), "puts a descriptor into the target's table", ADDED,
	  installs },
	{ "addfd-dup", U(WHERE "#2"), "as dup would, over two tables", ADDED, installs },
	REMARK("addfd-use", U(WHERE "#3"), "for calls that give descriptors", "an example"),
	{ "addfd-same", U(WHERE "#4"), "both refer to the same open file", ADDED, installs },
	{ "addfd-close", U(WHERE "#5"), "then the supervisor can close its own", ADDED, installs },
	REMARK("addfd-lsm", U(WHERE "#6"), "security modules are asked as for SCM_RIGHTS",
	       "no such module is active in the guests"),
	REMARK("addfd-cgroup", U(WHERE "#7"), "a socket gets the target's network cgroup settings",
	       "the guests have no such controller mounted"),
	REMARK("addfd-id", U(WHERE "id"), "id is the cookie", "case addfd-installs uses it"),
	{ "addfd-setfd", U(WHERE "flags SETFD"), "SETFD: at the number newfd",
	  "added 50, target: before EBADF, 0, after ran, it: exit 0, size 0", sets },
	{ "addfd-send", U(WHERE "flags SEND #1"), "SEND: and return that number from the call",
	  "added a number, target: write 1, it: exit 0, size 1", sends },
	{ "addfd-send-set", U(WHERE "flags SEND #2"), "the call's result is the number",
	  "added 50, target: before EBADF, 50, after ran, it: exit 0", sets_and_sends },
	{ "addfd-send-fails", U(WHERE "flags SEND #3"), "if it fails the target still waits",
	  "none left EMFILE, still valid 0, answer 0, target: 1, it: exit 0", send_fails },
	{ "addfd-srcfd", U(WHERE "srcfd"), "srcfd is the supervisor's descriptor",
	  "999 EBADF, target: 1, it: exit 0", bad_source },
	{ "addfd-newfd", U(WHERE "newfd #1"), "newfd is the number in the target, with SETFD",
	  "added 50, target: before EBADF, 0, after ran, it: exit 0, size 0", sets },
	{ "addfd-replaces", U(WHERE "newfd #2"), "what is open there is closed",
	  "added 50, target: before ran, 0, after ran, write 1, it: exit 0, size 1", replaces },
	{ "addfd-keeps", U(WHERE "newfd #3"), "but not if srcfd is not valid",
	  "no such descriptor EBADF, target: before ran, 0, after ran, write EBADF, it: exit 0",
	  keeps },
	{ "addfd-lowest", U(WHERE "newfd #4"), "without SETFD, the lowest that is free",
	  "target: the lowest, it: exit 0", lowest },
	{ "addfd-cloexec", U(WHERE "newfd_flags"), "O_CLOEXEC sets close-on-exec",
	  "target: close-on-exec set, it: exit 0, target: close-on-exec not set, it: exit 0",
	  cloexec },
	{ "addfd-returns", U(WHERE "#8"), "returns the number in the target, for the response",
	  "added 50, target: before EBADF, 0, after ran, it: exit 0, size 0", sets },
	REMARK("addfd-error", U(WHERE "#9"), "-1 and errno otherwise", "the next cases"),
	{ "addfd-ebadf", U(WHERE "EBADF"), "EBADF: RLIMIT_NOFILE of the target does not permit it",
	  "beyond the limit EBADF, target: 1, it: exit 0", limit_set },
	{ "addfd-limit", U(WHERE "EBADF"), "and that without SETFD",
	  "none left EBADF, target: 1, it: exit 0", limit, "without SETFD it is EMFILE, as of open",
	  "none left EMFILE, target: 1, it: exit 0" },
	{ "addfd-ebusy", U(WHERE "EBUSY"), "EBUSY: SEND while another request waits",
	  "while another waits EBUSY, target: EDOM, it: exit 0", busy },
	{ "addfd-not-fetched", U(WHERE "EINPROGRESS"), "EINPROGRESS: not fetched yet",
	  "not fetched EINPROGRESS, target: 1, 2, it: exit 0", not_received },
	{ "addfd-answered", U(WHERE "EINPROGRESS"), "EINPROGRESS: answered already",
	  "answered EINPROGRESS, target: 1, it: exit 0", replied },
	{ "addfd-einval", U(WHERE "EINVAL"), "EINVAL: unknown flags, or newfd without SETFD",
	  "flag 4 EINVAL, O_NONBLOCK EINVAL, newfd without SETFD EINVAL, target: 1, it: exit 0",
	  invalid },
	{ "addfd-emfile", U(WHERE "EMFILE"), "EMFILE: newfd is above nr_open",
	  "beyond it EMFILE, target: 1, it: exit 0", nr_open },
	{ "addfd-dead", U(WHERE "ENOENT"), "ENOENT: the target has ended",
	  "target: nothing, it: SIGKILL, dead ENOENT", dead },
	{ "addfd-interrupted", U(WHERE "ENOENT"), "ENOENT: a handler interrupted the call",
	  "interrupted ENOENT, target: EINTR, it: exit 0", interrupted },
	REMARK("addfd-sample", U(WHERE "#10"), "a sample", "case addfd-installs does the same"),
};

TABLE(addfd_table, cases);
