// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sync_refused MECHANISM other: a thread that carries a filter of its own makes TSYNC fail with
 * its id, and then nothing has changed for any thread; when it has ended, TSYNC succeeds.
 *
 * sync_refused MECHANISM ending: threads that put a filter on themselves and end, the first
 * thread too, do not make TSYNC fail. seccomp(2) before Linux 6.11 cannot say that.
 *
 * Says what is wrong, and ends with 1, or prints "good". MECHANISM is "seccomp" or "secmap".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include "mechanism.h"

#define OWN	       600 /* no call has these numbers */
#define ALL	       601
#define BELOW	       602
#define TURNS	       300

#define TSYNC	       SECCOMP_FILTER_FLAG_TSYNC
#define TSYNC_OR_ESRCH (TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

static atomic_bool wrong;
static pthread_barrier_t two, three;
static atomic_int other_tid;

static _Noreturn void finish(void)
{
	if (!wrong)
		puts("good");
	exit(wrong);
}

static void expect(const char *what, long is, long wanted)
{
	if (is == wanted)
		return;
	fprintf(stderr, "sync_refused: %s: %ld, not %ld\n", what, is, wanted);
	atomic_store(&wrong, 1);
}

/* The errno of a call that does not exist. */
static long error_of(long number)
{
	return syscall(number) == -1 ? errno : 0;
}

static long deny(unsigned int number, unsigned int flags)
{
	long result = mechanism_attach_number(number, SECCOMP_RET_ERRNO | EDOM, flags);

	return result < 0 ? -errno : result;
}

/* The kernel knows the thread, whatever is left of it. */
static int has_thread(int tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
	return !access(path, F_OK);
}

/* Until the first thread has ended. */
static void await_zombie(void)
{
	char path[64], line[256], state = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (state != 'Z') {
		FILE *file = fopen(path, "r");

		if (!file || !fgets(line, sizeof(line), file)) {
			perror(path);
			exit(3);
		}
		fclose(file);
		state = strrchr(line, ')')[2];
		sched_yield();
	}
}

static void expect_nothing_changed(const char *who)
{
	char what[64];

	snprintf(what, sizeof(what), "%s: the refused filter", who);
	expect(what, error_of(ALL), ENOSYS);
	snprintf(what, sizeof(what), "%s: the filter that was there before", who);
	expect(what, error_of(BELOW), EDOM);
	snprintf(what, sizeof(what), "%s: no_new_privs", who);
	expect(what, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

/* Has what all have, and nothing else. */
static void *plain(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&three); /* the other one has its filter */
	pthread_barrier_wait(&three); /* TSYNC has been refused */
	expect_nothing_changed("a thread without a filter of its own");
	expect("its call that another denies itself", error_of(OWN), ENOSYS);
	pthread_barrier_wait(&three); /* all have looked */
	pthread_barrier_wait(&two);   /* TSYNC has succeeded */
	expect("a thread after success", error_of(ALL), EDOM);
	expect("its no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	return NULL;
}

/* Has a filter of its own. */
static void *other(void *unused)
{
	(void)unused;
	expect("a filter of one's own", deny(OWN, 0), 0);
	atomic_store(&other_tid, gettid());
	pthread_barrier_wait(&three);
	pthread_barrier_wait(&three);
	expect_nothing_changed("the thread with a filter of its own");
	expect("its own filter", error_of(OWN), EDOM);
	pthread_barrier_wait(&three);
	return NULL;
}

static void run_other(void)
{
	pthread_t threads[2];

	pthread_barrier_init(&two, NULL, 2);
	pthread_barrier_init(&three, NULL, 3);
	expect("a filter for all that come", deny(BELOW, 0), 0);
	pthread_create(&threads[0], NULL, plain, NULL);
	pthread_create(&threads[1], NULL, other, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	pthread_barrier_wait(&three);
	expect("TSYNC beside a filter of another thread", deny(ALL, TSYNC), other_tid);
	expect("the same with TSYNC_ESRCH", deny(ALL, TSYNC_OR_ESRCH), -ESRCH);
	expect("the caller: the refused filter", error_of(ALL), ENOSYS);
	expect("the caller: the filter that was there before", error_of(BELOW), EDOM);
	pthread_barrier_wait(&three);
	pthread_barrier_wait(&three);
	pthread_join(threads[1], NULL);
	/* Joined, it is still there for a moment, and stock seccomp looks at it. */
	while (has_thread(other_tid))
		sched_yield();
	expect("TSYNC without it", deny(ALL, TSYNC), 0);
	expect("the caller after success", error_of(ALL), EDOM);
	pthread_barrier_wait(&two);
	pthread_join(threads[0], NULL);
}

static void *deny_and_end(void *unused)
{
	(void)unused;
	expect("a filter of a thread that ends", deny(OWN, 0), 0);
	return NULL;
}

/* Others end all the time, with a filter of their own, while this one synchronises. */
static void *synchronise(void *unused)
{
	(void)unused;
	await_zombie();
	for (int turn = 0; turn < TURNS; turn++) {
		pthread_t threads[4];

		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, deny_and_end, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		/* They are exiting, or gone. */
		if (turn % (TURNS / 30) == 0)
			expect("TSYNC beside threads that end", deny(ALL + turn, TSYNC), 0);
	}
	finish();
	return NULL;
}

static void run_ending(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, synchronise, NULL);
	expect("a filter of the first thread", deny(OWN, 0), 0);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	errno = mechanism_choose(argv[1]);
	if (errno) {
		perror(argv[1]);
		return 3;
	}
	if (!strcmp(argv[2], "ending"))
		run_ending();
	else if (!strcmp(argv[2], "other"))
		run_other();
	else
		return 2;
	finish();
}
