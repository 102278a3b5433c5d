// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * replace DEVICE FIRST SECOND OTHER ROUNDS [TABLE]: tasks call, fork, create threads and attach more
 * (OTHER), while the policy that they carry, FIRST, is replaced by SECOND and back, ROUNDS times, or
 * for so long ("600s"). FIRST fails getppid(), and getpgid() by its argument, with errno 1001; SECOND
 * with 1002.
 *
 * With TABLE they carry both, which look into it, and its contents are what changes: FIRST fails the
 * calls while it has the keys 3 and 7, as it has in the beginning, SECOND while it has not.
 *
 * A call must fail with the one or the other; and with the one that holds, if it began after the
 * replacement had returned, and ended before the next one began. Prints how many calls there
 * were of each kind, and `third` and `late`, which must be 0.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <secmap/secmap.h>

#define FIRST_ERRNO 1001
#define ASKED	    7	/* the argument of getpgid() that the policies deny */
#define FILLING	    256 /* other keys of the table, which change as well */
#define CHECKS	    6	/* calls that are looked at before the next replacement */

enum way { CALL, FORK, GENERATIONS, THREAD, ATTACH, TSYNC, WAYS };

static const char *const names[WAYS] = {
	"calls", "forks", "generations", "threads", "attaches", "tsyncs",
};

struct shared {
	atomic_ulong version; /* odd: a replacement is under way; else (version / 2) % 2 holds */
	atomic_long seen;     /* calls that were judged with certainty */
	atomic_long checks[WAYS];
	atomic_long third;
	atomic_long late;
	atomic_long faults;
	atomic_int attached; /* tasks: who attaches the first policy later carries that one */
	atomic_bool stop;
};

static struct shared *shared;
static int device, other, table = -1;
static int policies[2];

static long call(long number, long argument)
{
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "0"(number), "D"(argument)
		     : "rcx", "r11", "memory");
	return result;
}

static void check(enum way way)
{
	for (int i = 0; i < 2; i++) {
		unsigned long before = atomic_load(&shared->version), after;
		long result = i ? call(SYS_getpgid, ASKED) : call(SYS_getppid, ASKED);
		long which = -result - FIRST_ERRNO;

		after = atomic_load(&shared->version);
		atomic_fetch_add(&shared->checks[way], 1);
		if (which != 0 && which != 1) {
			atomic_fetch_add(&shared->third, 1);
			fprintf(stderr, "replace: %s: call %d gave %ld\n", names[way], i, result);
		} else if (before == after && before % 2 == 0) {
			if (which != (long)(before / 2 % 2)) {
				atomic_fetch_add(&shared->late, 1);
				fprintf(stderr, "replace: %s: call %d, version %lu, gave %ld\n",
					names[way], i, before, result);
			}
			atomic_fetch_add(&shared->seen, 1);
		}
	}
}

static void fault(const char *sentence)
{
	atomic_fetch_add(&shared->faults, 1);
	fprintf(stderr, "replace: %s: %s\n", sentence, strerror(errno));
}

static int attach(int policy, unsigned int flags)
{
	struct secmap_attach record = {
		.size = sizeof(record),
		.flags = flags,
		.policy_fd = policy,
	};

	return ioctl(device, SECMAP_IOC_ATTACH, &record);
}

/* In a child, which makes a child itself before it ends, @depth times. */
static void fork_and_check(enum way way, int depth)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (depth)
			fork_and_check(way, depth - 1);
		check(way);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fault("a child");
}

/* As FORK, but nobody waits: the parent is gone before its child looks. */
static void fork_and_leave(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		for (int i = 0; i < 3; i++) {
			pid = fork();
			if (pid)
				_exit(pid < 0);
		}
		check(GENERATIONS);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fault("a generation");
}

static void *in_thread(void *way)
{
	check(*(enum way *)way);
	return NULL;
}

static void create_and_check(enum way way)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, in_thread, &way);
	if (errno)
		fault("a thread");
	else
		pthread_join(thread, NULL);
}

/* A policy more, in a child, for it lasts. */
static void attach_and_check(enum way way)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		create_and_check(way);
		if (attach(other, way == TSYNC ? SECMAP_ATTACH_TSYNC : 0))
			fault("no attach");
		check(way);
		create_and_check(way);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fault("a child that attaches");
}

