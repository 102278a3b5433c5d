// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_IOCTL_NOTIF_SEND. */
#define _GNU_SOURCE
#include "target.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTINUE SECCOMP_USER_NOTIF_FLAG_CONTINUE

static void body_checked(void)
{
	long ret = syscall(SYS_getppid);

	if (ret == -1)
		tell("%s", value(ret));
	else
		tell("%s", ret == getpgid(0) ? "its parent" : value(ret));
	target_pass();
	target_await();
}

static void sent(const char *name, int error, int64_t val, uint32_t flags)
{
	struct target target = target_start(0, body_checked);
	struct seccomp_notif notif = receive(target);

	say("%s %s", name, value(answer(target, notif.id, error, val, flags)));
	supervisor_await();
	supervisor_pass();
	target_end(target);
	close(target.listener);
}

static void values(void)
{
	sent("val 7", 0, 7, 0);
	sent("val beyond 32 bits", 0, 0x123456789, 0);
	sent("val -2", 0, -2, 0);
}

static void errors(void)
{
	sent("error", -EDOM, 0, 0);
	sent("error and val", -EDOM, 7, 0);
}

static void positive_error(void)
{
	sent("error 33", 33, 0, 0);
}

static void continues(void)
{
	sent("continue", 0, 0, CONTINUE);
}

static void refused(uint32_t flags, int error, int64_t val)
{
	struct target target = target_start(0, body_checked);
	struct seccomp_notif notif = receive(target);

	say("flags %u, error %d, val %d: %s", flags, error, (int)val,
	    value(answer(target, notif.id, error, val, flags)));
	say("then %s", value(answer(target, notif.id, 0, 1, 0)));
	supervisor_await();
	supervisor_pass();
	target_end(target);
	close(target.listener);
}

static void bad_flags(void)
{
	refused(2, 0, 0);
	refused(1U << 31, 0, 0);
}

static void bad_continue(void)
{
	refused(CONTINUE, -EDOM, 0);
	refused(CONTINUE, 0, 1);
}

static void twice(void)
{
	struct seccomp_notif notif;
	struct target target;

	go_first();
	target = target_start(0, body_checked);
	notif = receive(target);
	say("first %s", value(answer(target, notif.id, 0, 1, 0)));
	say("second %s", value(answer(target, notif.id, 0, 2, 0)));
	supervisor_await();
	say("later %s", value(answer(target, notif.id, 0, 3, 0)));
	supervisor_pass();
	target_end(target);
}

static void not_received(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("next cookie %s", value(answer(target, notif.id + 1, 0, 1, 0)));
	answer(target, notif.id, 0, 1, 0);
	target_end(target);
}

static void dead(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	kill(target.pid, SIGKILL);
	target_end(target);
	say("answer %s", value(answer(target, notif.id, 0, 1, 0)));
}

static void handler(int signal)
{
	(void)signal;
}

static void body_interrupted(void)
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(SIGUSR1, &action, NULL);
	body_checked();
}

static void interrupted(void)
{
	struct target target = target_start(0, body_interrupted);
	struct seccomp_notif notif = receive(target);

	kill(target.pid, SIGUSR1);
	supervisor_await();
	say("answer %s", value(answer(target, notif.id, 0, 1, 0)));
	supervisor_pass();
	target_end(target);
}

static void no_pointer(void)
{
	struct target target = target_start(0, body_call);
	struct seccomp_notif notif = receive(target);

	say("answer %s", value(ioctl(target.listener, SECCOMP_IOCTL_NOTIF_SEND, NULL)));
	answer(target, notif.id, 0, 5, 0);
	target_end(target);
}

static char *name;

static void body_rewritten(void)
{
	tell("%s", value(syscall(SYS_getppid)));
	tell("name %s", name);
}

/* What is behind a pointer can be changed between the check and the call. */
static void rewritten(void)
{
	struct target target;
	struct seccomp_notif notif;

	name = shared(16);
	strcpy(name, "good");
	target = target_start(0, body_rewritten);
	notif = receive(target);
	say("seen %s", name);
	strcpy(name, "bad");
	answer(target, notif.id, 0, 0, 0);
	target_end(target);
}

static void body_bypass(void)
{
	must_install_on(0, SYS_getppid, FAIL(ERANGE));
	body_call();
}

static void bypass(void)
{
	struct target target = target_start(0, body_bypass);

	target_end(target);
}

#define WHERE "SECCOMP_IOCTL_NOTIF_SEND "

