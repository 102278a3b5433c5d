// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * every DEVICE POLICY errno: attaches the policy, which denies every call with an errno, then
 * makes each of them, in every ABI; the last line of the page of results, which descriptor 0
 * is, says how many were not denied. It ends as a program does that may not end.
 *
 * every DEVICE POLICY kill: each call in a child of its own, which it must end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <secmap/secmap.h>

#define LAST	475
#define X32_BIT 0x40000000L

/* uretprobe: let pass, and answered with SIGILL where the kernel has it. */
#define TRAMPOLINE 335

struct results {
	int made;
	int let_through;
	long number;
	long returned;
};

static long by_syscall(long number)
{
	register long r10 asm("r10") = 0;
	register long r8 asm("r8") = 0;
	register long r9 asm("r9") = 0;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "0"(number), "D"(0), "S"(0), "d"(0), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

static long by_int80(long number)
{
	int result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "0"((int)number), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static const long odd[] = { -1,
			    -2,
			    1023,
			    1024,
			    4096,
			    0x3fffffff,
			    0x7fffffff,
			    X32_BIT | 1023,
			    X32_BIT | 1024,
			    X32_BIT | 512,
			    X32_BIT | 547,
			    X32_BIT | 0x3ffffffe };
#define ODD   ((long)(sizeof(odd) / sizeof(*odd)))
#define TOTAL (3 * (LAST + 1) + 2 * ODD)

/* The call with this index: x86-64, x32, i386, then odd numbers in two ways. */
static long make(long index, long *number)
{
	if (index >= 3 * (LAST + 1)) {
		index -= 3 * (LAST + 1);
		*number = odd[index % ODD];
		return index < ODD ? by_syscall(*number) : by_int80(*number);
	}
	*number = index % (LAST + 1);
	if (index >= 2 * (LAST + 1))
		return by_int80(*number);
	if (index > LAST)
		*number |= X32_BIT;
	return by_syscall(*number);
}

static int attach(int device, int policy)
{
	struct secmap_attach attach = { .size = sizeof(attach), .policy_fd = policy };
	int result;

	do
		result = ioctl(device, SECMAP_IOC_ATTACH, &attach);
	while (result < 0 && errno == EAGAIN);
	return result;
}

static void with_errno(struct results *results)
{
	for (long i = 0; i < TOTAL; i++) {
		long number, result;

		if (i == TRAMPOLINE)
			continue;
		result = make(i, &number);
		if (result != -EPERM) {
			results->let_through++;
			results->number = number;
			results->returned = result;
		}
		results->made++;
	}
}

static void with_kill(struct results *results, int device, int policy)
{
	for (long i = 0; i < TOTAL; i++) {
		int status = 0;
		pid_t pid;

		if (i == TRAMPOLINE)
			continue;
		pid = fork();
		if (!pid) {
			long number;

			if (!attach(device, policy))
				make(i, &number);
			_exit(1);
		}
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
		    WTERMSIG(status) != SIGSYS) {
			results->let_through++;
			results->number = i;
			results->returned = status;
		}
		results->made++;
	}
}

int main(int argc, char **argv)
{
	struct results *results;
	int device, policy;

	if (argc != 4)
		return 2;
	device = atoi(argv[1]);
	policy = atoi(argv[2]);
	results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, STDIN_FILENO, 0);
	if (results == MAP_FAILED)
		return 3;
	if (!strcmp(argv[3], "kill")) {
		with_kill(results, device, policy);
		return 0;
	}
	if (attach(device, policy))
		return 4;
	with_errno(results);
	_exit(0);
}
