// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * forks N: N lines of tasks that fork all the time and call getppid(), of five kinds in turn: one
 * goes on in the child of each fork, so that each task is gone a moment after it was begun; the
 * same with copies of the memory; one starts threads; one waits for each child; one grows trees.
 * For each line on standard input it prints "denied D succeeded S": of the calls that began after
 * the line before. It ends, and all of its tasks, when its standard input does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUESTIONS 4096
#define KINDS	  5
#define DEPTH	  3 /* of a tree */

struct counts {
	atomic_long denied;
	atomic_long succeeded;
};

static struct {
	atomic_uint question;
	atomic_bool stop;
	struct counts counts[QUESTIONS];
} * shared;

/* It counts for what was asked before it began. Returns whether to go on. */
static bool call(void)
{
	struct counts *to = &shared->counts[atomic_load(&shared->question)];

	atomic_fetch_add(syscall(SYS_getppid) == -1 ? &to->denied : &to->succeeded, 1);
	return !atomic_load(&shared->stop);
}

/*
 * As fast as it can be: the child goes on where its parent was, in its memory and on its stack,
 * which neither touches. The calls are those of call().
 */
static void in_vm_child(void)
{
	asm volatile(
		"1: movl (%[question]), %%r12d\n"
		"shlq $4, %%r12\n"
		"movl %[getppid], %%eax\n"
		"syscall\n"
		"testq %%rax, %%rax\n"
		"js 2f\n"
		"lock incq 8(%[counts], %%r12)\n"
		"jmp 3f\n"
		"2: lock incq (%[counts], %%r12)\n"
		"3: cmpb $0, (%[stop])\n"
		"jne 4f\n"
		"movl %[clone], %%eax\n"
		"movl %[flags], %%edi\n"
		"xorl %%esi, %%esi\n"
		"syscall\n"
		"testq %%rax, %%rax\n"
		"je 1b\n"
		"js 3b\n"
		"4: movl %[exit], %%eax\n"
		"xorl %%edi, %%edi\n"
		"syscall\n"
		"jmp 4b\n" ::[question] "r"(&shared->question),
		[counts] "r"(shared->counts), [stop] "r"(&shared->stop), [getppid] "i"(SYS_getppid),
		[clone] "i"(SYS_clone), [flags] "i"(CLONE_VM | SIGCHLD), [exit] "i"(SYS_exit)
		: "rax", "rcx", "rdi", "rsi", "r11", "r12", "memory", "cc");
}

/* The parent ends: the id is another one each time. */
static void in_child(void)
{
	while (call())
		if (fork())
			_exit(0);
}

static void *once(void *unused)
{
	call();
	return unused;
}

static void in_threads(void)
{
	while (call()) {
		pthread_t thread;

		if (!pthread_create(&thread, NULL, once, NULL))
			pthread_join(thread, NULL);
	}
}

static void waiting(void)
{
	while (call()) {
		if (!fork()) {
			call();
			_exit(0);
		}
		wait(NULL);
	}
}

static void tree(int depth)
{
	call();
	for (int i = 0; depth && i < 2; i++)
		if (!fork()) {
			tree(depth - 1);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static void trees(void)
{
	while (call())
		tree(DEPTH);
}

static void run(int how)
{
	static void (*const kinds[KINDS])(void) = {
		in_vm_child, in_child, in_threads, waiting, trees,
	};

	kinds[how]();
	_exit(0);
}

int main(int argc, char **argv)
{
	int lines = argc == 2 ? atoi(argv[1]) : 0;
	char line[8];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 2;
	/* Nobody's children are ours; wait() waits for all of them and reaps none. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < lines; i++)
		if (!fork())
			run(i % KINDS);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned int asked = atomic_load(&shared->question);

		if (asked + 1 >= QUESTIONS)
			return 3;
		printf("denied %ld succeeded %ld\n", shared->counts[asked].denied,
		       shared->counts[asked].succeeded);
		fflush(stdout);
		atomic_store(&shared->question, asked + 1);
	}
	atomic_store(&shared->stop, true);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}
