// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Make another thread make a system call, and say what became of it.
 *
 *   inject TID NUMBER [ARGUMENT...]
 *
 * prints "returned N", "signal N" (the call raised one; it is not delivered), or "killed N".
 * Unless it was killed the thread goes on as if nothing had been, in the call that it was in.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

static int fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	return 1;
}

/* syscall; int3 */
static const long code = 0xcc050f;

/*
 * Where the thread's program began, 0 if that cannot be read: no thread comes there any more,
 * while all of them may run into what is written where this one stands.
 */
static unsigned long entry_of(pid_t tid)
{
	unsigned long pair[2], entry = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/auxv", tid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (!entry && fread(pair, sizeof(pair), 1, file) == 1)
		if (pair[0] == AT_ENTRY)
			entry = pair[1];
	fclose(file);
	return entry;
}

/* Until it stands still; what it is sent before, it gets. */
static int stop(pid_t tid)
{
	int status, signal = 0;

	if (ptrace(PTRACE_ATTACH, tid, 0, 0) != 0)
		return 0;
	do {
		if (signal && ptrace(PTRACE_CONT, tid, 0, signal) != 0)
			return 0;
		if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
			return 0;
		signal = WSTOPSIG(status);
	} while (signal != SIGSTOP);
	return 1;
}

int main(int argc, char **argv)
{
	struct user_regs_struct before, during;
	unsigned long long *arguments[] = { &during.rdi, &during.rsi, &during.rdx,
					    &during.r10, &during.r8,  &during.r9 };
	unsigned long entry;
	pid_t tid;
	long text;
	int status, i;

	if (argc < 3 || argc > 9)
		return 2;
	tid = atoi(argv[1]);
	entry = entry_of(tid);
	if (!entry)
		return fail("entry");
	if (!stop(tid))
		return fail("stop");
	if (ptrace(PTRACE_GETREGS, tid, 0, &before) != 0)
		return fail("registers");
	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, tid, entry, 0);
	if (errno || ptrace(PTRACE_POKETEXT, tid, entry, (text & ~0xffffffL) | code) != 0)
		return fail("text");
	during = before;
	during.rip = entry;
	during.rax = strtoull(argv[2], NULL, 0);
	/* Not in a call any more: none is begun again before this one. */
	during.orig_rax = -1;
	for (i = 3; i < argc; i++)
		*arguments[i - 3] = strtoull(argv[i], NULL, 0);
	if (ptrace(PTRACE_SETREGS, tid, 0, &during) != 0 || ptrace(PTRACE_CONT, tid, 0, 0) != 0)
		return fail("go on");
	if (waitpid(tid, &status, __WALL) != tid)
		return fail("wait");
	if (WIFSIGNALED(status)) {
		printf("killed %d\n", WTERMSIG(status));
		return 0;
	}
	if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, tid, 0, &during) != 0)
		return fail("end of the call");
	if (WSTOPSIG(status) == SIGTRAP)
		printf("returned %lld\n", (long long)during.rax);
	else
		printf("signal %d\n", WSTOPSIG(status));
	if (ptrace(PTRACE_POKETEXT, tid, entry, text) != 0 ||
	    ptrace(PTRACE_SETREGS, tid, 0, &before) != 0 || ptrace(PTRACE_DETACH, tid, 0, 0) != 0)
		return fail("let go");
	return 0;
}
