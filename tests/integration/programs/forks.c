// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * forks N: N lines of tasks that fork all the time and call getppid(): every third one goes on
 * in the child of each fork, every third one in threads, and the others wait for theirs. For
 * each line on standard input it prints "denied D succeeded S": of the calls that began after
 * the line before. It ends, and all of its tasks, when its standard input does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUESTIONS 4096

struct counts {
	atomic_long denied;
	atomic_long succeeded;
};

static struct {
	atomic_uint question;
	atomic_bool stop;
	struct counts counts[QUESTIONS];
} * shared;

/* It counts for what was asked before it began. Returns whether to go on. */
static bool call(void)
{
	struct counts *to = &shared->counts[atomic_load(&shared->question)];

	atomic_fetch_add(syscall(SYS_getppid) == -1 ? &to->denied : &to->succeeded, 1);
	return !atomic_load(&shared->stop);
}

/* The parent ends: the id is another one each time. */
static void in_child(void)
{
	while (call())
		if (fork())
			_exit(0);
}

static void *once(void *unused)
{
	call();
	return unused;
}

static void in_threads(void)
{
	while (call()) {
		pthread_t thread;

		if (!pthread_create(&thread, NULL, once, NULL))
			pthread_join(thread, NULL);
	}
}

static void waiting(void)
{
	while (call()) {
		if (!fork()) {
			call();
			_exit(0);
		}
		wait(NULL);
	}
}

static void run(int how)
{
	if (how == 0)
		in_child();
	else if (how == 1)
		in_threads();
	else
		waiting();
	_exit(0);
}

int main(int argc, char **argv)
{
	int lines = argc == 2 ? atoi(argv[1]) : 0;
	char line[8];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 2;
	/* Nobody's children are ours; wait() waits for all of them and reaps none. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < lines; i++)
		if (!fork())
			run(i % 3);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned int asked = atomic_load(&shared->question);

		if (asked + 1 >= QUESTIONS)
			return 3;
		printf("denied %ld succeeded %ld\n", shared->counts[asked].denied,
		       shared->counts[asked].succeeded);
		fflush(stdout);
		atomic_store(&shared->question, asked + 1);
	}
	atomic_store(&shared->stop, true);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
