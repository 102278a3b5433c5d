// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_SET_MODE_STRICT. */
#define _GNU_SOURCE
#include "frame.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int to_child[2], to_parent[2];

static void strict(void)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL))
		broken("strict");
}

static void leave(int status)
{
	syscall(SYS_exit, status);
}

static void read_write_in_child(void)
{
	char byte = 0;

	strict();
	tell("write %ld", (long)write(to_child[1], "x", 1));
	tell("read %ld", (long)read(to_child[0], &byte, 1));
	leave(3);
}

static void read_write(void)
{
	if (pipe(to_child))
		broken("pipe");
	child_says("thread", read_write_in_child);
	said("calls");
}

static void exit_group_in_child(void)
{
	strict();
	syscall(SYS_exit_group, 3);
}

static void exit_group_kills(void)
{
	child_says("exit_group", exit_group_in_child);
}

static volatile sig_atomic_t handled;

static void handler(int signal)
{
	handled = signal;
}

static void sigreturn_in_child(void)
{
	signal(SIGTRAP, handler);
	strict();
	asm volatile("int3");
	tell("handler %s", handled == SIGTRAP ? "ran and returned" : "did not run");
	leave(3);
}

static void sigreturn_runs(void)
{
	child_says("thread", sigreturn_in_child);
	said("signal");
}

static void i386_in_child(void)
{
	strict();
	tell("read %ld", call_i386(3, 0x7fffffff, 0, 0));
	call_i386(1, 4, 0, 0);
}

static void i386_getpid_in_child(void)
{
	strict();
	call_i386(20, 0, 0, 0);
}

/* With 64-bit numbers, 1 would be write; the i386 ABI has exit there. */
static void i386_calls(void)
{
	if (pipe(to_child))
		broken("pipe");
	child_says("read and exit", i386_in_child);
	said("calls");
	child_says("getpid", i386_getpid_in_child);
}

static void getpid_in_child(void)
{
	strict();
	syscall(SYS_getppid);
	leave(3);
}

static void handled_in_child(void)
{
	signal(SIGKILL, handler);
	signal(SIGSYS, handler);
	getpid_in_child();
}

static void others_kill(void)
{
	child_says("getppid", getpid_in_child);
	child_says("with a handler for SIGSYS", handled_in_child);
}

static void thread_body(void)
{
	strict();
	syscall(SYS_getppid);
	tell("came back");
}

static void thread_in_child(void)
{
	run_thread(thread_body);
	tell("getppid of another thread: %s", outcome(syscall(SYS_getppid)));
	_exit(5);
}

static void thread_dies(void)
{
	child_says("process", thread_in_child);
	said("after it");
}

static void block_all(int signal, siginfo_t *info, void *context)
{
	ucontext_t *registers = context;

	(void)signal;
	(void)info;
	sigfillset(&registers->uc_sigmask);
}

static void block_then(void (*before)(void))
{
	struct sigaction action = { .sa_sigaction = block_all, .sa_flags = SA_SIGINFO };
	char byte;

	sigaction(SIGTRAP, &action, NULL);
	before();
	strict();
	asm volatile("int3");
	if (write(to_parent[1], "x", 1) == 1 && read(to_child[0], &byte, 1) == 1)
		leave(7);
	leave(8);
}

static void nothing(void)
{
}

/* Blocked from here on, or it could come too early; the handler's return keeps it blocked. */
static void arm_alarm(void)
{
	struct itimerval soon = { .it_value.tv_usec = 1000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

static pid_t start_blocking(void (*before)(void))
{
	char byte;
	pid_t pid;

	if (pipe(to_child) || pipe(to_parent))
		broken("pipe");
	pid = fork();
	if (pid == 0)
		block_then(before);
	if (pid < 0 || read(to_parent[0], &byte, 1) != 1)
		broken("child");
	return pid;
}

static void finish(pid_t pid)
{
	int status;

	if (write(to_child[1], "x", 1) != 1 || waitpid(pid, &status, 0) != pid)
		broken("child");
	say_status("process", status);
}

static void sigreturn_blocks(void)
{
	pid_t pid = start_blocking(nothing);
	char text[64] = "";
	unsigned long long mask;

	status_field(pid, "SigBlk", text, sizeof(text));
	mask = strtoull(text, NULL, 16);
	say("SIGUSR1 %s", mask & 1ULL << (SIGUSR1 - 1) ? "blocked" : "not blocked");
	say("SIGKILL %s", mask & 1ULL << (SIGKILL - 1) ? "blocked" : "not blocked");
	say("SIGSTOP %s", mask & 1ULL << (SIGSTOP - 1) ? "blocked" : "not blocked");
	kill(pid, SIGUSR1);
	finish(pid);
}

static void alarm_is_not_enough(void)
{
	pid_t pid = start_blocking(arm_alarm);

	await_field(pid, "ShdPnd", "0000000000002000");
	say("SIGALRM pending");
	finish(pid);
}

static void spin(void)
{
	for (;;)
		asm volatile("pause");
}

static void timer_in_child(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &soon, NULL))
		broken("timer");
	strict();
	spin();
}

