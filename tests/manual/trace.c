// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_RET_TRACE with a tracer, and PTRACE_SECCOMP_GET_FILTER. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACE_DATA 0xabcd

static bool ask_for_events = true;
static void (*tracee_filters)(void);

static void trace_getppid(void)
{
	must_install_on(0, SYS_getppid, SECCOMP_RET_TRACE | TRACE_DATA);
}

static void tracee(void)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		broken("PTRACE_TRACEME");
	raise(SIGSTOP);
	tracee_filters();
	tell("getppid %s", value(syscall(SYS_getppid)));
	_exit(0);
}

/* At its first stop, with the options set. */
static pid_t start_tracee(void (*filters)(void))
{
	pid_t pid;
	int status;

	tracee_filters = filters;
	pid = fork();
	if (pid == 0)
		tracee();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		broken("tracee");
	if (ask_for_events &&
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL))
		broken("PTRACE_SETOPTIONS");
	return pid;
}

/* To the next event; false at its end. */
static bool next_event(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_CONT, pid, 0, 0) || waitpid(pid, &status, 0) != pid)
		broken("tracee");
	if (!WIFSTOPPED(status)) {
		said("tracee");
		say_status("it", status);
		return false;
	}
	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
		unsigned long message = 0;

		ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
		say("PTRACE_EVENT_SECCOMP with %#lx", message);
	} else {
		say("stop by SIG%s", sigabbrev_np(WSTOPSIG(status)));
	}
	return true;
}

static void to_the_end(pid_t pid)
{
	while (next_event(pid))
		;
}

static struct user_regs_struct registers_of(pid_t pid)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, pid, 0, &registers))
		broken("PTRACE_GETREGS");
	return registers;
}

static void set_number(pid_t pid, long nr, long result)
{
	struct user_regs_struct registers = registers_of(pid);

	registers.orig_rax = (unsigned long)nr;
	registers.rax = (unsigned long)result;
	if (ptrace(PTRACE_SETREGS, pid, 0, &registers))
		broken("PTRACE_SETREGS");
}

static void notified(void)
{
	pid_t pid = start_tracee(trace_getppid);

	if (next_event(pid)) {
		say("before the call: %s",
		    registers_of(pid).orig_rax == SYS_getppid ? "getppid" : "another");
		set_number(pid, -1, 99);
		to_the_end(pid);
	}
}

static void no_option(void)
{
	ask_for_events = false;
	to_the_end(start_tracee(trace_getppid));
}

static void skips(void)
{
	pid_t pid = start_tracee(trace_getppid);

	if (next_event(pid)) {
		set_number(pid, -1, -ERANGE);
		to_the_end(pid);
	}
}

static void changes(void)
{
	pid_t pid = start_tracee(trace_getppid);

	if (next_event(pid)) {
		set_number(pid, SYS_geteuid, -ENOSYS);
		to_the_end(pid);
	}
}

static void trace_and_deny(void)
{
	must_install_on(0, SYS_geteuid, FAIL(EDOM));
	trace_getppid();
}

static void changes_to_denied(void)
{
	pid_t pid = start_tracee(trace_and_deny);

	if (next_event(pid)) {
		set_number(pid, SYS_geteuid, -ENOSYS);
		to_the_end(pid);
	}
}

static void trace_and_fail(void)
{
	must_install_on(0, SYS_getppid, FAIL(EDOM));
	trace_getppid();
}

static void precedence(void)
{
	to_the_end(start_tracee(trace_and_fail));
}

static void two_filters(void)
{
	must_install_on(0, SYS_getppid, FAIL(EDOM));
	must_install_on(0, SYS_getsid, FAIL(ERANGE));
	raise(SIGSTOP);
}

static void dump(void)
{
	struct sock_filter filter[16];
	pid_t pid = start_tracee(two_filters);
	long count;

	if (!next_event(pid))
		return;
	for (long i = 0; i < 3; i++) {
		count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, i, filter);
		say("%ld: %s", i, value(count));
		if (count == 4)
			say("for %s", filter[1].k == SYS_getsid	 ? "getsid" :
				      filter[1].k == SYS_getppid ? "getppid" :
								   "another");
	}
	kill(pid, SIGKILL);
}

#define WHERE "SECCOMP_RET_TRACE "

static const struct manual_case cases[] = {
	{ "trace-notified", S(WHERE "#1"), "a tracer is told before the call is executed",
	  "PTRACE_EVENT_SECCOMP with 0xabcd, before the call: getppid, tracee: getppid 99, "
	  "it: exit 0",
	  notified },
	{ "trace-option", S(WHERE "#3"), "if it did not ask with PTRACE_O_TRACESECCOMP: ENOSYS",
	  "tracee: getppid ENOSYS, it: exit 0", no_option },
	{ "trace-message", S(WHERE "#4"),
	  "the event is PTRACE_EVENT_SECCOMP; PTRACE_GETEVENTMSG has the data",
	  "PTRACE_EVENT_SECCOMP with 0xabcd, before the call: getppid, tracee: getppid 99, "
	  "it: exit 0",
	  notified },
	{ "trace-skip", S(WHERE "#5"), "a number of -1 skips the call",
	  "PTRACE_EVENT_SECCOMP with 0xabcd, tracee: getppid ERANGE, it: exit 0", skips },
	{ "trace-change", S(WHERE "#6"), "another number makes it another call",
	  "PTRACE_EVENT_SECCOMP with 0xabcd, tracee: getppid 0, it: exit 0", changes },
	{ "trace-result", S(WHERE "#7"), "a skipped call returns what is in the return register",
	  "PTRACE_EVENT_SECCOMP with 0xabcd, before the call: getppid, tracee: getppid 99, "
	  "it: exit 0",
	  notified },
	{ "trace-again", S(WHERE "#8"),
	  "since 4.8 the filters see the call that a tracer made of it",
	  "PTRACE_EVENT_SECCOMP with 0xabcd, tracee: getppid EDOM, it: exit 0", changes_to_denied },
	REMARK("trace-before", S(WHERE "#9"), "before that, ptrace got out of a sandbox",
	       "older than the kernels under test"),
	{ "trace-precedence", S(WHERE "#10"), "no event if another filter's action has precedence",
	  "tracee: getppid EDOM, it: exit 0", precedence },
	{ "trace-dump", S("NOTES #4"), "PTRACE_SECCOMP_GET_FILTER reads filters back, oldest first",
	  "stop by SIGSTOP, 0: 4, for getppid, 1: 4, for getsid, 2: ENOENT", dump },
};

TABLE(trace_table, cases);
