/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One system call with all its registers, by each instruction. A filter can tell it from all
 * others by the instruction pointer, whatever its number is; so nothing else is judged.
 */
#ifndef SECMAP_TESTS_JUDGED_H
#define SECMAP_TESTS_JUDGED_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include "mechanism.h"

#define X32_BIT 0x40000000UL

/* The number, or what came back; the arguments in order, before and after. */
struct registers {
	unsigned long ax;
	unsigned long args[6];
};

/* The address after the instruction. */
extern const char by_syscall_end[], by_int80_end[];
void by_syscall(struct registers *registers);
void by_int80(struct registers *registers);

#ifdef __x86_64__
asm(".text\n"
    "by_syscall:\n"
    "	push %rbx\n"
    "	mov %rdi, %rbx\n"
    "	mov 0(%rbx), %rax\n"
    "	mov 8(%rbx), %rdi\n"
    "	mov 16(%rbx), %rsi\n"
    "	mov 24(%rbx), %rdx\n"
    "	mov 32(%rbx), %r10\n"
    "	mov 40(%rbx), %r8\n"
    "	mov 48(%rbx), %r9\n"
    "	syscall\n"
    "by_syscall_end:\n"
    "	mov %rax, 0(%rbx)\n"
    "	mov %rdi, 8(%rbx)\n"
    "	mov %rsi, 16(%rbx)\n"
    "	mov %rdx, 24(%rbx)\n"
    "	mov %r10, 32(%rbx)\n"
    "	mov %r8, 40(%rbx)\n"
    "	mov %r9, 48(%rbx)\n"
    "	pop %rbx\n"
    "	ret\n"
    "by_int80:\n"
    "	push %rbx\n"
    "	push %rbp\n"
    "	push %r12\n"
    "	mov %rdi, %r12\n"
    "	mov 0(%r12), %rax\n"
    "	mov 8(%r12), %rbx\n"
    "	mov 16(%r12), %rcx\n"
    "	mov 24(%r12), %rdx\n"
    "	mov 32(%r12), %rsi\n"
    "	mov 40(%r12), %rdi\n"
    "	mov 48(%r12), %rbp\n"
    "	int $0x80\n"
    "by_int80_end:\n"
    "	mov %rax, 0(%r12)\n"
    "	mov %rbx, 8(%r12)\n"
    "	mov %rcx, 16(%r12)\n"
    "	mov %rdx, 24(%r12)\n"
    "	mov %rsi, 32(%r12)\n"
    "	mov %rdi, 40(%r12)\n"
    "	mov %rbp, 48(%r12)\n"
    "	pop %r12\n"
    "	pop %rbp\n"
    "	pop %rbx\n"
    "	ret\n");
#else
asm(".text\n"
    "by_int80:\n"
    "	push %ebx\n"
    "	push %esi\n"
    "	push %edi\n"
    "	push %ebp\n"
    "	mov 20(%esp), %ebp\n"
    "	push %ebp\n"
    "	mov 0(%ebp), %eax\n"
    "	mov 4(%ebp), %ebx\n"
    "	mov 8(%ebp), %ecx\n"
    "	mov 12(%ebp), %edx\n"
    "	mov 16(%ebp), %esi\n"
    "	mov 20(%ebp), %edi\n"
    "	mov 24(%ebp), %ebp\n"
    "	int $0x80\n"
    "by_int80_end:\n"
    "	xchg %ebp, (%esp)\n"
    "	mov %eax, 0(%ebp)\n"
    "	mov %ebx, 4(%ebp)\n"
    "	mov %ecx, 8(%ebp)\n"
    "	mov %edx, 12(%ebp)\n"
    "	mov %esi, 16(%ebp)\n"
    "	mov %edi, 20(%ebp)\n"
    "	pop 24(%ebp)\n"
    "	pop %ebp\n"
    "	pop %edi\n"
    "	pop %esi\n"
    "	pop %ebx\n"
    "	ret\n");
#endif

/* How a call is made. */
struct way {
	const char *name;
	void (*make)(struct registers *registers);
	const char *end;
	unsigned long bits; /* of all its numbers */
	unsigned long getppid;
};

