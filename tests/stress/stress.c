// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stress SEED DENIED WORKERS ERRNO: creates tasks in every way at once, each of which makes
 * calls of getppid() that a filter denies with ERRNO, until DENIED of them were made. The
 * filter is on already when it starts. Prints what it did; `succeeded` must be 0.
 *
 * stress burst N: what a task does that was made by exec; counts in the memory that is
 * descriptor 3.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY 3   /* the descriptor */
#define ENOUGH 400 /* tasks */
#define STACK  65536

enum way { FORK, VFORK, VFORK_EXEC, THREAD, EXEC, THREAD_EXEC, CLONE_SHARED, KILLED, WAYS };

static const char *const names[WAYS] = {
	"forks", "vforks", "vfork_execs", "threads", "execs", "thread_execs", "clones", "killed",
};

struct shared {
	atomic_long denied;
	atomic_long succeeded;
	atomic_long faults;   /* tasks that ended in another way than they should */
	atomic_long not_made; /* tasks that could not be made: no memory */
	atomic_long ways[WAYS];
	long wanted;
	long error;
};

static struct shared *shared;

static uint64_t next_random(uint64_t *state)
{
	/* splitmix64 */
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Without errno, which tasks that share memory would share, too. */
static long call(void)
{
	long result;

	asm volatile("syscall" : "=a"(result) : "0"((long)SYS_getppid) : "rcx", "r11", "memory");
	return result;
}

static void burst(long count)
{
	long succeeded = 0;

	for (long i = 0; i < count; i++)
		succeeded += call() != -shared->error;
	atomic_fetch_add(&shared->denied, count - succeeded);
	atomic_fetch_add(&shared->succeeded, succeeded);
}

static void exec_burst(void)
{
	execl("/proc/self/exe", "stress", "burst", "20", NULL);
	_exit(5);
}

static void *thread_burst(void *count)
{
	burst((long)count);
	return NULL;
}

static void *thread_exec(void *unused)
{
	(void)unused;
	burst(5);
	exec_burst();
	return NULL;
}

static int clone_burst(void *count)
{
	burst((long)count);
	_exit(0);
}

static void reap(pid_t pid, enum way way, int expected)
{
	int status;

	if (pid < 0) {
		atomic_fetch_add(&shared->not_made, 1);
		return;
	}
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (status != expected) {
		atomic_fetch_add(&shared->faults, 1);
		fprintf(stderr, "%s: wait status %#x\n", names[way], status);
	}
}

static void run_threads(uint64_t *random, long count)
{
	pthread_t threads[8];
	long wanted = 1 + next_random(random) % 8, made;

	for (made = 0; made < wanted; made++)
		if (pthread_create(&threads[made], NULL, thread_burst, (void *)count))
			break;
	burst(count);
	for (long i = 0; i < made; i++)
		pthread_join(threads[i], NULL);
}

static void *endless_bursts(void *unused)
{
	(void)unused;
	for (;;)
		burst(100);
	return NULL;
}

/* Threads beside it go on calling while one of them execs. */
static void exec_from_thread(void)
{
	pthread_t threads[3];

	/* That none can be made any more, beside an exec, is no fault. */
	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, i ? endless_bursts : thread_exec, NULL))
			break;
	pause();
	_exit(7);
}

static void make(enum way way, uint64_t *random, char *stack)
{
	long count = 1 + next_random(random) % 200;
	pid_t pid = -1;

	switch (way) {
	case FORK:
	case EXEC:
	case THREAD_EXEC:
	case KILLED:
		pid = fork();
		if (pid)
			break;
		burst(count);
		if (way == EXEC)
			exec_burst();
		if (way == THREAD_EXEC)
			exec_from_thread();
		while (way == KILLED)
			burst(10);
		_exit(0);
	case VFORK:
	case VFORK_EXEC:
		pid = vfork();
		if (pid)
			break;
		burst(count);
		if (way == VFORK_EXEC)
			exec_burst();
		_exit(0);
	case CLONE_SHARED:
		pid = clone(clone_burst, stack + STACK, CLONE_VM | CLONE_FILES | SIGCHLD,
			    (void *)count);
		break;
	default:
		run_threads(random, count);
		atomic_fetch_add(&shared->ways[way], 1);
		return;
	}
	if (pid > 0) {
		burst(count);
		atomic_fetch_add(&shared->ways[way], 1);
	}
	if (pid > 0 && way == KILLED)
		kill(pid, SIGKILL);
	reap(pid, way, way == KILLED ? SIGKILL : 0);
}

static long made(void)
{
	long sum = 0;

	for (int i = 0; i < WAYS; i++)
		sum += atomic_load(&shared->ways[i]);
	return sum;
}

static void work(uint64_t random)
{
	char *stack = aligned_alloc(16, STACK);

	while (atomic_load(&shared->denied) < shared->wanted || made() < ENOUGH) {
		make(next_random(&random) % WAYS, &random, stack);
		burst(next_random(&random) % 100);
	}
	_exit(0);
}

static int start(uint64_t seed, long wanted, long workers, long error)
{
	int memory = memfd_create("stress", 0);

	/* It is handed down over exec. */
	if (memory < 0 || ftruncate(memory, sizeof(*shared)) ||
	    (memory != MEMORY && dup2(memory, MEMORY) != MEMORY))
		return 3;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, MEMORY, 0);
	if (shared == MAP_FAILED)
		return 3;
	shared->wanted = wanted;
	shared->error = error;
	for (long i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 4;
		if (!pid)
			work(seed * 1000003 + i);
	}
	for (long i = 0; i < workers; i++) {
		int status;

		if (wait(&status) < 0 || status)
			atomic_fetch_add(&shared->faults, 1);
	}
	printf("denied %ld\nsucceeded %ld\nfaults %ld\nnot_made %ld\n", shared->denied,
	       shared->succeeded, shared->faults, shared->not_made);
	for (int i = 0; i < WAYS; i++)
		printf("%s %ld\n", names[i], shared->ways[i]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "burst")) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, MEMORY, 0);
		if (shared == MAP_FAILED)
			return 3;
		burst(atol(argv[2]));
		return 0;
	}
	if (argc != 5)
		return 2;
	return start(strtoull(argv[1], NULL, 0), atol(argv[2]), atol(argv[3]), atol(argv[4]));
}
