// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_IOCTL_NOTIF_RECV and SECCOMP_IOCTL_NOTIF_ID_VALID. */
#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void zeroed(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif;

	for (size_t i = 0; i < sizeof(notif); i += 40) {
		memset(&notif, 0, sizeof(notif));
		((char *)&notif)[i] = 1;
		say("byte %zu %s", i,
		    value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_RECV, &notif)));
	}
	memset(&notif, 0, sizeof(notif));
	((char *)&notif)[sizeof(notif) - 1] = 1;
	say("last %s", value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_RECV, &notif)));
	notif = receive(target);
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void unique(void)
{
	struct target target = target_start(0, body_two_calls);
	struct seccomp_notif first = receive(target), second;

	say("valid %s", value(id_valid(target, first.id)));
	answer(target, first.id, 0, 5, 0);
	second = receive(target);
	say("the next is %s", first.id == second.id ? "the same" : "another");
	say("the first is valid %s", value(id_valid(target, first.id)));
	answer(target, second.id, 0, 6, 0);
	target_end(target);
}

static pid_t *tid;

static void thread_body(void)
{
	*tid = (pid_t)syscall(SYS_gettid);
	body_call();
}

static void body_thread(void)
{
	run_thread(thread_body);
}

static void thread_id(void)
{
	struct target target;
	struct seccomp_notif notif;

	tid = shared(sizeof(*tid));
	target = target_start(0, body_thread);
	notif = receive(target);
	say("pid %s", notif.pid == (unsigned int)*tid	    ? "of the thread" :
		      notif.pid == (unsigned int)target.pid ? "of the process" :
							      "of something else");
	say("flags %u", notif.flags);
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void body_arguments(void)
{
	tell("%s", value(syscall(SYS_getppid, 0x1111111122222222, 2, 3, 4, 5, 0xbbbbbbbbcccccccc)));
}

static void data(void)
{
	struct target target = target_start(0, body_arguments);
	struct seccomp_notif notif = receive(target);

	say("nr %s", notif.data.nr == SYS_getppid ? "getppid" : "another");
	say("arch %s", notif.data.arch == AUDIT_ARCH_X86_64 ? "x86-64" : "another");
	say("instruction %s", notif.data.instruction_pointer ? "there" : "missing");
	say("args");
	for (int i = 0; i < 6; i++)
		say("%#llx", (unsigned long long)notif.data.args[i]);
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void success(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif;

	say("%s", value(try_receive(target, &notif)));
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void handler(int signal)
{
	(void)signal;
	tell("handler");
}

static void body_handler(void)
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(SIGUSR1, &action, NULL);
	tell("%s", value(syscall(SYS_getppid)));
	target_pass();
	target_await();
}

static void wait_readable(struct target target)
{
	struct pollfd ready = { target.listener, POLLIN, 0 };

	if (poll(&ready, 1, -1) != 1)
		broken("poll");
}

static long thread_result;
static int thread_errno;
static _Atomic bool thread_done;
static struct target thread_target;
static pid_t *thread_tid;

static void *receive_late(void *unused)
{
	struct seccomp_notif notif;

	(void)unused;
	*(volatile pid_t *)thread_tid = (pid_t)syscall(SYS_gettid);
	thread_result = try_receive(thread_target, &notif);
	thread_errno = errno;
	thread_done = true;
	/* The id stays ours for as long as it is looked at. */
	for (;;)
		pause();
	return NULL;
}

/* The notification was there, and is gone. Of a count of events one is left over. */
static void gone_before(struct target target, int signal)
{
	struct seccomp_notif notif;

	wait_readable(target);
	kill(target.pid, signal);
	if (signal == SIGKILL)
		target_end(target);
	else
		supervisor_await();
	say("receive %s", value(try_receive(target, &notif)));
	if (signal != SIGKILL) {
		supervisor_pass();
		target_end(target);
	}
}

static void killed_before(void)
{
	gone_before(target_start(0, body_call), SIGKILL);
}

static void interrupted_before(void)
{
	gone_before(target_start(0, body_handler), SIGUSR1);
}

/* Ends while somebody waits: nothing was ever pending. */
static void body_leave(void)
{
	target_await();
}

static void ends_while_waiting(void)
{
	struct target target = target_start(0, body_leave);
	struct pollfd gone = { .fd = target.listener };
	pthread_t thread;

	thread_tid = shared(sizeof(*thread_tid));
	thread_target = target;
	if (pthread_create(&thread, NULL, receive_late, NULL))
		broken("pthread_create");
	while (!*(volatile pid_t *)thread_tid)
		sched_yield();
	await_in_call(*thread_tid, SYS_ioctl);
	supervisor_pass();
	target_end(target);
	/*
	 * Whoever waits is woken by the event that this waits for, but behind this: for a moment it
	 * looks as if it went on waiting.
	 */
	poll(&gone, 1, -1);
	for (int i = 0; i < 1000 && !thread_done; i++)
		usleep(1000);
	errno = thread_errno;
	say("receive %s", thread_done ? value(thread_result) : "blocks");
	_exit(0);
}

static void signal_while_waiting(void)
{
	struct target target = target_start(0, body_leave);
	struct sigaction action = { .sa_handler = handler };
	struct seccomp_notif notif;
	pid_t supervisor = getpid();
	pid_t watcher;

	sigaction(SIGUSR1, &action, NULL);
	watcher = fork();
	if (watcher == 0) {
		await_in_call(supervisor, SYS_ioctl);
		kill(supervisor, SIGUSR1);
		_exit(0);
	}
	say("receive %s", value(try_receive(target, &notif)));
	supervisor_pass();
	target_end(target);
}

static void bad_buffer(void)
{
	struct target target = target_start(0, body_call);
	void *readable = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct seccomp_notif notif;

	say("no buffer %s", value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_RECV, NULL)));
	wait_readable(target);
	say("read-only %s", value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_RECV, readable)));
	say("again %s", value(try_receive(target, &notif)));
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static void dead_id(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("alive %s", value(id_valid(target, notif.id)));
	kill(target.pid, SIGKILL);
	target_end(target);
	say("dead %s", value(id_valid(target, notif.id)));
}

