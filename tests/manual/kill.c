// SPDX-License-Identifier: LGPL-2.1-or-later
/* The two ways to be killed. Nothing else of the tests writes a core. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t action;

/* In a folder of their own, with the name that core_pattern gave before. */
static void with_cores(void (*function)(void))
{
	static const char place[] = "/proc/sys/kernel/core_pattern";
	char folder[] = "/tmp/manual-page-XXXXXX", pattern[256] = "";
	int fd = open(place, O_RDWR | O_CLOEXEC);

	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) <= 0 || !mkdtemp(folder) ||
	    chdir(folder) || pwrite(fd, "core", 4, 0) != 4)
		broken("core_pattern");
	setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	function();
	if (pwrite(fd, pattern, strlen(pattern), 0) < 0)
		broken("core_pattern");
	close(fd);
	unlink("core");
	if (chdir("/") || rmdir(folder))
		broken("rmdir");
}

static void killed_in_child(void)
{
	must_install_on(0, SYS_getppid, action);
	syscall(SYS_getppid);
	tell("came back");
}

static void dumped(void)
{
	child_says("process", killed_in_child);
	say("core file %s", access("core", F_OK) ? "missing" : "there");
	said("call");
}

static void process_dumps(void)
{
	action = SECCOMP_RET_KILL_PROCESS;
	with_cores(dumped);
}

static void thread_dumps(void)
{
	action = SECCOMP_RET_KILL_THREAD;
	with_cores(dumped);
}

static int file;

static void write_in_child(void)
{
	must_install_on(0, SYS_pwrite64, action);
	syscall(SYS_pwrite64, file, "x", 1, 0);
}

static void does_not_run(void)
{
	file = scratch_file();
	child_says("process", write_in_child);
	say("written %ld", (long)lseek(file, 0, SEEK_END));
}

static void process_does_not_run(void)
{
	action = SECCOMP_RET_KILL_PROCESS;
	does_not_run();
}

static void thread_does_not_run(void)
{
	action = SECCOMP_RET_KILL_THREAD;
	does_not_run();
}

static int ends[2];

static void *wait_for_ever(void *unused)
{
	char byte;

	(void)unused;
	if (read(ends[0], &byte, 1) >= 0)
		_exit(9);
	return NULL;
}

static void thread_body(void)
{
	must_install_on(0, SYS_getppid, action);
	syscall(SYS_getppid);
	tell("came back");
}

static void beside_in_child(void)
{
	pthread_t thread;

	if (pipe(ends) || pthread_create(&thread, NULL, wait_for_ever, NULL))
		broken("thread");
	run_thread(thread_body);
	tell("others go on, getppid %s", outcome(syscall(SYS_getppid)));
	_exit(5);
}

static void beside(void)
{
	child_says("process", beside_in_child);
	said("after the call");
}

static void process_takes_all(void)
{
	action = SECCOMP_RET_KILL_PROCESS;
	beside();
}

static void thread_takes_one(void)
{
	action = SECCOMP_RET_KILL_THREAD;
	with_cores(beside);
}

static void handler(int signal)
{
	tell("handler of %d", signal);
}

static void handled_in_child(void)
{
	signal(SIGSYS, handler);
	killed_in_child();
}

static void ignored_in_child(void)
{
	signal(SIGSYS, SIG_IGN);
	killed_in_child();
}

static void blocked_in_child(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	killed_in_child();
}

static void not_handled(void)
{
	child_says("handled", handled_in_child);
	child_says("ignored", ignored_in_child);
	child_says("blocked", blocked_in_child);
	said("in it");
}

static void process_not_handled(void)
{
	action = SECCOMP_RET_KILL_PROCESS;
	not_handled();
}

static void thread_not_handled(void)
{
	action = SECCOMP_RET_KILL_THREAD;
	not_handled();
}

