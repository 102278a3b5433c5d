// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * toggle SEED DEVICE POLICY TURNS ERRNO: tasks call getppid(), by themselves, in forked
 * children and in new threads, while a filter that denies it with ERRNO is put on each of
 * them from outside, and taken off again, TURNS times.
 *
 * Each task has a generation that is odd from when ATTACH has returned until DETACH is
 * called, and a multiple of four from when DETACH has returned until ATTACH is called. Where it
 * is the same before a call begins and after it ended, it says what the call must return.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <secmap/secmap.h>

enum way { CALL, FORK, THREAD, WAYS };

struct victim {
	atomic_uint generation;
	atomic_long seen; /* calls that were judged with certainty, to wait for */
};

struct shared {
	struct victim victims[WAYS];
	atomic_long denied;
	atomic_long allowed;
	atomic_long wrong;
	atomic_long faults;
	atomic_long made[WAYS];
	atomic_bool stop;
};

static struct shared *shared;
static long error;

static long call(void)
{
	long result;

	asm volatile("syscall" : "=a"(result) : "0"((long)SYS_getppid) : "rcx", "r11", "memory");
	return result;
}

static void *in_thread(void *result)
{
	*(long *)result = call();
	return NULL;
}

/* One call in this way. */
static long call_in(enum way way)
{
	pthread_t thread;
	long result = 0;
	int status;
	pid_t pid;

	switch (way) {
	case FORK:
		pid = fork();
		if (!pid)
			_exit(call() == -error ? 1 : 2);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			break;
		atomic_fetch_add(&shared->made[FORK], 1);
		return WEXITSTATUS(status) == 1 ? -error : 0;
	case THREAD:
		if (pthread_create(&thread, NULL, in_thread, &result))
			break;
		pthread_join(thread, NULL);
		atomic_fetch_add(&shared->made[THREAD], 1);
		return result;
	default:
		return call();
	}
	atomic_fetch_add(&shared->faults, 1);
	return 0;
}

static void be_victim(enum way way)
{
	struct victim *self = &shared->victims[way];

	while (!atomic_load(&shared->stop)) {
		unsigned int before = atomic_load(&self->generation), after;
		long result = call_in(way);

		after = atomic_load(&self->generation);
		if (before != after || before % 4 == 2)
			continue;
		if ((result == -error) != before % 2) {
			atomic_fetch_add(&shared->wrong, 1);
			fprintf(stderr, "way %d generation %u: %ld\n", way, before, result);
		}
		atomic_fetch_add(result == -error ? &shared->denied : &shared->allowed, 1);
		atomic_fetch_add(&self->seen, 1);
	}
	_exit(0);
}

static int attach(int device, int policy, pid_t pid)
{
	struct secmap_attach record = {
		.size = sizeof(record),
		.policy_fd = policy,
		.pid = pid,
	};

	return ioctl(device, SECMAP_IOC_ATTACH, &record);
}

static int detach(int device, pid_t pid)
{
	struct secmap_detach record = { .size = sizeof(record), .pid = pid };

	return ioctl(device, SECMAP_IOC_DETACH, &record);
}

/* Until so many more calls were judged. */
static void await(struct victim *victim, long count)
{
	long wanted = atomic_load(&victim->seen) + count;

	while (atomic_load(&victim->seen) < wanted)
		sched_yield();
}

struct toggler {
	int device, policy;
	pid_t pid;
	enum way way;
	long turns;
	unsigned int seed;
	long attached, detached;
};

/*
 * Generations: 4n: off; 4n + 1: on; 4n + 2: under way, either. A turn is 0, 2, 1 + 4, 6, 8:
 * odd when on, 2 modulo 4 when under way.
 */
static void *toggle(void *pointer)
{
	struct toggler *self = pointer;
	struct victim *victim = &shared->victims[self->way];
	unsigned int base = 0;

	for (long i = 0; i < self->turns; i++, base += 8) {
		atomic_store(&victim->generation, base + 2);
		self->attached += attach(self->device, self->policy, self->pid) == 0;
		atomic_store(&victim->generation, base + 5);
		await(victim, rand_r(&self->seed) % 4);
		atomic_store(&victim->generation, base + 6);
		self->detached += detach(self->device, self->pid) == 0;
		atomic_store(&victim->generation, base + 8);
		await(victim, rand_r(&self->seed) % 4);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct toggler togglers[WAYS];
	pthread_t threads[WAYS];
	long attached = 0, detached = 0;

	if (argc != 6)
		return 2;
	error = atol(argv[5]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 3;
	for (int way = 0; way < WAYS; way++) {
		pid_t pid = fork();

		if (!pid)
			be_victim(way);
		togglers[way] = (struct toggler){
			.device = atoi(argv[2]),
			.policy = atoi(argv[3]),
			.pid = pid,
			.way = way,
			.turns = atol(argv[4]),
			.seed = atoi(argv[1]) * WAYS + way,
		};
	}
	for (int way = 0; way < WAYS; way++)
		if (pthread_create(&threads[way], NULL, toggle, &togglers[way]))
			return 4;
	for (int way = 0; way < WAYS; way++) {
		pthread_join(threads[way], NULL);
		attached += togglers[way].attached;
		detached += togglers[way].detached;
	}
	atomic_store(&shared->stop, true);
	for (int way = 0; way < WAYS; way++) {
		int status;

		if (wait(&status) < 0 || status)
			atomic_fetch_add(&shared->faults, 1);
	}
	printf("attached %ld\ndetached %ld\ndenied %ld\nallowed %ld\nwrong %ld\nfaults %ld\n",
	       attached, detached, shared->denied, shared->allowed, shared->wrong, shared->faults);
	printf("forks %ld\nthreads %ld\n", shared->made[FORK], shared->made[THREAD]);
	return 0;
}
