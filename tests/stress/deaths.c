// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * deaths MECHANISM SEED COUNT: processes that put 1 to 64 filters on themselves and end in
 * every way that a filter can bring about, or that happens meanwhile. Prints how often each;
 * `faults` are processes that ended in another way than they should, and must be 0.
 *
 * MECHANISM is "seccomp" or "secmap".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
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

#define WORKERS 4
#define MARKER	600 /* no call has this number, nor the next one */
#define DEEPEST 64
#define SELDOM	31 /* has no divisor in common with WAYS, so that every way is taken by deep ones */

enum way {
	KILL_PROCESS,
	KILL_LAST_THREAD,
	KILL_OTHER_THREAD,
	TRAP,
	TRAP_HANDLED,
	ERRNO_AND_EXIT,
	LISTENER_GONE,
	LISTENER_GOES,
	ANSWERED,
	KILLED_IN_NOTIFY,
	KILLED_RECEIVED,
	THREAD_EXEC,
	EXIT,
	KILLED,
	WAYS
};

/* The wait status that each shall have, without the core's bit. */
static const struct {
	const char *name;
	int status;
} ways[WAYS] = {
	[KILL_PROCESS] = { "kill_process", SIGSYS },
	[KILL_LAST_THREAD] = { "kill_last_thread", SIGSYS },
	[KILL_OTHER_THREAD] = { "kill_other_thread", 0 },
	[TRAP] = { "trap", SIGSYS },
	[TRAP_HANDLED] = { "trap_handled", 0 },
	[ERRNO_AND_EXIT] = { "errno", 0 },
	[LISTENER_GONE] = { "listener_gone", 0 },
	[LISTENER_GOES] = { "listener_goes", 0 },
	[ANSWERED] = { "answered", 0 },
	[KILLED_IN_NOTIFY] = { "killed_in_notify", SIGKILL },
	[KILLED_RECEIVED] = { "killed_received", SIGKILL },
	[THREAD_EXEC] = { "thread_exec", 0 },
	[EXIT] = { "exit", 0 },
	[KILLED] = { "killed", SIGKILL },
};

struct shared {
	atomic_long left;
	atomic_long faults;
	atomic_long filters;
	atomic_long ways[WAYS];
	atomic_long depths[DEEPEST + 1];
};

static struct shared *shared;
static int listener;
static volatile sig_atomic_t trapped;

static uint64_t next_random(uint64_t *state)
{
	/* splitmix64 */
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Ends with a sentence and a status that no way has. */
static void need(int holds, const char *sentence)
{
	if (holds)
		return;
	fprintf(stderr, "deaths: %s: %s\n", sentence, strerror(errno));
	_exit(9);
}

static long marker(void)
{
	return syscall(MARKER) < 0 ? errno : 0;
}

static unsigned int action_of(enum way way)
{
	switch (way) {
	case KILL_PROCESS:
		return SECCOMP_RET_KILL_PROCESS;
	case KILL_LAST_THREAD:
	case KILL_OTHER_THREAD:
		return SECCOMP_RET_KILL_THREAD;
	case TRAP:
	case TRAP_HANDLED:
		return SECCOMP_RET_TRAP;
	case LISTENER_GONE:
	case LISTENER_GOES:
	case ANSWERED:
	case KILLED_IN_NOTIFY:
	case KILLED_RECEIVED:
		return SECCOMP_RET_USER_NOTIF;
	default:
		return SECCOMP_RET_ERRNO | EDOM;
	}
}

/* The one that does something is anywhere among @depth. */
static void attach_all(enum way way, int depth, int place)
{
	for (int i = 0; i < depth; i++) {
		unsigned int action = i == place ? action_of(way) : SECCOMP_RET_ERRNO | ERANGE;
		unsigned int flags = 0;
		long result;

		if (action == SECCOMP_RET_USER_NOTIF)
			flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
		result = mechanism_attach_number(i == place ? MARKER : MARKER + 1, action, flags);
		need(result >= 0, "a filter was refused");
		if (flags)
			listener = result;
	}
}

/* Until somebody ends us, who shall have a processor for that. */
static _Noreturn void make_forever(void)
{
	for (;;) {
		marker();
		sched_yield();
	}
}

static void *call_marker(void *unused)
{
	(void)unused;
	marker();
	_exit(8);
}

static void *execute(void *unused)
{
	(void)unused;
	execl("/proc/self/exe", "deaths", "executed", NULL);
	_exit(8);
}

static void handle(int number, siginfo_t *info, void *context)
{
	(void)context;
	trapped = number == SIGSYS && info->si_syscall == MARKER;
}

/* The other end of the listener, in a thread of the process that it is about. */
static void *supervise(void *pointer)
{
	enum way way = *(enum way *)pointer;
	struct pollfd poll_listener = { .fd = listener, .events = POLLIN };
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp response = { .error = -EXDEV };

	need(poll(&poll_listener, 1, -1) == 1, "poll");
	if (way == LISTENER_GOES) {
		close(listener);
		return NULL;
	}
	if (way != KILLED_IN_NOTIFY)
		need(!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request), "NOTIF_RECV");
	if (way != ANSWERED)
		kill(getpid(), SIGKILL);
	response.id = request.id;
	need(!ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response), "NOTIF_SEND");
	return NULL;
}

