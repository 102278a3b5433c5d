// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * like_seccomp MECHANISM [x32]: what a program sees of each action, in each ABI, as text. The
 * text of "seccomp" and that of "secmap" shall be the same. Lines that begin with "differs"
 * are those that are known not to be. With "x32", calls of that ABI, too.
 *
 * Each scenario is a process of its own, with its filter: a line or more of what it sees, and
 * one of how it ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "judged.h"

/* Answers errno 1000 + the byte at @shift of the word at @offset. */
static void filter_tells(const struct way *way, unsigned int offset, unsigned int shift)
{
	const struct sock_filter body[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, shift),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, SECCOMP_RET_ERRNO | 1000),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	filter_by(way, body, MECHANISM_COUNT(body));
}

/* Every action, with a handler. */
static void actions(const struct way *way)
{
	static const struct {
		const char *name;
		unsigned int action;
	} table[] = {
		{ "kill_thread", SECCOMP_RET_KILL_THREAD },
		{ "kill_thread_data", SECCOMP_RET_KILL_THREAD | 7 },
		{ "kill_process", SECCOMP_RET_KILL_PROCESS },
		{ "trap_0", SECCOMP_RET_TRAP },
		{ "trap_1234", SECCOMP_RET_TRAP | 1234 },
		{ "trap_65535", SECCOMP_RET_TRAP | 65535 },
		{ "errno_0", SECCOMP_RET_ERRNO },
		{ "errno_1", SECCOMP_RET_ERRNO | 1 },
		{ "errno_4095", SECCOMP_RET_ERRNO | 4095 },
		{ "errno_4096", SECCOMP_RET_ERRNO | 4096 },
		{ "errno_65535", SECCOMP_RET_ERRNO | 65535 },
		{ "user_notif", SECCOMP_RET_USER_NOTIF },
		{ "trace", SECCOMP_RET_TRACE },
		{ "trace_5", SECCOMP_RET_TRACE | 5 },
		{ "log", SECCOMP_RET_LOG },
		{ "unknown_low", 0x00010000 },
		{ "unknown_middle", 0x12340000 },
		{ "unknown_high", 0xc0000000 },
	};

	for (unsigned int i = 0; i < MECHANISM_COUNT(table); i++) {
		pid_t pid = begin("action", table[i].name, way);
		long result;

		if (!pid) {
			unsigned long number = way->getppid | way->bits;

			catch (0);
			filter_with(way, table[i].action);
			result = call(way, number);
			/* Else it is the parent's id, which is not the same twice. */
			if (result == getppid())
				puts("  has run");
			else
				printf("  result %ld\n", result);
			tell(way, number);
			leave();
		}
		end(pid);
	}
}

/* What is done about SIGSYS before. */
static void dispositions(const struct way *way)
{
	enum { IGNORED = 1, BLOCKED = 2, HANDLED = 4, NO_CORE = 8, TWICE = 16, STACK = 32 };
	static const struct {
		const char *name;
		int how;
		int flags;
	} table[] = {
		{ "default", 0, 0 },
		{ "ignored", IGNORED, 0 },
		{ "blocked", BLOCKED, 0 },
		{ "blocked_and_ignored", BLOCKED | IGNORED, 0 },
		{ "blocked_and_handled", BLOCKED | HANDLED, 0 },
		{ "no_core", NO_CORE, 0 },
		{ "handled_twice", HANDLED | TWICE, 0 },
		{ "nodefer", HANDLED, SA_NODEFER },
		{ "restart", HANDLED, SA_RESTART },
		{ "onstack", HANDLED | STACK, SA_ONSTACK },
		{ "resethand", HANDLED, SA_RESETHAND },
		{ "resethand_twice", HANDLED | TWICE, SA_RESETHAND },
	};
	static const unsigned int actions[] = { SECCOMP_RET_TRAP, SECCOMP_RET_KILL_THREAD,
						SECCOMP_RET_KILL_PROCESS };
	static char other_stack[65536];
	const stack_t alternate = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
	const struct rlimit none = { 0, 0 };
	sigset_t set;

	for (unsigned int i = 0; i < MECHANISM_COUNT(table) * 3; i++) {
		int how = table[i / 3].how;
		char name[64];
		pid_t pid;

		snprintf(name, sizeof(name), "%s %#x", table[i / 3].name, actions[i % 3]);
		pid = begin("disposition", name, way);
		if (pid) {
			end(pid);
			continue;
		}
		sigemptyset(&set);
		sigaddset(&set, SIGSYS);
		if (how & HANDLED)
			catch (table[i / 3].flags);
		if (how & STACK)
			sigaltstack(&alternate, NULL);
		if (how & IGNORED)
			signal(SIGSYS, SIG_IGN);
		if (how & BLOCKED)
			sigprocmask(SIG_BLOCK, &set, NULL);
		if (how & NO_CORE)
			setrlimit(RLIMIT_CORE, &none);
		filter_with(way, actions[i % 3]);
		call(way, way->getppid | way->bits);
		if (how & TWICE)
			call(way, way->getppid | way->bits);
		tell(way, way->getppid | way->bits);
		leave();
	}
}

