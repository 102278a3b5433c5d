// SPDX-License-Identifier: LGPL-2.1-or-later
/* Several filters: which of their answers counts. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int signal)
{
	(void)signal;
	_exit(40);
}

/* The filter that is named first is the older one. */
static uint32_t stack[8];
static int depth;

static void call_in_child(void)
{
	signal(SIGSYS, handler);
	for (int i = 0; i < depth; i++)
		must_install_on(0, SYS_getppid, stack[i]);
	_exit(syscall(SYS_getppid) == -1 ? errno : 50);
}

static void thread_body(void)
{
	for (int i = 0; i < depth; i++)
		must_install_on(0, SYS_getppid, stack[i]);
	if (syscall(SYS_getppid))
		_exit(60);
}

/* KILL_PROCESS and KILL_THREAD differ where there is another thread. */
static void kill_in_child(void)
{
	run_thread(thread_body);
	_exit(41);
}

static const char *name(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? "killed" : "another signal";
	switch (WEXITSTATUS(status)) {
	case 40:
		return "TRAP";
	case 41:
		return "thread killed";
	case 50:
		return "ran";
	default:
		errno = WEXITSTATUS(status);
		return value(-1);
	}
}

static void data_first(void)
{
	depth = 2;
	stack[0] = FAIL(EDOM);
	stack[1] = FAIL(ERANGE);
	say("the older EDOM, the newer ERANGE: %s", name(in_child(call_in_child)));
	depth = 3;
	stack[2] = SECCOMP_RET_ALLOW;
	say("a newest that allows: %s", name(in_child(call_in_child)));
}

static const struct {
	const char *name;
	uint32_t action;
} order[] = {
	{ "KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "TRAP", SECCOMP_RET_TRAP },
	{ "ERRNO", FAIL(EDOM) },
	{ "USER_NOTIF", SECCOMP_RET_USER_NOTIF },
	{ "TRACE", SECCOMP_RET_TRACE },
	{ "LOG", SECCOMP_RET_LOG },
	{ "ALLOW", SECCOMP_RET_ALLOW },
};

/* Each with each that comes behind it, both ways round. */
static void pairs(size_t which)
{
	depth = 2;
	for (size_t i = which + 1; i < 8; i++) {
		stack[0] = order[which].action;
		stack[1] = order[i].action;
		say("%s: %s", order[i].name, name(in_child(call_in_child)));
		stack[0] = order[i].action;
		stack[1] = order[which].action;
		say("%s", name(in_child(call_in_child)));
	}
}

static void kills(void)
{
	depth = 2;
	stack[0] = SECCOMP_RET_KILL_PROCESS;
	stack[1] = SECCOMP_RET_KILL_THREAD;
	say("KILL_PROCESS, KILL_THREAD: %s", name(in_child(kill_in_child)));
	stack[0] = SECCOMP_RET_KILL_THREAD;
	stack[1] = SECCOMP_RET_KILL_PROCESS;
	say("KILL_THREAD, KILL_PROCESS: %s", name(in_child(kill_in_child)));
	stack[1] = SECCOMP_RET_TRAP;
	say("KILL_THREAD, TRAP: %s", name(in_child(kill_in_child)));
}

static void kill_process(void)
{
	pairs(0);
}

static void kill_thread(void)
{
	pairs(1);
}

static void trap(void)
{
	pairs(2);
}

static void error(void)
{
	pairs(3);
}

static void notif(void)
{
	pairs(4);
}

static void trace(void)
{
	pairs(5);
}

static void log_allow(void)
{
	pairs(6);
}

#define WHERE "Filters, precedence "
#define ALL(a, b, c, d)                                                                      \
	"ERRNO: " a ", " a ", USER_NOTIF: " b ", " b ", TRACE: " c ", " c ", LOG: " d ", " d \
	", ALLOW: " d ", " d

static const struct manual_case cases[] = {
	{ "order-newest", S("Filters #23"), "the newest filter runs first, the oldest last",
	  "the older EDOM, the newer ERANGE: ERANGE, a newest that allows: ERANGE", data_first },
	REMARK("order-all", S("Filters #24"), "all filters run, even behind one that kills",
	       "filters have no side effects that could tell"),
	{ "order-first", S("Filters #25"),
	  "of answers with the same precedence the first seen counts, with its data",
	  "the older EDOM, the newer ERANGE: ERANGE, a newest that allows: ERANGE", data_first },
	{ "order-kills", S(WHERE "#1"), "KILL_PROCESS comes before KILL_THREAD",
	  "KILL_PROCESS, KILL_THREAD: killed, KILL_THREAD, KILL_PROCESS: killed, "
	  "KILL_THREAD, TRAP: thread killed",
	  kills },
	{ "order-kill-process", S(WHERE "#1"), "KILL_PROCESS comes before all, either way round",
	  "KILL_THREAD: killed, killed, TRAP: killed, killed, " ALL("killed", "killed", "killed",
								    "killed"),
	  kill_process },
	{ "order-kill-thread", S(WHERE "#2"), "KILL_THREAD comes before these",
	  "TRAP: killed, killed, " ALL("killed", "killed", "killed", "killed"), kill_thread },
	{ "order-trap", S(WHERE "#3"), "TRAP comes before these",
	  ALL("TRAP", "TRAP", "TRAP", "TRAP"), trap },
	{ "order-errno", S(WHERE "#4"), "ERRNO comes before these",
	  "USER_NOTIF: EDOM, EDOM, TRACE: EDOM, EDOM, LOG: EDOM, EDOM, ALLOW: EDOM, EDOM", error },
	{ "order-notif", S(WHERE "#5"), "USER_NOTIF comes before these; here nobody listens",
	  "TRACE: ENOSYS, ENOSYS, LOG: ENOSYS, ENOSYS, ALLOW: ENOSYS, ENOSYS", notif },
	{ "order-trace", S(WHERE "#6"), "TRACE comes before these; here nobody traces",
	  "LOG: ENOSYS, ENOSYS, ALLOW: ENOSYS, ENOSYS", trace },
	{ "order-log", S(WHERE "#7"), "LOG comes before ALLOW, and both execute the call",
	  "ALLOW: ran, ran", log_allow },
};

TABLE(order_table, cases);