static void interrupted_id(void)
{
	struct target target = target_start(0, body_handler);
	struct seccomp_notif notif = receive(target);

	say("before %s", value(id_valid(target, notif.id)));
	kill(target.pid, SIGUSR1);
	supervisor_await();
	say("after %s", value(id_valid(target, notif.id)));
	supervisor_pass();
	target_end(target);
}

static void answered_id(void)
{
	struct target target = target_start(0, body_handler);
	struct seccomp_notif notif = receive(target);

	answer(target, notif.id, 0, 5, 0);
	supervisor_await();
	say("answered %s", value(id_valid(target, notif.id)));
	say("never given %s", value(id_valid(target, 12345)));
	say("no pointer %s", value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, NULL)));
	supervisor_pass();
	target_end(target);
}

static void unknown_ioctl(void)
{
	struct target target = target_start(0, body_nothing);

	say("unknown %s", value(ioctl(target.listener, _IO('!', 99), 0)));
	say("read %s", value(read(target.listener, &target, 1)));
	target_end(target);
}

#define RECV  "SECCOMP_IOCTL_NOTIF_RECV "
#define VALID "SECCOMP_IOCTL_NOTIF_ID_VALID "

static const struct manual_case cases[] = {
	{ "ioctl-unknown", U("IOCTL OPERATIONS #1"),
	  "the descriptor has these ioctls and no others",
	  "unknown EINVAL, read EINVAL, target: nothing, it: exit 0", unknown_ioctl },
	REMARK("recv-event", U(RECV "#1"), "gets a notification", "case unotify-action shows it"),
	REMARK("recv-blocks", U(RECV "#2"), "and waits for one", "case unotify-receive shows it"),
	{ "recv-zeroed", U(RECV "#3"), "the record has to be zero before",
	  "byte 0 EINVAL, byte 40 EINVAL, last EINVAL, target: 5, it: exit 0", zeroed },
	{ "recv-unique", U(RECV "#4"), "the cookie is unique for the filter",
	  "valid 0, the next is another, the first is valid ENOENT, target: 5, 6, it: exit 0",
	  unique },
	{ "recv-id-valid", U(RECV "#5"), "ID_VALID takes the cookie",
	  "valid 0, the next is another, the first is valid ENOENT, target: 5, 6, it: exit 0",
	  unique },
	REMARK("recv-id-send", U(RECV "#6"), "SEND takes the cookie",
	       "case unotify-cookie shows it"),
	{ "recv-pid", U(RECV "#7"), "pid is the id of the thread that called",
	  "pid of the thread, flags 0, target: 5, it: exit 0", thread_id },
	{ "recv-flags", U(RECV "#8"), "flags is 0",
	  "pid of the thread, flags 0, target: 5, it: exit 0", thread_id },
	{ "recv-data", U(RECV "#9"), "data is what the filter was given",
	  "nr getppid, arch x86-64, instruction there, args, 0x1111111122222222, 0x2, 0x3, 0x4, "
	  "0x5, 0xbbbbbbbbcccccccc, target: 5, it: exit 0",
	  data },
	{ "recv-success", U(RECV "#10"), "0 is success", "0, target: 5, it: exit 0", success },
	{ "recv-killed", U(RECV "ENOENT"), "ENOENT: the target was killed meanwhile",
	  "target: nothing, it: SIGKILL, receive ENOENT", killed_before },
	{ "recv-interrupted", U(RECV "ENOENT"), "ENOENT: a handler interrupted the call meanwhile",
	  "receive ENOENT, target: handler, EINTR, it: exit 0", interrupted_before },
	{ "recv-fault", H("NOTIF_RECV #1"), "EFAULT: a bad pointer; the notification is not lost",
	  "no buffer EFAULT, read-only EFAULT, again 0, target: 5, it: exit 0", bad_buffer },
	{ "recv-signal", H("NOTIF_RECV #2"), "EINTR: a signal to the supervisor",
	  "receive EINTR, target: handler, it: exit 0", signal_while_waiting },
	{ "valid-dead", U(VALID "#1"), "tells whether the target still waits",
	  "alive 0, target: nothing, it: SIGKILL, dead ENOENT", dead_id },
	{ "valid-interrupted", U(VALID "#1"), "not if a handler interrupted it",
	  "before 0, after ENOENT, target: handler, EINTR, it: exit 0", interrupted_id },
	{ "valid-answered", U(VALID "#2"), "takes a pointer to the cookie; not if it was answered",
	  "answered ENOENT, never given ENOENT, no pointer EFAULT, target: 5, it: exit 0",
	  answered_id },
	REMARK("valid-race", U(VALID "#3"), "the pid could be that of another process by now",
	       "a reason"),
	REMARK("valid-steps", U(VALID "(1)-(4)"), "how that happens", "a story"),
	{ "valid-after-open", U(VALID "#4"), "check it after the open of /proc/TID/mem",
	  "alive 0, target: nothing, it: SIGKILL, dead ENOENT", dead_id },
	{ "valid-success", U(VALID "#5"), "0 if it is valid, ENOENT otherwise",
	  "alive 0, target: nothing, it: SIGKILL, dead ENOENT", dead_id },
	{ "recv-after-end", U("BUGS #1"), "RECV blocks although the target has ended",
	  "target: nothing, it: exit 0, receive blocks", ends_while_waiting, "mended in 6.11",
	  "6.11: target: nothing, it: exit 0, receive ENOENT" },
};

TABLE(receive_table, cases);
