// SPDX-License-Identifier: LGPL-2.1-or-later
/* The steps of the overview. */
#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char text[] = "what the pointer points to";

static void body_with_pointer(void)
{
	tell("%s", value(syscall(SYS_getppid, text)));
}

static void listens(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("notified of %s", notif.data.nr == SYS_getppid ? "getppid" : "another call");
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void by_pidfd(void)
{
	struct target target = target_start(0, body_call);
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct seccomp_notif notif;
	long copy;

	copy = syscall(SYS_pidfd_getfd, pidfd, target.listener, 0);
	say("pidfd_getfd %s", outcome(copy));
	close(target.listener);
	target.listener = (int)copy;
	notif = receive(target);
	say("answer %s", value(answer(target, notif.id, 0, 5, 0)));
	target_end(target);
}

static void not_yet(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);
	char state[32] = "";

	await_field(target.pid, "State", "S");
	status_field(target.pid, "State", state, sizeof(state));
	say("state %s", state);
	kill(target.pid, SIGKILL);
	target_end(target);
	say("id %s", value(id_valid(target, notif.id)));
}

static void body_after_byte(void)
{
	target_await();
	body_call();
}

/* The byte that makes the target call is sent from a child that saw us sleep. */
static void blocks(void)
{
	struct target target = target_start(0, body_after_byte);
	struct seccomp_notif notif;
	pid_t supervisor = getpid();
	pid_t watcher = fork();

	if (watcher == 0) {
		await_in_call(supervisor, SYS_ioctl);
		supervisor_pass();
		_exit(0);
	}
	say("receive %s", value(try_receive(target, &notif)));
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void reads_memory(void)
{
	struct target target = target_start(0, body_with_pointer);
	struct seccomp_notif notif = receive(target);
	char path[64], found[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/mem", notif.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, found, sizeof(text), (off_t)notif.data.args[0]) != sizeof(text))
		broken("mem");
	say("still valid %s", value(id_valid(target, notif.id)));
	say("read: %s", found);
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static char folder[64];

static void body_mkdir(void)
{
	/* a call that it may not make itself */
	if (setresuid(65534, 65534, 65534))
		broken("setresuid");
	tell("%s", value(syscall(SYS_getppid)));
	tell("%s", access(folder, F_OK) ? "missing" : "there");
}

static void on_behalf(void)
{
	struct target target;
	struct seccomp_notif notif;

	snprintf(folder, sizeof(folder), "/var/tmp/manual-page-%d", getpid());
	target = target_start(0, body_mkdir);
	notif = receive(target);
	if (mkdir(folder, 0755))
		broken("mkdir");
	answer(target, notif.id, 0, 0, 0);
	target_end(target);
	rmdir(folder);
}

static void spoofs(void)
{
	struct target target = target_start(0, body_two_calls);
	struct seccomp_notif notif = receive(target);

	say("success %s", value(answer(target, notif.id, 0, 4711, 0)));
	notif = receive(target);
	say("error %s", value(answer(target, notif.id, -EDOM, 0, 0)));
	target_end(target);
}

static void cookie(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("another cookie %s", value(answer(target, notif.id + 1, 0, 1, 0)));
	say("its own %s", value(answer(target, notif.id, 0, 2, 0)));
	target_end(target);
}

static void body_real(void)
{
	pid_t parent = (pid_t)syscall(SYS_getppid);

	tell("%s", parent == getpgid(0) ? "its parent" : "something else");
}

static void continues(void)
{
	struct target target = target_start(0, body_real);
	struct seccomp_notif notif = receive(target);

	say("continue %s", value(answer(target, notif.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE)));
	target_end(target);
}

static void sizes(void)
{
	struct seccomp_notif_sizes found;
	struct target target = target_start(0, body_call);
	char *buffer;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &found))
		broken("sizes");
	/* Not a byte behind the size is touched. */
	buffer = shared(4096);
	memset(buffer + found.seccomp_notif, 0x5a, 4096 - found.seccomp_notif);
	say("receive %s", value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_RECV, buffer)));
	say("behind it %s", buffer[found.seccomp_notif] == 0x5a ? "untouched" : "written");
	answer(target, ((struct seccomp_notif *)buffer)->id, 0, 5, 0);
	target_end(target);
}