static const struct manual_case cases[] = {
	{ "send-pointer", U(WHERE "#1"), "takes a pointer to a response",
	  "answer EFAULT, target: 5, it: exit 0", no_pointer },
	{ "send-id", U(WHERE "#2"), "id is the notification's cookie",
	  "next cookie ENOENT, target: 1, it: exit 0", not_received },
	{ "send-val", U(WHERE "#3"), "val is what the call returns",
	  "val 7 0, target: 7, it: exit 0, val beyond 32 bits 0, target: 4886718345, it: exit 0, "
	  "val -2 0, target: ENOENT, it: exit 0",
	  values },
	{ "send-error", U(WHERE "#4"), "error is the errno, negative",
	  "error 0, target: EDOM, it: exit 0, error and val 0, target: EDOM, it: exit 0", errors },
	{ "send-flags", U(WHERE "#5"), "CONTINUE is the flag there is",
	  "continue 0, target: its parent, it: exit 0", continues },
	{ "send-continue", U(WHERE "#6"), "CONTINUE executes the call",
	  "continue 0, target: its parent, it: exit 0", continues },
	{ "send-continue-zero", U(WHERE "#7"), "then error and val have to be 0",
	  "flags 1, error -33, val 0: EINVAL, then 0, target: 1, it: exit 0, "
	  "flags 1, error 0, val 1: EINVAL, then 0, target: 1, it: exit 0",
	  bad_continue },
	REMARK("send-continue-use", U(WHERE "#8"), "for what needs a look and no emulation",
	       "a reason"),
	REMARK("send-continue-care", U(WHERE "#9"), "with caution", "advice"),
	{ "send-spoof", U(WHERE "#10"), "otherwise the call is not executed, and returns val",
	  "val 7 0, target: 7, it: exit 0, val beyond 32 bits 0, target: 4886718345, it: exit 0, "
	  "val -2 0, target: ENOENT, it: exit 0",
	  values },
	{ "send-spoof-error", U(WHERE "#11"), "or -1 and errno; val does not count then",
	  "error 0, target: EDOM, it: exit 0, error and val 0, target: EDOM, it: exit 0", errors },
	{ "send-positive", H("NOTIF_SEND #1"), "an error above 0 is returned as it is",
	  "error 33 0, target: 33, it: exit 0", positive_error },
	{ "send-twice", U(WHERE "EINPROGRESS"), "EINPROGRESS: it was answered already",
	  "first 0, second EINPROGRESS, later ENOENT, target: 1, it: exit 0", twice },
	{ "send-bad-flags", U(WHERE "EINVAL #1"), "EINVAL: an unknown flag",
	  "flags 2, error 0, val 0: EINVAL, then 0, target: 1, it: exit 0, "
	  "flags 2147483648, error 0, val 0: EINVAL, then 0, target: 1, it: exit 0",
	  bad_flags },
	{ "send-bad-continue", U(WHERE "EINVAL #2"), "EINVAL: CONTINUE with error or val",
	  "flags 1, error -33, val 0: EINVAL, then 0, target: 1, it: exit 0, "
	  "flags 1, error 0, val 1: EINVAL, then 0, target: 1, it: exit 0",
	  bad_continue },
	{ "send-interrupted", U(WHERE "ENOENT"), "ENOENT: a handler interrupted the call",
	  "answer ENOENT, target: EINTR, it: exit 0", interrupted },
	{ "send-dead", U(WHERE "ENOENT"), "ENOENT: the target has ended",
	  "target: nothing, it: SIGKILL, answer ENOENT", dead },
	REMARK("notes-use", U("NOTES #1"), "container managers that mount or make nodes",
	       "an example"),
	REMARK("notes-use-continue", U("NOTES #2"), "and let go on what needs no help",
	       "an example"),
	REMARK("design-intent", U("Design goals #1"), "calls are made for the target, or go on",
	       "a reason"),
	REMARK("design-policy", U("Design goals #2"), "not for policies: there are races",
	       "advice"),
	{ "design-race", U("Design goals #3"), "memory can change between check and call",
	  "seen good, target: 0, name bad, it: exit 0", rewritten },
	{ "design-bypass", U("Design goals #4"),
	  "a filter of higher precedence keeps the supervisor from being told",
	  "target: ERANGE, it: exit 0", bypass },
	{ "notif-precedence", S("SECCOMP_RET_USER_NOTIF #3"),
	  "no notification if another filter's action has precedence", "target: ERANGE, it: exit 0",
	  bypass },
	REMARK("design-other", U("Design goals #5"),
	       "another mechanism has to keep the call from doing harm", "advice"),
};

TABLE(reply_table, cases);
