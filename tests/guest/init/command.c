// SPDX-License-Identifier: LGPL-2.1-or-later
/* The command: run it, pass its output on, leave nothing of it running. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static void __attribute__((noreturn))
execute(char **argv, char **env, const char *folder, const int out[2], const int err[2])
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	close_range(3, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	environ = env;
	if (chdir(folder)) {
		dprintf(STDERR_FILENO, "guest: %s: %s\n", folder, strerror(errno));
		_exit(126);
	}
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "guest: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* False at the end of the pipe. */
static bool relay(int from, int to, unsigned long long *total)
{
	static char buffer[32768];
	ssize_t got = read(from, buffer, sizeof(buffer));

	if (got > 0) {
		write_all(to, buffer, got);
		*total += got;
	}
	return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* True when the command itself is among the dead. */
static bool reap(pid_t command, int *status)
{
	bool ended = false;
	int one;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG | __WALL)) > 0) {
		if (pid == command) {
			*status = one;
			ended = true;
		}
	}
	return ended;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Run the command, pass on what it and its children write, and return its wait
 * status. When it has ended, what it left running is killed: then both pipes
 * end, unless a process cannot die, which is not waited for.
 */
int run_command(char **argv, char **env, const char *folder)
{
	int ports[2] = { open_port("stdout"), open_port("stderr") };
	int out[2], err[2], status = 0;
	long deadline = LONG_MAX;
	bool ended = false;
	sigset_t children;
	struct pollfd fds[3];
	pid_t command;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	fds[2].fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fds[2].fd < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipes");

	report("ready");
	command = fork();
	if (command < 0)
		fail("fork");
	if (!command)
		execute(argv, env, folder, out, err);
	close(out[1]);
	close(err[1]);
	fds[0].fd = out[0];
	fds[1].fd = err[0];
	for (int i = 0; i < 3; i++)
		fds[i].events = POLLIN;

	while (!ended || ((fds[0].fd >= 0 || fds[1].fd >= 0) && now_ms() < deadline)) {
		if (poll(fds, 3, ended ? 100 : -1) < 0 && errno != EINTR)
			fail("poll");
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd >= 0 && fds[i].revents &&
			    !relay(fds[i].fd, ports[i], &relayed[i]))
				fds[i].fd = -1;
		}
		if (fds[2].revents) {
			struct signalfd_siginfo info;

			while (read(fds[2].fd, &info, sizeof(info)) > 0)
				;
		}
		if (reap(command, &status)) {
			ended = true;
			deadline = now_ms() + 10000;
		}
		if (ended)
			kill(-1, SIGKILL);
	}
	return status;
}