static void work(enum way way)
{
	/* Each way has a stack of its own. */
	if (attach(policies[0], 0) || (table >= 0 && attach(policies[1], 0))) {
		fault("no attach");
		_exit(3);
	}
	atomic_fetch_add(&shared->attached, 1);
	while (!atomic_load(&shared->stop)) {
		check(CALL);
		switch (way) {
		case FORK:
			fork_and_check(way, 1);
			break;
		case GENERATIONS:
			fork_and_leave();
			break;
		case THREAD:
			create_and_check(way);
			break;
		case ATTACH:
		case TSYNC:
			attach_and_check(way);
			break;
		default:
			break;
		}
	}
	_exit(0);
}

/* Until so many more calls were judged, or something is wrong. */
static void await(long count)
{
	long wanted = atomic_load(&shared->seen) + count;

	while (atomic_load(&shared->seen) < wanted && !atomic_load(&shared->faults))
		sched_yield();
}

/* What a change has come to. */
struct changed {
	long tasks, stacks;
};

static void replace(long round, struct changed *changed)
{
	struct secmap_policy_replace record = {
		.size = sizeof(record),
		.policy_fd = policies[round % 2],
		.by_fd = policies[(round + 1) % 2],
	};

	if (ioctl(device, SECMAP_IOC_POLICY_REPLACE, &record))
		fault("no replacement");
	changed->tasks += record.out_tasks;
	changed->stacks += record.out_stacks;
}

/* By turns the keys are taken away and added, or something else is there as a whole. */
static void update(long round, struct changed *changed)
{
	__u64 keys[2][2 + FILLING] = { { ASKED & 3, ASKED } };
	int there = round % 2, to = !there;
	struct secmap_table_update record = {
		.size = sizeof(record),
		.table_fd = table,
		.keys = (unsigned long)keys[to],
		.count = to ? FILLING : 2 + FILLING,
	};

	for (int i = 0; i < FILLING; i++) {
		keys[0][2 + i] = 1000 + i;
		keys[1][i] = 2000 + i;
	}
	if (round % 4 < 2) {
		record.remove = (unsigned long)keys[there];
		record.remove_count = there ? FILLING : 2 + FILLING;
	} else {
		record.flags = SECMAP_UPDATE_WHOLE;
	}
	if (ioctl(device, SECMAP_IOC_TABLE_UPDATE, &record))
		fault("no update");
	changed->tasks += record.out_tasks;
	changed->stacks += record.out_stacks;
}

/* Go on, after so many rounds and so much time? */
static bool more(long rounds, const char *wanted)
{
	static time_t begun;
	char *unit;
	long count = strtol(wanted, &unit, 10);

	if (!begun)
		begun = time(NULL);
	return *unit == 's' ? time(NULL) - begun < count || rounds % 4 : rounds < count;
}

int main(int argc, char **argv)
{
	struct changed changed = { 0 };
	long round;
	int status;

	if (argc != 6 && argc != 7)
		return 2;
	device = atoi(argv[1]);
	policies[0] = atoi(argv[2]);
	policies[1] = atoi(argv[3]);
	other = atoi(argv[4]);
	if (argc == 7)
		table = atoi(argv[6]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 3;
	for (int way = 0; way < WAYS; way++)
		if (!fork())
			work(way);
	while (atomic_load(&shared->attached) < WAYS && !atomic_load(&shared->faults))
		sched_yield();
	for (round = 0; more(round, argv[5]); round++) {
		atomic_fetch_add(&shared->version, 1);
		if (table < 0)
			replace(round, &changed);
		else
			update(round, &changed);
		atomic_fetch_add(&shared->version, 1);
		await(rand() % CHECKS);
	}
	atomic_store(&shared->stop, true);
	for (int way = 0; way < WAYS; way++)
		if (wait(&status) < 0 || status)
			fault("a task");
	for (int way = 0; way < WAYS; way++)
		printf("%s %ld\n", names[way], atomic_load(&shared->checks[way]));
	printf("rounds %ld\ntasks %ld\nstacks %ld\nthird %ld\nlate %ld\nfaults %ld\n", round,
	       changed.tasks, changed.stacks, atomic_load(&shared->third),
	       atomic_load(&shared->late), atomic_load(&shared->faults));
	return 0;
}
