// SPDX-License-Identifier: LGPL-2.1-or-later
/* poll and its kind, and signals while a target waits. */
#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *events_of(int fd, int timeout)
{
	struct pollfd ready = { fd, POLLIN | POLLOUT, 0 };
	static char text[64];

	if (poll(&ready, 1, timeout) < 0)
		return value(-1);
	strcpy(text, ready.revents ? "" : " nothing");
	if (ready.revents & POLLIN)
		strcat(text, " IN");
	if (ready.revents & POLLOUT)
		strcat(text, " OUT");
	if (ready.revents & POLLHUP)
		strcat(text, " HUP");
	if (ready.revents & POLLERR)
		strcat(text, " ERR");
	return text + 1;
}

static const char *selected(int fd)
{
	fd_set in, out;
	struct timeval now = {};
	int count;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	count = select(fd + 1, &in, &out, NULL, &now);
	if (count < 0)
		return value(-1);
	if (FD_ISSET(fd, &in))
		return FD_ISSET(fd, &out) ? "readable and writable" : "readable";
	return FD_ISSET(fd, &out) ? "writable" : "neither";
}

static const char *epolled(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int epoll = epoll_create1(EPOLL_CLOEXEC), count;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		broken("epoll");
	count = epoll_wait(epoll, &event, 1, 0);
	close(epoll);
	if (!count)
		return "nothing";
	return event.events == EPOLLIN	? "IN" :
	       event.events == EPOLLOUT ? "OUT" :
	       event.events == EPOLLHUP ? "HUP" :
					  "several";
}

static void say_ready(const char *when, int fd)
{
	say("%s: poll %s, select %s, epoll %s", when, events_of(fd, 0), selected(fd), epolled(fd));
}

static void body_waits(void)
{
	target_await();
	body_call();
}

static void indications(void)
{
	struct target target = target_start(0, body_waits);
	struct seccomp_notif notif;

	say_ready("before", target.listener);
	supervisor_pass();
	events_of(target.listener, -1);
	say_ready("pending", target.listener);
	notif = receive(target);
	say_ready("received", target.listener);
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
	events_of(target.listener, -1);
	say_ready("ended", target.listener);
}

/* Two threads of it; the last one to end counts. */
static void body_leader(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		target_await();
		_exit(0);
	}
}

