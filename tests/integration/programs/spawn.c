// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * spawn HOW: makes a task in this way, in which getppid() is called, and prints what that
 * returned there: -errno, or 0 for a success. "spawn probe" calls it in this very task.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));

/* No buffer: it is called in children that share memory, too. */
static void probe(void)
{
	char line[32];
	long result = syscall(SYS_getppid);

	snprintf(line, sizeof(line), "%d\n", result == -1 ? -errno : 0);
	if (write(STDOUT_FILENO, line, strlen(line)) < 0)
		_exit(3);
}

static void again(void)
{
	execl("/proc/self/exe", "spawn", "probe", NULL);
	_exit(4);
}

static int probe_in_clone(void *unused)
{
	(void)unused;
	probe();
	_exit(0);
}

static void *probe_in_thread(void *unused)
{
	(void)unused;
	probe();
	return NULL;
}

static void *exec_in_thread(void *unused)
{
	(void)unused;
	again();
	return NULL;
}

static void run_thread(void *(*function)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, NULL))
		_exit(5);
	pthread_join(thread, NULL);
}

static void reap(long pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, __WALL) != pid || status)
		_exit(6);
}

static void in_fork(void (*function)(void))
{
	pid_t pid = fork();

	if (!pid) {
		function();
		_exit(0);
	}
	reap(pid);
}

static void in_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		probe();
		_exit(0);
	}
	reap(pid);
}

static void vfork_exec(void)
{
	pid_t pid = vfork();

	if (!pid)
		again();
	reap(pid);
}

static void in_clone(int flags)
{
	reap(clone(probe_in_clone, stack + sizeof(stack), flags | SIGCHLD, NULL));
}

static void in_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid) {
		probe();
		_exit(0);
	}
	reap(pid);
}

static void in_posix_spawn(void)
{
	char *argv[] = { "spawn", "probe", NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ))
		_exit(7);
	reap(pid);
}

static void in_session(void)
{
	if (setsid() < 0)
		_exit(8);
	probe();
}

/* Its parent ends before it goes on; the pipe keeps us until then. */
static void as_daemon(void)
{
	int gone[2], done[2];
	char byte;

	if (pipe(gone) || pipe(done))
		_exit(9);
	if (!fork()) {
		setsid();
		if (!fork()) {
			close(gone[1]);
			if (read(gone[0], &byte, 1) < 0)
				_exit(9);
			probe();
			if (write(done[1], "", 1) < 0)
				_exit(9);
		}
		_exit(0);
	}
	wait(NULL);
	close(gone[1]);
	if (read(done[0], &byte, 1) != 1)
		_exit(9);
}

int main(int argc, char **argv)
{
	const char *how = argc == 2 ? argv[1] : "";

	if (!strcmp(how, "probe"))
		probe();
	else if (!strcmp(how, "fork"))
		in_fork(probe);
	else if (!strcmp(how, "vfork"))
		in_vfork();
	else if (!strcmp(how, "vfork_exec"))
		vfork_exec();
	else if (!strcmp(how, "clone"))
		in_clone(0);
	else if (!strcmp(how, "clone_vm"))
		in_clone(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND);
	else if (!strcmp(how, "clone3"))
		in_clone3();
	else if (!strcmp(how, "thread"))
		run_thread(probe_in_thread);
	else if (!strcmp(how, "thread_exec"))
		run_thread(exec_in_thread);
	else if (!strcmp(how, "exec"))
		again();
	else if (!strcmp(how, "fork_exec"))
		in_fork(again);
	else if (!strcmp(how, "posix_spawn"))
		in_posix_spawn();
	else if (!strcmp(how, "setsid"))
		in_fork(in_session);
	else if (!strcmp(how, "daemon"))
		as_daemon();
	else
		return 2;
	return 0;
}
