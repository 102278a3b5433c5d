// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * churn SEED WORKERS ERRNO: until its standard input ends, workers open the device, filter
 * themselves, make tasks and end, while somebody loads and unloads the module. Each attached
 * filter must hold; that there is no device is none of their concern. Prints what they did.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <secmap/secmap.h>

struct shared {
	atomic_long attached;
	atomic_long no_device;
	atomic_long denied;
	atomic_long succeeded;
	atomic_long faults;
	atomic_bool stop;
};

static struct shared *shared;
static int error;

static void burst(void)
{
	for (int i = 0; i < 50; i++) {
		long result = syscall(SYS_getppid);

		atomic_fetch_add(
			result == -1 && errno == error ? &shared->denied : &shared->succeeded, 1);
	}
}

static void *thread_burst(void *unused)
{
	(void)unused;
	burst();
	return NULL;
}

static int make_policy(int device)
{
	const struct secmap_rule rule = {
		.size = sizeof(rule),
		.nr = SYS_getppid,
		.action = SECCOMP_RET_ERRNO | error,
	};
	const struct secmap_abi abi = {
		.size = sizeof(abi),
		.abi = SECMAP_ABI_X86_64,
		.default_action = SECCOMP_RET_ALLOW,
		.newer_from = SECMAP_NEWER_NONE,
		.rule_count = 1,
		.rules = (uintptr_t)&rule,
	};
	struct secmap_policy_create policy = {
		.size = sizeof(policy),
		.abi_count = 1,
		.abis = (uintptr_t)&abi,
	};

	return ioctl(device, SECMAP_IOC_POLICY_CREATE, &policy);
}

/* Filter this process, and see that it holds for what it makes. */
static void one(unsigned int how)
{
	struct secmap_attach attach = { .size = sizeof(attach) };
	int device = open(SECMAP_DEVICE, O_RDWR | O_CLOEXEC);
	pthread_t thread;
	int result;

	if (device < 0) {
		atomic_fetch_add(&shared->no_device, 1);
		return;
	}
	attach.policy_fd = make_policy(device);
	do
		result = ioctl(device, SECMAP_IOC_ATTACH, &attach);
	while (result < 0 && errno == EAGAIN);
	if (result < 0) {
		perror("churn: attach");
		atomic_fetch_add(&shared->faults, 1);
		return;
	}
	atomic_fetch_add(&shared->attached, 1);
	if (how & 1)
		close(device);
	burst();
	if (how & 2 && !pthread_create(&thread, NULL, thread_burst, NULL))
		pthread_join(thread, NULL);
	for (unsigned int i = 0; i < (how >> 2) % 4; i++) {
		pid_t pid = fork();

		if (!pid) {
			burst();
			_exit(0);
		}
		/* Sometimes it is somebody else's to reap. */
		if (how & 16)
			waitpid(pid, NULL, 0);
	}
	if (how & 32)
		kill(getpid(), SIGKILL);
}

static void work(unsigned int seed)
{
	while (!atomic_load(&shared->stop)) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			one(rand_r(&seed) >> 4);
			_exit(0);
		}
		rand_r(&seed);
		if (pid > 0 && waitpid(pid, &status, 0) == pid && status && status != SIGKILL)
			atomic_fetch_add(&shared->faults, 1);
		/* So that at some moments nobody holds the module. */
		usleep(rand_r(&seed) % 50000);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	long workers;
	char byte;

	if (argc != 4)
		return 2;
	workers = atol(argv[2]);
	error = atoi(argv[3]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 3;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (long i = 0; i < workers; i++)
		if (!fork())
			work(atoi(argv[1]) * 1000 + i);
	if (read(STDIN_FILENO, &byte, 1))
		return 4;
	atomic_store(&shared->stop, true);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	printf("attached %ld\nno_device %ld\ndenied %ld\nsucceeded %ld\nfaults %ld\n",
	       shared->attached, shared->no_device, shared->denied, shared->succeeded,
	       shared->faults);
	return 0;
}