static void last_one(void)
{
	struct pollfd hup = {};
	struct target target;

	/* Nobody else shall reap the child. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	target = target_start(0, body_leader);
	hup.fd = target.listener;
	target_end(target);
	say("a child of it lives: %s", events_of(target.listener, 0));
	supervisor_pass();
	if (waitpid(-1, NULL, 0) < 0)
		broken("waitpid");
	poll(&hup, 1, -1);
	say("it has ended: %s", events_of(target.listener, -1));
}

static void handler(int signal)
{
	(void)signal;
	tell("handler");
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
}

static void call_and_meet(void)
{
	tell("%s", value(syscall(target_nr, 0, 0)));
	target_pass();
	target_await();
}

static void body_plain(void)
{
	handle(0);
	call_and_meet();
}

static void body_restart(void)
{
	handle(SA_RESTART);
	call_and_meet();
}

static void gone(void)
{
	struct target target = target_start(0, body_plain);
	struct seccomp_notif notif;

	say("%s", events_of(target.listener, -1));
	kill(target.pid, SIGUSR1);
	supervisor_await();
	say("receive %s", value(try_receive(target, &notif)));
	supervisor_pass();
	target_end(target);
}

static void interrupted(void)
{
	struct target target = target_start(0, body_plain);
	struct seccomp_notif notif = receive(target);

	say("received: %s", events_of(target.listener, 0));
	kill(target.pid, SIGUSR1);
	supervisor_await();
	say("interrupted: %s", events_of(target.listener, 0));
	say("id %s", value(id_valid(target, notif.id)));
	supervisor_pass();
	target_end(target);
}

static void restarted(void)
{
	struct target target = target_start(0, body_restart);
	struct seccomp_notif first = receive(target), second;

	kill(target.pid, SIGUSR1);
	second = receive(target);
	say("second notification: %s call, %s cookie",
	    first.data.nr == second.data.nr ? "the same" : "another",
	    first.id == second.id ? "the same" : "another");
	say("answer to the first %s", value(answer(target, first.id, 0, 1, 0)));
	say("to the second %s", value(answer(target, second.id, 0, 2, 0)));
	supervisor_await();
	supervisor_pass();
	target_end(target);
}

static void many(void)
{
	struct target target = target_start(0, body_restart);
	struct seccomp_notif notif = receive(target);

	for (int i = 0; i < 3; i++) {
		kill(target.pid, SIGUSR1);
		notif = receive(target);
	}
	say("answer %s", value(answer(target, notif.id, 0, 2, 0)));
	supervisor_await();
	supervisor_pass();
	target_end(target);
}

static void never_restarted(void)
{
	target_nr = SYS_pause;
	restarted();
}

static void killable(void)
{
	struct target target = target_start(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, body_plain);
	struct seccomp_notif notif = receive(target);

	kill(target.pid, SIGUSR1);
	say("after a signal: id %s", value(id_valid(target, notif.id)));
	say("answer %s", value(answer(target, notif.id, 0, 5, 0)));
	supervisor_await();
	supervisor_pass();
	target_end(target);
}

static void killable_before(void)
{
	struct target target = target_start(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, body_plain);
	struct seccomp_notif notif;

	events_of(target.listener, -1);
	kill(target.pid, SIGUSR1);
	supervisor_await();
	say("not received yet: receive %s", value(try_receive(target, &notif)));
	supervisor_pass();
	target_end(target);
}

static void killable_kill(void)
{
	struct target target = target_start(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, body_plain);
	struct seccomp_notif notif = receive(target);

	kill(target.pid, SIGKILL);
	target_end(target);
	say("id %s", value(id_valid(target, notif.id)));
}

static void closed(void)
{
	struct target target = target_start(0, body_two_calls);

	receive(target);
	close(target.listener);
	target_end(target);
}

static void closed_pending(void)
{
	struct target target = target_start(0, body_two_calls);

	events_of(target.listener, -1);
	close(target.listener);
	target_end(target);
}

#define POLL	"select()/poll()/epoll semantics "
#define BLOCK	"Caveats regarding blocking system calls "
#define RESTART "Interaction with SA_RESTART signal handlers "
#define READY                                                                     \
	"before: poll nothing, select neither, epoll nothing, "                   \
	"pending: poll IN, select readable, epoll IN, "                           \
	"received: poll OUT, select writable, epoll OUT, target: 5, it: exit 0, " \
	"ended: poll HUP, select readable, epoll HUP"
#define TWICE                                                                              \
	"second notification: the same call, another cookie, answer to the first ENOENT, " \
	"to the second 0, target: handler, 2, it: exit 0"

static const struct manual_case cases[] = {
	REMARK("poll-monitor", U(POLL "#1"), "poll, epoll and select watch the descriptor",
	       "the next cases"),
	{ "poll-pending", U(POLL "#2"), "readable while a notification is pending", READY,
	  indications },
	{ "poll-gone", U(POLL "#3"), "a RECV then does not block; EINTR if the call is gone",
	  "IN, receive EINTR, target: handler, EINTR, it: exit 0", gone,
	  "the error is ENOENT, as the section on RECV has it",
	  "IN, receive ENOENT, target: handler, EINTR, it: exit 0" },
	{ "poll-received", U(POLL "#4"), "writable once it was received", READY, indications },
	{ "poll-ended", U(POLL "#5"), "end of file once the last thread has ended and was reaped",
	  "target: nothing, it: exit 0, a child of it lives: nothing, it has ended: HUP",
	  last_one },
	REMARK("mem-wrong", U("Caveats regarding the use of /proc/[tid]/mem #1"),
	       "the id could be another thread's by now", "a reason"),
	REMARK("mem-story", U("Caveats regarding the use of /proc/[tid]/mem (1)-(7)"),
	       "how memory can be out of date", "a story"),
	{ "mem-abandoned", U("Caveats regarding the use of /proc/[tid]/mem #2"),
	  "the target may give up its call at any time; ID_VALID tells",
	  "received: OUT, interrupted: nothing, id ENOENT, target: handler, EINTR, it: exit 0",
	  interrupted },
	REMARK("mem-check", U("Caveats regarding the use of /proc/[tid]/mem #3"),
	       "check between each read and its use", "advice; mem-abandoned has the check"),
	REMARK("mem-write", U("Caveats regarding the use of /proc/[tid]/mem #4"),
	       "never write there", "advice"),
	REMARK("blocking-story", U(BLOCK "#1"), "a supervisor may block in the call it makes",
	       "a story"),
	{ "blocking-not-told", U(BLOCK "#2"), "an interruption is not told to the supervisor",
	  "received: OUT, interrupted: nothing, id ENOENT, target: handler, EINTR, it: exit 0",
	  interrupted },
	REMARK("blocking-harm", U(BLOCK "#3"), "which may hold what the target wants again",
	       "a story"),
	{ "blocking-find-out", U(BLOCK "#4"), "ID_VALID, or poll, finds it out",
	  "received: OUT, interrupted: nothing, id ENOENT, target: handler, EINTR, it: exit 0",
	  interrupted },
	REMARK("blocking-release", U(BLOCK "#5"), "then release what was taken", "advice"),
	{ "restart-handler", U(RESTART "(1)-(3)"), "a handler with SA_RESTART runs meanwhile",
	  TWICE, restarted },
	{ "restart-enoent", U(RESTART "(4)"), "then SEND fails with ENOENT", TWICE, restarted },
	{ "restart-again", U(RESTART "#1"), "the call is restarted, and notified again", TWICE,
	  restarted },
	{ "restart-many", U(RESTART "#2"), "as often as it is interrupted",
	  "answer 0, target: handler, handler, handler, 2, it: exit 0", many },
	{ "restart-never", U(RESTART "#3"), "even calls that are never restarted otherwise", TWICE,
	  never_restarted },
	REMARK("restart-addfd", U(RESTART "#4"), "with ADDFD use SEND, or descriptors leak",
	       "advice; case addfd-send shows the flag"),
	{ "killable-received", H("WAIT_KILLABLE_RECV #2"),
	  "once received, a signal that does not kill waits for the answer",
	  "after a signal: id 0, answer 0, target: 5, handler, it: exit 0", killable,
	  "the handler runs on the way out, before the program sees the answer",
	  "after a signal: id 0, answer 0, target: handler, 5, it: exit 0" },
	{ "killable-before", H("WAIT_KILLABLE_RECV #3"), "before that it interrupts",
	  "not received yet: receive ENOENT, target: handler, EINTR, it: exit 0", killable_before },
	{ "killable-kill", H("WAIT_KILLABLE_RECV #4"), "SIGKILL is not held up",
	  "target: nothing, it: SIGKILL, id ENOENT", killable_kill },
	{ "closed-received", H("USER_NOTIF #1"), "if the listener is closed: ENOSYS",
	  "target: ENOSYS, ENOSYS, it: exit 0", closed },
	{ "closed-pending", H("USER_NOTIF #2"), "so too what was not received yet",
	  "target: ENOSYS, ENOSYS, it: exit 0", closed_pending },
};

TABLE(wait_table, cases);
