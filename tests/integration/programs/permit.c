// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * permit jump|call|nothing: makes one and the same call, getppid(), up to two times. SIGUSR1's
 * handler does not return to the first one, or makes another call, or nothing. Its status is what
 * the last one returned.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *what;
static sigjmp_buf before;

static void handle(int number)
{
	(void)number;
	if (!strcmp(what, "jump"))
		siglongjmp(before, 1);
	if (!strcmp(what, "call"))
		getuid();
}

/* The same address and the same arguments every time. */
static __attribute__((noinline)) long ask(void)
{
	register long r10 asm("r10") = 0;
	register long r8 asm("r8") = 0;
	register long r9 asm("r9") = 0;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "0"((long)SYS_getppid), "D"(0L), "S"(0L), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

int main(int argc, char **argv)
{
	volatile int turn = 0;

	if (argc != 2)
		return 2;
	what = argv[1];
	signal(SIGUSR1, handle);
	if (sigsetjmp(before, 1) && turn++)
		return 3;
	return (int)ask();
}
