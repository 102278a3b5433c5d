// SPDX-License-Identifier: LGPL-2.1-or-later
// How many calls processes make, each on a processor of its own, in so many milliseconds: prints their sum.
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
	_Atomic int ready;
	struct {
		_Alignas(128) uint64_t calls;
	} of[64];
};

static int64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void count(struct shared *shared, int cpu, int cpus, int64_t nanoseconds)
{
	uint64_t calls = 0;
	cpu_set_t here;
	int64_t end;

	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		_exit(1);
	shared->ready++;
	while (shared->ready < cpus)
		;
	for (end = now() + nanoseconds; now() < end; calls += 64)
		for (int turn = 0; turn < 64; turn++)
			syscall(SYS_getppid);
	shared->of[cpu].calls = calls;
	_exit(0);
}

int main(int argc, char **argv)
{
	int cpus = argc == 3 ? atoi(argv[1]) : 0;
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t sum = 0;

	if (shared == MAP_FAILED || cpus < 1 || cpus > 64)
		return 2;
	for (int cpu = 0; cpu < cpus; cpu++) {
		pid_t pid = fork();

		if (pid < 0)
			return 3;
		if (pid == 0)
			count(shared, cpu, cpus, atoi(argv[2]) * INT64_C(1000000));
	}
	for (int cpu = 0; cpu < cpus; cpu++) {
		int status;

		if (wait(&status) < 0 || status)
			return 4;
	}
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += shared->of[cpu].calls;
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
