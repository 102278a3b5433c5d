// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tsync MECHANISM rounds N: a thread synchronises filters, one a round, while 64 others call,
 * create threads, fork and exec. From when the call has returned, every call that one of them
 * begins is denied by that round's filter. Prints how many calls of each kind were looked at,
 * and `uncovered`, which must be 0.
 *
 * tsync check K: a program that was executed looks at the call of round K.
 *
 * MECHANISM is "seccomp" or "secmap".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mechanism.h"

#define THREADS	       64
#define ROUNDS	       60  /* of one process: a stack holds 64 filters */
#define MARKER	       600 /* no call has this number, nor the next ones */
#define CHECKS	       8   /* calls that are looked at before the next round */
#define LEAST_PER_KIND 200 /* an exec takes as long as many rounds */

enum kind { LOOP, CREATE, FORK, EXEC, KINDS };

static const char *const names[KINDS] = { "loops", "created", "forked", "executed" };

/* What all processes count in. */
struct shared {
	atomic_long checks[KINDS];
	atomic_long current; /* calls that were looked at since the newest round began */
	sem_t enough;
	atomic_long uncovered;
	atomic_long faults;
	atomic_long refused;
};

static struct shared *shared;

/*
 * The newest round whose filter holds for all threads. A child that fork() makes has it as it
 * was when its memory was copied, which is before its filters are.
 */
static atomic_int done;
static atomic_bool ending;
static pthread_barrier_t begun;

/* Without errno, which a vfork() child shares with its parent. */
static long call(long number)
{
	long result;

	asm volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
	return result;
}

static int is_covered(int round)
{
	return call(MARKER + round) == -EDOM;
}

static void count(enum kind kind, int covered)
{
	if (!covered) {
		atomic_fetch_add(&shared->uncovered, 1);
		fprintf(stderr, "tsync: a call of a thread that was not covered (%s)\n",
			names[kind]);
	}
	atomic_fetch_add(&shared->checks[kind], 1);
	if (atomic_fetch_add(&shared->current, 1) == CHECKS - 1)
		sem_post(&shared->enough);
}

static void check(enum kind kind)
{
	int round = atomic_load_explicit(&done, memory_order_acquire);

	if (round)
		count(kind, is_covered(round));
}

static void fault(const char *sentence)
{
	atomic_fetch_add(&shared->faults, 1);
	fprintf(stderr, "tsync: %s: %s\n", sentence, strerror(errno));
}

static void *created(void *unused)
{
	(void)unused;
	check(CREATE);
	return NULL;
}

static void create(void)
{
	pthread_t thread;
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	errno = pthread_create(&thread, &attributes, created, NULL);
	pthread_attr_destroy(&attributes);
	if (errno)
		fault("no thread");
	else
		pthread_join(thread, NULL);
}

static void reap(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			abort();
}

static void fork_and_check(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0) {
		fault("no child");
		return;
	}
	if (!pid) {
		check(FORK);
		_exit(0);
	}
	reap(pid, &status);
	if (status)
		fault("a child of fork() died");
}

static void execute(void)
{
	int round = atomic_load_explicit(&done, memory_order_acquire), status;
	char number[12];
	pid_t pid;

	if (!round)
		return;
	snprintf(number, sizeof(number), "%d", round);
	pid = vfork();
	if (pid < 0) {
		fault("no child");
		return;
	}
	if (!pid) {
		execl("/proc/self/exe", "tsync", "check", number, NULL);
		_exit(5);
	}
	reap(pid, &status);
	if (WIFEXITED(status) && WEXITSTATUS(status) < 2)
		count(EXEC, WEXITSTATUS(status) == 0);
	else
		fault("an executed program died");
}

static void *work(void *number)
{
	long which = (long)number % 16;

	/* Else those that are there leave no time to create the others. */
	pthread_barrier_wait(&begun);
	while (!atomic_load_explicit(&ending, memory_order_relaxed)) {
		check(LOOP);
		if (which < 4)
			create();
		else if (which < 6)
			fork_and_check();
		else if (which < 9)
			execute();
		sched_yield();
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fault("a thread without no_new_privs");
	return NULL;
}

/* All of them, or a sentence and no success. */
static void synchronise(int rounds)
{
	for (int round = 1; round <= rounds; round++) {
		long result = mechanism_attach_number(MARKER + round, SECCOMP_RET_ERRNO | EDOM,
						      SECCOMP_FILTER_FLAG_TSYNC);

		if (result) {
			atomic_fetch_add(&shared->refused, 1);
			fprintf(stderr, "tsync: round %d was refused: %ld, %s\n", round, result,
				result < 0 ? strerror(errno) : "a thread");
			return;
		}
		atomic_store(&shared->current, 0);
		atomic_store_explicit(&done, round, memory_order_release);
		while (sem_wait(&shared->enough))
			;
	}
}

static void process(int rounds)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&begun, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			_exit(4);
	/* Others only get it with the filter. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* It is one of 65 that want to run. */
	setpriority(PRIO_PROCESS, gettid(), -20);
	pthread_barrier_wait(&begun);
	synchronise(rounds);
	atomic_store(&ending, 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static int run(long rounds)
{
	long least = rounds < 10000 ? 1 : LEAST_PER_KIND;
	int failed = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 3;
	sem_init(&shared->enough, 1, 0);
	for (long left = rounds; left > 0 && !shared->refused; left -= ROUNDS) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			return 4;
		if (!pid)
			process(left < ROUNDS ? left : ROUNDS);
		reap(pid, &status);
		if (status)
			atomic_fetch_add(&shared->faults, 1);
	}
	printf("rounds %ld\nuncovered %ld\nfaults %ld\nrefused %ld\n", rounds, shared->uncovered,
	       shared->faults, shared->refused);
	for (int i = 0; i < KINDS; i++) {
		printf("%s %ld\n", names[i], shared->checks[i]);
		if (shared->checks[i] < least) {
			failed = 1;
			fprintf(stderr, "tsync: only %ld calls of kind %s were looked at\n",
				shared->checks[i], names[i]);
		}
	}
	return failed || shared->uncovered || shared->faults || shared->refused;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "check"))
		return !is_covered(atoi(argv[2]));
	if (argc != 4 || strcmp(argv[2], "rounds"))
		return 2;
	errno = mechanism_choose(argv[1]);
	if (errno) {
		perror(argv[1]);
		return 3;
	}
	return run(atol(argv[3]));
}