static _Noreturn void end_notified(enum way way)
{
	pthread_t thread;

	if (way == LISTENER_GONE) {
		close(listener);
		_exit(marker() != ENOSYS);
	}
	need(!pthread_create(&thread, NULL, supervise, &way), "no thread");
	if (way == ANSWERED)
		need(marker() == EXDEV, "the answer");
	else
		need(marker() == ENOSYS, "no answer");
	need(!pthread_join(thread, NULL), "join");
	_exit(0);
}

static _Noreturn void end(enum way way, int say)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
	pthread_t thread;

	switch (way) {
	case KILL_PROCESS:
	case KILL_LAST_THREAD:
	case TRAP:
		marker();
		_exit(8);
	case KILL_OTHER_THREAD:
		need(!pthread_create(&thread, NULL, call_marker, NULL), "no thread");
		need(!pthread_join(thread, NULL), "join");
		_exit(0);
	case TRAP_HANDLED:
		sigaction(SIGSYS, &action, NULL);
		marker();
		_exit(!trapped);
	case ERRNO_AND_EXIT:
		_exit(marker() != EDOM);
	case THREAD_EXEC:
		need(!pthread_create(&thread, NULL, execute, NULL), "no thread");
		make_forever();
	case EXIT:
		_exit(0);
	case KILLED:
		need(write(say, "!", 1) == 1, "write");
		make_forever();
	default:
		end_notified(way);
	}
}

/* Seldom deep: attaching 64 takes a while. Then one depth after the other. */
static int choose_depth(uint64_t *random, long left)
{
	if (left % SELDOM)
		return 1 + next_random(random) % 4;
	return 1 + left / SELDOM % DEEPEST;
}

static void one(uint64_t random, long left)
{
	enum way way = left % WAYS;
	int depth = choose_depth(&random, left);
	int place = next_random(&random) % depth, pipe_ends[2], status;
	char byte;
	pid_t pid;

	need(!pipe(pipe_ends), "pipe");
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		attach_all(way, depth, place);
		end(way, pipe_ends[1]);
	}
	close(pipe_ends[1]);
	if (way == KILLED && read(pipe_ends[0], &byte, 1) == 1)
		kill(pid, SIGKILL);
	close(pipe_ends[0]);
	while (waitpid(pid, &status, 0) < 0)
		need(errno == EINTR, "waitpid");
	if ((status & ~0x80) != ways[way].status) {
		atomic_fetch_add(&shared->faults, 1);
		fprintf(stderr, "deaths: %s under %d filters: wait status %#x\n", ways[way].name,
			depth, status);
	}
	atomic_fetch_add(&shared->ways[way], 1);
	atomic_fetch_add(&shared->filters, depth);
	atomic_fetch_add(&shared->depths[depth], 1);
}

static void work(uint64_t random)
{
	long left;

	while ((left = atomic_fetch_sub(&shared->left, 1)) > 0)
		one(next_random(&random), left);
	_exit(0);
}

static int run(uint64_t seed, long count)
{
	const struct rlimit no_core = { 0, 0 };
	int depths = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 3;
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	shared->left = count;
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 4;
		if (!pid)
			work(seed * 1000003 + i);
	}
	for (int i = 0; i < WORKERS; i++) {
		int status;

		if (wait(&status) < 0 || status)
			atomic_fetch_add(&shared->faults, 1);
	}
	for (int i = 1; i <= DEEPEST; i++)
		depths += shared->depths[i] > 0;
	printf("faults %ld\nfilters %ld\ndepths %d\n", shared->faults, shared->filters, depths);
	for (int i = 0; i < WAYS; i++)
		printf("%s %ld\n", ways[i].name, shared->ways[i]);
	return shared->faults != 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "executed"))
		return marker() != EDOM;
	if (argc != 4)
		return 2;
	errno = mechanism_choose(argv[1]);
	if (errno) {
		perror(argv[1]);
		return 3;
	}
	return run(strtoull(argv[2], NULL, 0), atol(argv[3]));
}