static void handle_in_handler(int number, siginfo_t *info, void *context)
{
	handle(number, info, context);
	if (seen.count == 1)
		call(&all_ways[0], all_ways[0].getppid);
}

/* A handler whose own call is trapped. */
static void nested(const struct way *way)
{
	for (int nodefer = 0; nodefer < 2; nodefer++) {
		pid_t pid = begin("nested", nodefer ? "nodefer" : "plain", way);
		struct sigaction action = { .sa_sigaction = handle_in_handler,
					    .sa_flags = SA_SIGINFO | (nodefer ? SA_NODEFER : 0) };

		if (!pid) {
			sigaction(SIGSYS, &action, NULL);
			filter_with(way, SECCOMP_RET_TRAP);
			call(way, way->getppid | way->bits);
			printf("  handled %d times\n", seen.count);
			leave();
		}
		end(pid);
	}
}

/* What a filter sees of numbers, of the ABI, and of arguments; and what handlers are told. */
static void numbers(const struct way *way)
{
	static const unsigned long long table[] = {
		0,
		1,
		39,
		110,
		340,
		475,
		600,
		1023,
		1024,
		4096,
		0x3fffffff,
		0x40000000,
		0x4000006e,
		0x40000208,
		0x7fffffff,
		0x80000000,
		0xbfffffff,
		0xc0000027,
		0xfffffffe,
		0xffffffff,
		0xdeadbeef00000027ULL,
		0xffffffff00000027ULL,
		0xffffffffffffffffULL,
		0x8000000000000000ULL,
		0x1ffffffffULL,
	};

	for (unsigned int i = 0; i < MECHANISM_COUNT(table) * 4; i++) {
		unsigned long number = (unsigned long)table[i / 4] | way->bits;
		char name[64];
		pid_t pid;

		snprintf(name, sizeof(name), "%#lx part %u", number, i % 4);
		pid = begin("number", name, way);
		if (!pid) {
			if (i % 4 < 2)
				filter_tells(way, offsetof(struct seccomp_data, nr), i % 4 * 24);
			else if (i % 4 == 2)
				filter_tells(way, offsetof(struct seccomp_data, arch), 0);
			else
				filter_with(way, SECCOMP_RET_TRAP);
			catch (0);
			printf("  result %ld\n", call(way, number));
			tell(way, number);
			leave();
		}
		end(pid);
	}
}

static void argument_words(const struct way *way)
{
	/* A 64-bit program's int 0x80: seccomp(2) sees the registers' upper halves. */
	bool wide = way->make == by_int80 && sizeof(long) == 8;

	for (unsigned int i = 0; i < 12; i++) {
		const struct way named = *way;
		char name[32];
		pid_t pid;

		snprintf(name, sizeof(name), "%u %s", i / 2, i % 2 ? "high" : "low");
		pid = begin(wide && i % 2 ? "differs: argument" : "argument", name, &named);
		if (!pid) {
			long result;

			filter_tells(way, offsetof(struct seccomp_data, args) + 4 * i, 8);
			result = call(way, way->getppid | way->bits);
			printf("%s  result %ld\n", wide && i % 2 ? "differs:" : "", result);
			leave();
		}
		end(pid);
	}
}

int main(int argc, char **argv)
{
	bool x32 = argc == 3 && !strcmp(argv[2], "x32");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || argc > 2 + x32)
		return 2;
	errno = mechanism_choose(argv[1]);
	if (errno) {
		perror(argv[1]);
		return 3;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (unsigned int i = 0; i < MECHANISM_COUNT(all_ways); i++) {
		const struct way *way = &all_ways[i];

		if (way->bits && !x32)
			continue;
		actions(way);
		dispositions(way);
		numbers(way);
		argument_words(way);
	}
	nested(&all_ways[0]);
	return 0;
}