#ifdef __x86_64__
static const struct way all_ways[] = {
	{ "x86_64", by_syscall, by_syscall_end, 0, 110 },
	{ "int80", by_int80, by_int80_end, 0, 64 },
	{ "x32", by_syscall, by_syscall_end, X32_BIT, 110 },
};
static const int syscall_args[] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };
static const int int80_args[] = { REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP };
#define REGISTER_AX REG_RAX
#define REGISTER_IP REG_RIP
#else
static const struct way all_ways[] = {
	{ "i386", by_int80, by_int80_end, 0, 64 },
};
static const int int80_args[] = { REG_EBX, REG_ECX, REG_EDX, REG_ESI, REG_EDI, REG_EBP };
#define REGISTER_AX REG_EAX
#define REGISTER_IP REG_EIP
#endif

/* Where a signal's handler finds the arguments. */
static inline const int *places(const struct way *way)
{
#ifdef __x86_64__
	if (way->make == by_syscall)
		return syscall_args;
#endif
	(void)way;
	return int80_args;
}

/* What a handler of SIGSYS has seen. */
static struct {
	int count;
	siginfo_t info;
	ucontext_t context;
	bool on_stack;
	sigset_t blocked;
} seen;

static inline void handle(int number, siginfo_t *info, void *context)
{
	stack_t stack;

	(void)number;
	seen.count++;
	seen.info = *info;
	seen.context = *(ucontext_t *)context;
	sigaltstack(NULL, &stack);
	seen.on_stack = stack.ss_flags & SS_ONSTACK;
	sigprocmask(SIG_BLOCK, NULL, &seen.blocked);
}

static inline void catch (int flags)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags };

	sigaction(SIGSYS, &action, NULL);
}

/* A word of struct seccomp_data decides: only of calls that end at @way->end. */
static inline void filter_by(const struct way *way, const struct sock_filter *body,
			     unsigned int length)
{
	struct sock_filter filter[16] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(uintptr_t)way->end, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	memcpy(filter + 3, body, length * sizeof(*body));
	if (mechanism_attach(filter, 3 + length, 0)) {
		perror("like_seccomp: a filter was refused");
		_exit(9);
	}
}

static inline void filter_with(const struct way *way, unsigned int action)
{
	const struct sock_filter body[] = { BPF_STMT(BPF_RET | BPF_K, action) };

	filter_by(way, body, 1);
}

static inline struct registers arguments(unsigned long number)
{
	struct registers registers = { .ax = number };

	for (int i = 0; i < 6; i++)
		registers.args[i] = (unsigned long)(0x8182838485868788ULL + 0x1111111111ULL * i);
	return registers;
}

/* A call, and whether its registers came back as they were. */
static inline long call(const struct way *way, unsigned long number)
{
	struct registers before = arguments(number), after = before;

	way->make(&after);
	if (memcmp(before.args, after.args, sizeof(before.args)))
		puts("  registers have changed");
	return (long)after.ax;
}

static inline void tell(const struct way *way, unsigned long number)
{
	const struct registers made = arguments(number);
	const greg_t *registers = seen.context.uc_mcontext.gregs;

	printf("  handled %d times\n", seen.count);
	if (!seen.count)
		return;
	printf("  signo %d code %d errno %d syscall %#x arch %#x address %s\n", seen.info.si_signo,
	       seen.info.si_code, seen.info.si_errno, seen.info.si_syscall, seen.info.si_arch,
	       seen.info.si_call_addr == way->end ? "after the call" : "elsewhere");
	printf("  ax %#lx ip %s stack %s blocked %d\n", (unsigned long)registers[REGISTER_AX],
	       (unsigned long)registers[REGISTER_IP] == (unsigned long)way->end ? "after the call" :
										  "elsewhere",
	       seen.on_stack ? "alternate" : "normal", sigismember(&seen.blocked, SIGSYS));
	for (int i = 0; i < 6; i++)
		if ((unsigned long)registers[places(way)[i]] != made.args[i])
			printf("  argument %d: %#lx\n", i,
			       (unsigned long)registers[places(way)[i]]);
}

static inline pid_t begin(const char *kind, const char *name, const struct way *way)
{
	pid_t pid;

	printf("%s %s %s\n", kind, name, way->name);
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("like_seccomp: fork");
		exit(3);
	}
	return pid;
}

static inline void end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		exit(3);
	if (WIFEXITED(status))
		printf("  exit %d\n", WEXITSTATUS(status));
	else
		printf("  signal %d%s\n", WTERMSIG(status), WCOREDUMP(status) ? " core" : "");
}

static inline _Noreturn void leave(void)
{
	fflush(stdout);
	_exit(0);
}

#endif