static void limit_in_child(void)
{
	struct rlimit limit = { 1, 1 };

	setrlimit(RLIMIT_CPU, &limit);
	strict();
	spin();
}

static void timer_kills(void)
{
	child_says("process", timer_in_child);
}

static void limit_kills(void)
{
	child_says("process", limit_in_child);
}

static void refuses_flags(void)
{
	say("flags 1: %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL)));
	say("mode after it: %s", value(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)));
}

static void refuses_args(void)
{
	say("args: %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, &handled)));
	say("mode after it: %s", value(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)));
}

static void prctl_in_child(void)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
		broken("prctl");
	tell("write %ld", (long)write(to_child[1], "x", 1));
	syscall(SYS_getppid);
}

static void as_prctl(void)
{
	if (pipe(to_child))
		broken("pipe");
	child_says("process", prctl_in_child);
	said("before getppid");
}

#define WHERE "SECCOMP_SET_MODE_STRICT "

static const struct manual_case cases[] = {
	{ "strict-read-write", S(WHERE "#1"), "read, write and _exit of the thread run",
	  "thread: exit 3, calls: write 1, read 1", read_write },
	{ "strict-exit-group", S(WHERE "#1"), "exit_group is not among the permitted calls",
	  "exit_group: SIGKILL", exit_group_kills },
	{ "strict-sigreturn", S(WHERE "#1"), "a signal handler can return",
	  "thread: exit 3, signal: handler ran and returned", sigreturn_runs },
	{ "strict-i386", S(WHERE "#1"),
	  "of the i386 ABI, the calls of the same names are permitted",
	  "read and exit: exit 4, calls: read -9, getpid: SIGKILL", i386_calls },
	{ "strict-others", S(WHERE "#2"),
	  "any other call ends a process of one thread with SIGKILL, whatever it handles",
	  "getppid: SIGKILL, with a handler for SIGSYS: SIGKILL", others_kill },
	{ "strict-thread", S(WHERE "#2"), "any other call ends the calling thread; others go on",
	  "process: exit 5, after it: getppid of another thread: ran", thread_dies },
	REMARK("strict-use", S(WHERE "#3"),
	       "good for number crunching by code from a pipe or socket", "advice"),
	{ "strict-block", S(WHERE "#4"),
	  "the return from a handler can block all signals but SIGKILL and SIGSTOP",
	  "SIGUSR1 blocked, SIGKILL not blocked, SIGSTOP not blocked, process: exit 7",
	  sigreturn_blocks },
	{ "strict-alarm", S(WHERE "#5"), "so an alarm does not reliably end the process",
	  "SIGALRM pending, process: exit 7", alarm_is_not_enough },
	REMARK("strict-use-sigkill", S(WHERE "#6"), "to end it reliably, use SIGKILL",
	       "advice; the next two show it"),
	{ "strict-timer", S(WHERE "#7"), "a timer that was set to send SIGKILL ends the process",
	  "process: SIGKILL", timer_kills },
	{ "strict-limit", S(WHERE "#7"), "the hard limit of RLIMIT_CPU ends the process",
	  "process: SIGKILL", limit_kills },
	REMARK("strict-config", S(WHERE "#8"), "there only with CONFIG_SECCOMP",
	       "the kernels under test have it"),
	{ "strict-flags", S(WHERE "#9"), "flags must be 0", "flags 1: EINVAL, mode after it: 0",
	  refuses_flags },
	{ "strict-args", S(WHERE "#9"), "args must be NULL", "args: EINVAL, mode after it: 0",
	  refuses_args },
	{ "strict-prctl", S(WHERE "#10"), "does the same as PR_SET_SECCOMP of the strict mode",
	  "process: SIGKILL, before getppid: write 1", as_prctl },
};

TABLE(strict_table, cases);