static void waited(void)
{
	siginfo_t info = {};
	pid_t pid = fork();

	action = SECCOMP_RET_KILL_PROCESS;
	if (pid == 0)
		killed_in_child();
	if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED))
		broken("waitid");
	say("waitid: %s, status %s", info.si_code == CLD_KILLED ? "killed" : "something else",
	    info.si_status == SIGSYS ? "SIGSYS" : "another");
}

static void *outlive(void *leader)
{
	pthread_join(*(pthread_t *)leader, NULL);
	syscall(SYS_getppid);
	tell("came back");
	return NULL;
}

/* The leader ends first, and stays as a zombie. */
static void last_in_child(void)
{
	static pthread_t leader;
	pthread_t thread;

	must_install_on(0, SYS_getppid, action);
	leader = pthread_self();
	if (pthread_create(&thread, NULL, outlive, &leader))
		broken("pthread_create");
	pthread_exit(NULL);
}

static void last(void)
{
	child_says("process", last_in_child);
	say("core file %s", access("core", F_OK) ? "missing" : "there");
	said("call");
}

static void last_thread(void)
{
	action = SECCOMP_RET_KILL_THREAD;
	with_cores(last);
}

static void synonym(void)
{
	say("KILL %#x, KILL_THREAD %#x", SECCOMP_RET_KILL, SECCOMP_RET_KILL_THREAD);
}

#define PROCESS "SECCOMP_RET_KILL_PROCESS "
#define THREAD	"SECCOMP_RET_KILL_THREAD "

static const struct manual_case cases[] = {
	{ "kill-process-dump", S(PROCESS "#1"), "the process ends at once, with a core dump",
	  "process: SIGSYS core, core file there, call: nothing", process_dumps },
	{ "kill-process-not-run", S(PROCESS "#2"), "the call is not executed",
	  "process: SIGSYS, written 0", process_does_not_run },
	{ "kill-process-all", S(PROCESS "#3"), "all threads end",
	  "process: SIGSYS, after the call: nothing", process_takes_all },
	{ "kill-process-sigsys", S(PROCESS "#4"), "it ends as if killed by SIGSYS",
	  "process: SIGSYS, written 0", process_does_not_run },
	{ "kill-process-handler", S(PROCESS "#5"),
	  "a handler is not run; nor does it help to ignore or block the signal",
	  "handled: SIGSYS, ignored: SIGSYS, blocked: SIGSYS, in it: nothing",
	  process_not_handled },
	{ "kill-process-wait", S(PROCESS "#6"), "a parent that waits is told SIGSYS",
	  "waitid: killed, status SIGSYS", waited },
	{ "kill-thread-ends", S(THREAD "#1"), "the thread ends at once",
	  "process: exit 5, after the call: others go on, getppid ran", thread_takes_one },
	{ "kill-thread-not-run", S(THREAD "#2"), "the call is not executed",
	  "process: SIGSYS, written 0", thread_does_not_run },
	{ "kill-thread-others", S(THREAD "#3"), "other threads of the process go on",
	  "process: exit 5, after the call: others go on, getppid ran", thread_takes_one },
	{ "kill-thread-sigsys", S(THREAD "#4"), "it ends as if killed by SIGSYS, handled or not",
	  "handled: SIGSYS, ignored: SIGSYS, blocked: SIGSYS, in it: nothing", thread_not_handled },
	REMARK("kill-thread-before", S(THREAD "#5"), "before 4.11 there was no core dump",
	       "older than the kernels under test"),
	{ "kill-thread-dump", S(THREAD "#6"), "a process of one thread dumps core",
	  "process: SIGSYS core, core file there, call: nothing", thread_dumps },
	{ "kill-thread-last", S(THREAD "#6"), "and so does the last thread of a process",
	  "process: SIGSYS core, core file there, call: nothing", last_thread },
	{ "kill-thread-name", S(THREAD "#7"), "KILL_THREAD is another name of KILL",
	  "KILL 0, KILL_THREAD 0", synonym },
	REMARK("kill-thread-corrupt", S(THREAD "#8"),
	       "a process that lost a thread is probably inconsistent", "advice"),
};

TABLE(kill_table, cases);