#define WHERE "Overview "

static const struct manual_case cases[] = {
	{ "unotify-parts", U("DESCRIPTION #1"),
	  "a flag, an action, an operation and ioctls make it",
	  "notified of getppid, target: 5, it: exit 0", listens },
	REMARK("unotify-delegates", U(WHERE "#1"), "a filter delegates its decision to a process",
	       "the next cases"),
	REMARK("unotify-no-policy", U(WHERE "#2"), "it is not for security policies", "advice"),
	REMARK("unotify-words", U(WHERE "#3"), "target and supervisor", "words"),
	REMARK("unotify-why", U(WHERE "#4"), "a supervisor can know and do more than a filter",
	       "a reason"),
	{ "unotify-flag", U(WHERE "(1) #1"), "NEW_LISTENER gives the descriptor",
	  "notified of getppid, target: 5, it: exit 0", listens },
	REMARK("unotify-one", U(WHERE "(1) #2"), "one such filter for a thread",
	       "case listener-one shows it"),
	{ "unotify-action", U(WHERE "(1) #3"), "USER_NOTIF makes a notification",
	  "notified of getppid, target: 5, it: exit 0", listens },
	{ "unotify-passed", U(WHERE "(2) #1"), "the descriptor is passed by SCM_RIGHTS",
	  "notified of getppid, target: 5, it: exit 0", listens },
	{ "unotify-pidfd", U(WHERE "(2) #2"), "or taken by pidfd_getfd",
	  "pidfd_getfd ran, answer 0, target: 5, it: exit 0", by_pidfd },
	{ "unotify-sizes", U(WHERE "(3) #1"), "the records have the sizes of GET_NOTIF_SIZES",
	  "receive 0, behind it untouched, target: 5, it: exit 0", sizes },
	{ "unotify-blocked", U(WHERE "(4) #1"),
	  "the call is not executed yet: the target sleeps, and signals reach it",
	  "state S (sleeping), target: nothing, it: SIGKILL, id ENOENT", not_yet },
	{ "unotify-receive", U(WHERE "(5) #1"), "RECV blocks until there is a notification",
	  "receive 0, target: 5, it: exit 0", blocks },
	REMARK("unotify-poll", U(WHERE "(5) #2"), "select, poll and epoll tell of it",
	       "cases of the section on them"),
	REMARK("unotify-data", U(WHERE "(6) #1"), "it has what the filter saw, an id and a cookie",
	       "case recv-data shows it"),
	{ "unotify-memory", U(WHERE "(6) #2"), "pointers can be followed in /proc/TID/mem",
	  "still valid 0, read: what the pointer points to, target: 5, it: exit 0", reads_memory },
	{ "unotify-acts", U(WHERE "(7) #1"), "the supervisor may act in the target's place",
	  "target: 0, there, it: exit 0", on_behalf },
	{ "unotify-privileged", U(WHERE "(7) #2"), "with privileges that the target has not",
	  "target: 0, there, it: exit 0", on_behalf },
	{ "unotify-response", U(WHERE "(8) #1"), "the response makes return value or errno",
	  "success 0, error 0, target: 4711, EDOM, it: exit 0", spoofs },
	{ "unotify-cookie", U(WHERE "(8) #2"), "it has to carry the notification's cookie",
	  "another cookie ENOENT, its own 0, target: 2, it: exit 0", cookie },
	{ "unotify-unblocks", U(WHERE "(9) #1"), "then the call returns what the response said",
	  "success 0, error 0, target: 4711, EDOM, it: exit 0", spoofs },
	{ "unotify-continue", U(WHERE "(9) #2"), "or is executed, if the response says so",
	  "continue 0, target: its parent, it: exit 0", continues },
};

TABLE(overview_table, cases);
