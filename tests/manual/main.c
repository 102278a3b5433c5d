// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * manual-page list: the statements, one JSON object a line.
 * manual-page run [ID...]: look at all of them, or at these; prints ID, a tab, and what was
 * seen. Wants to be root on a machine of its own: it changes actions_logged and core_pattern.
 * manual-page probe WHAT: what the cases execute.
 */
#define _GNU_SOURCE
#include "frame.h"

#include "probe.h"
#include "result.h"
#include "tables.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 60000

static void print_json(const char *name, const char *text, bool last)
{
	if (!text) {
		printf("\"%s\": null%s", name, last ? "" : ", ");
		return;
	}
	printf("\"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	printf("\"%s", last ? "" : ", ");
}

static void list(const struct manual_case *one)
{
	putchar('{');
	print_json("id", one->id, false);
	print_json("where", one->where, false);
	print_json("says", one->says, false);
	print_json("expect", one->expect, false);
	print_json("why", one->why, false);
	print_json("kernel", one->kernel, true);
	puts("}");
}

static void run_here(const struct manual_case *one)
{
	setpgid(0, 0);
	one->run();
	_exit(0);
}

/* All that it left behind ends with it. */
static void clear(pid_t group)
{
	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
}

static void run(const struct manual_case *one)
{
	int status = 0;
	struct pollfd done;
	pid_t pid;

	memset(result, 0, sizeof(*result));
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_here(one);
	if (pid < 0 || (setpgid(pid, pid) && errno != EACCES)) {
		perror("manual-page");
		exit(2);
	}
	done.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	done.events = POLLIN;
	if (done.fd < 0) {
		perror("manual-page: pidfd_open");
		exit(2);
	}
	if (poll(&done, 1, LIMIT_MS) != 1)
		say("TIMED OUT");
	else if (waitpid(pid, &status, 0) == pid && status)
		say_status("the case", status);
	close(done.fd);
	clear(pid);
	printf("%s\t%s\n", one->id, result->said);
}

static bool wanted(const char *id, char **ids, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(id, ids[i]))
			return true;
	return !count;
}

int main(int argc, char **argv)
{
	bool listing = argc == 2 && !strcmp(argv[1], "list");
	int found = 0;

	result = shared(sizeof(*result));
	if (argc >= 3 && !strcmp(argv[1], "probe"))
		return probe(argc - 2, argv + 2);
	if (!listing && (argc < 2 || strcmp(argv[1], "run"))) {
		fputs("usage: manual-page list | run [ID...]\n", stderr);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, RLIM_INFINITY });
	for (size_t i = 0; i < manual_tables_count; i++) {
		for (size_t k = 0; k < manual_tables[i]->count; k++) {
			const struct manual_case *one = &manual_tables[i]->cases[k];

			if (listing) {
				list(one);
			} else if (wanted(one->id, argv + 2, argc - 2)) {
				found++;
				if (one->run)
					run(one);
			}
		}
	}
	if (!listing && found < argc - 2) {
		fputs("manual-page: no such case\n", stderr);
		return 2;
	}
	return 0;
}
