// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * like_seccomp_tasks MECHANISM: as like_seccomp, where other threads, signals and a tracer come
 * into it. What is printed is the same every time, whoever is faster.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <time.h>
#include <unistd.h>
#include "judged.h"

#ifdef __x86_64__
#define ORIG_AX orig_rax
#define AX	rax
#define IP	rip
#define ARG_0	rdi
#else
#define ORIG_AX orig_eax
#define AX	eax
#define IP	eip
#define ARG_0	ebx
#endif

static const struct way *const native = &all_ways[0];
static char order[16];
static int turns; /* of what may come in another order each time */

static void note(char what)
{
	size_t length = strlen(order);

	if (length < sizeof(order) - 1)
		order[length] = what;
}

static void handle_usr1(int number)
{
	(void)number;
	note('u');
}

static void handle_sys(int number, siginfo_t *info, void *context)
{
	handle(number, info, context);
	note('s');
}

/* A call that ends the child, or its errno; `result` is what it left in the register. */
static long make(unsigned long number, unsigned long first, unsigned long second,
		 unsigned long third)
{
	struct registers registers = { .ax = number, .args = { first, second, third } };

	native->make(&registers);
	return (long)registers.ax;
}

/* What a tracer does with a call at its entry. */
struct tracing {
	const char *name;
	unsigned int action;
	long number; /* instead of getppid(); -1: skipped */
	int set_number;
	int set_argument;
	int signal; /* sent while the call stands at its entry */
};

static const struct tracing tracings[] = {
	{ "errno", SECCOMP_RET_ERRNO | 5, 0, 0, 0, 0 },
	{ "trap", SECCOMP_RET_TRAP | 5, 0, 0, 0, 0 },
	{ "kill_process", SECCOMP_RET_KILL_PROCESS, 0, 0, 0, 0 },
	{ "kill_thread", SECCOMP_RET_KILL_THREAD, 0, 0, 0, 0 },
	{ "number", SECCOMP_RET_ERRNO | 5, SYS_getuid, 1, 0, 0 },
	{ "number_trap", SECCOMP_RET_TRAP, SYS_getuid, 1, 0, 0 },
	{ "number_minus_1", SECCOMP_RET_ERRNO | 5, -1, 1, 0, 0 },
	{ "argument_trap", SECCOMP_RET_TRAP, 0, 0, 1, 0 },
	{ "usr1_errno", SECCOMP_RET_ERRNO | 5, 0, 0, 0, SIGUSR1 },
	{ "usr1_trap", SECCOMP_RET_TRAP, 0, 0, 0, SIGUSR1 },
	{ "usr1_kill", SECCOMP_RET_KILL_PROCESS, 0, 0, 0, SIGUSR1 },
	{ "term_trap", SECCOMP_RET_TRAP, 0, 0, 0, SIGTERM },
	{ "term_kill", SECCOMP_RET_KILL_PROCESS, 0, 0, 0, SIGTERM },
	{ "kill_trap", SECCOMP_RET_TRAP, 0, 0, 0, SIGKILL },
	{ "kill_errno", SECCOMP_RET_ERRNO | 5, 0, 0, 0, SIGKILL },
	{ "stop_trap", SECCOMP_RET_TRAP, 0, 0, 0, SIGSTOP },
};

static _Noreturn void be_traced(const struct tracing *how)
{
	struct sigaction on_sys = { .sa_sigaction = handle_sys, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &on_sys, NULL);
	signal(SIGUSR1, handle_usr1);
	filter_with(native, how->action);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	printf("  result %ld\n", make(native->getppid, 11, 22, 33));
	printf("  order %s trapped %d of call %d errno %d\n", order, seen.count,
	       seen.info.si_syscall, seen.info.si_errno);
	leave();
}

static void change_at_entry(pid_t pid, const struct tracing *how,
			    struct user_regs_struct *registers)
{
	if (how->set_number)
		registers->ORIG_AX = how->number;
	if (how->set_argument)
		registers->ARG_0 = 77;
	ptrace(PTRACE_SETREGS, pid, 0, registers);
	if (how->signal)
		kill(pid, how->signal);
}

/* Until it ends; at the judged call's instruction say what stands in the registers. */
static int follow(pid_t pid, const struct tracing *how)
{
	int status, signal = 0, stops = 0;

	for (;;) {
		struct user_regs_struct registers;
		siginfo_t info;

		ptrace(PTRACE_SYSCALL, pid, 0, signal);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return status;
		signal = 0;
		if (ptrace(PTRACE_GETREGS, pid, 0, &registers))
			continue;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			signal = WSTOPSIG(status);
			/* As a group stop it is seen again. */
			if (ptrace(PTRACE_GETSIGINFO, pid, 0, &info)) {
				signal = 0;
				continue;
			}
			printf("  signal %d code %d", signal, info.si_code);
			if (signal == SIGSTOP)
				signal = 0;
			if ((unsigned long)registers.IP == (unsigned long)native->end) {
				printf(" ax %ld first %ld", (long)registers.AX,
				       (long)registers.ARG_0);
				/* Of another signal's it is what it was at the exit. */
				if (signal == SIGSYS)
					printf(" orig_ax %ld", (long)registers.ORIG_AX);
			}
			puts("");
		} else if ((unsigned long)registers.IP == (unsigned long)native->end) {
			if (!stops++) {
				change_at_entry(pid, how, &registers);
				continue;
			}
			printf("  at exit: ax %ld first %ld\n", (long)registers.AX,
			       (long)registers.ARG_0);
			printf("differs:  at exit: orig_ax %ld\n", (long)registers.ORIG_AX);
		}
	}
}

static void say_status(int status)
{
	if (WIFEXITED(status))
		printf("  exit %d\n", WEXITSTATUS(status));
	else
		printf("  signal %d\n", WTERMSIG(status));
}

static void traced(void)
{
	for (unsigned int i = 0; i < MECHANISM_COUNT(tracings); i++) {
		pid_t pid = begin("traced", tracings[i].name, native);
		int status;

		if (!pid)
			be_traced(&tracings[i]);
		waitpid(pid, &status, 0);
		ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
		say_status(follow(pid, &tracings[i]));
	}
}

static void *make_forever(void *unused)
{
	for (;;)
		make(native->getppid, 0, 0, 0);
	return unused;
}

static void *execute(void *unused)
{
	(void)unused;
	execl("/proc/self/exe", "like_seccomp_tasks", "executed", NULL);
	_exit(8);
}

/* One thread runs into the filter again and again, or dies of it, while others end or exec. */
static void with_threads(const char *name, unsigned int action, int exec)
{
	pid_t pid = begin("threads", name, native);
	int last = -1;

	if (pid) {
		end(pid);
		return;
	}
	for (int turn = 0; turn < turns; turn++) {
		int status;

		pid = fork();
		if (!pid) {
			pthread_t thread;

			catch (0);
			filter_with(native, action);
			for (int i = 0; i < 3; i++)
				pthread_create(&thread, NULL, make_forever, NULL);
			if (exec)
				pthread_create(&thread, NULL, execute, NULL);
			while (exec)
				pause();
			_exit(7);
		}
		waitpid(pid, &status, 0);
		if (status != last) {
			printf("  status %#x\n", status);
			last = status;
		}
	}
	leave();
}

static int ways[2][2]; /* pipes: to the thread that leaves, to the one that is killed */

static void *leave_when_told(void *tid)
{
	char told;

	*(atomic_int *)tid = (int)syscall(SYS_gettid);
	if (read(ways[0][0], &told, 1) == 1)
		syscall(SYS_exit, 0);
	_exit(8);
}

/* The first thread is killed while the other one stands in the middle of its exit(). */
static _Noreturn void be_last(unsigned int action, int report)
{
	atomic_int tid = 0;
	pthread_t thread;
	char told;
	int id;

	pthread_create(&thread, NULL, leave_when_told, &tid);
	while (!(id = tid))
		sched_yield();
	if (write(report, &id, sizeof(id)) != sizeof(id) || read(ways[1][0], &told, 1) != 1)
		_exit(8);
	filter_with(native, action);
	make(native->getppid, 0, 0, 0);
	_exit(7);
}

static int is_zombie(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		exit(3);
	fclose(file);
	return strstr(text, ") Z ") != NULL;
}

static void beside_an_exit(const char *name, unsigned int action)
{
	int report[2], tid, status;
	pid_t pid;

	if (pipe(report) || pipe(ways[0]) || pipe(ways[1]))
		exit(3);
	pid = begin("last", name, native);
	if (!pid)
		be_last(action, report[1]);
	if (read(report[0], &tid, sizeof(tid)) != sizeof(tid) ||
	    ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) ||
	    write(ways[0][1], "x", 1) != 1 || waitpid(tid, &status, __WALL) != tid ||
	    status >> 8 != (SIGTRAP | PTRACE_EVENT_EXIT << 8) || write(ways[1][1], "x", 1) != 1)
		exit(3);
	while (!is_zombie(pid))
		sched_yield();
	ptrace(PTRACE_CONT, tid, 0, 0);
	waitpid(tid, &status, __WALL);
	end(pid);
	for (int i = 0; i < 2; i++) {
		close(report[i]);
		close(ways[0][i]);
		close(ways[1][i]);
	}
}

static int call_is(pid_t pid, long number)
{
	char path[64], text[256] = "";
	FILE *file;
	long is = -2;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file) && text[0] != 'r')
		is = strtol(text, NULL, 0);
	fclose(file);
	return is == number;
}

/* Of 32 bits, what every kernel has: nanosleep() can be left out of it. */
#ifdef __x86_64__
#define CLOCK_NANOSLEEP SYS_clock_nanosleep
#else
#define CLOCK_NANOSLEEP SYS_clock_nanosleep_time64
#endif

/* A sleep that is stopped and goes on by restart_syscall(), which @action is for. */
static void restarted(const char *name, unsigned int action)
{
	const struct __kernel_timespec moment = { 0, 300000000 };
	const struct sock_filter body[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	pid_t pid = begin("restart", name, native);
	int status;

	if (!pid) {
		catch (0);
		filter_by(native, body, MECHANISM_COUNT(body));
		printf("  result %ld\n",
		       make(CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, (unsigned long)&moment));
		printf("  trapped %d of call %d\n", seen.count, seen.info.si_syscall);
		leave();
	}
	while (!call_is(pid, CLOCK_NANOSLEEP)) {
		if (is_zombie(pid))
			exit(3);
		sched_yield();
	}
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	end(pid);
}

/* Calls that end or make tasks. */
static void special(const char *name, long number, unsigned int action, const void *first,
		    unsigned long second)
{
	pid_t pid = begin("special", name, native);

	if (!pid) {
		catch (0);
		filter_with(native, action);
		printf("  result %ld\n", make(number, (unsigned long)first, second, 0));
		printf("  trapped %d of call %d\n", seen.count, seen.info.si_syscall);
		leave();
	}
	end(pid);
}

static void specials(void)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = {
		{ "exit", SYS_exit },	  { "exit_group", SYS_exit_group },
		{ "fork", SYS_fork },	  { "vfork", SYS_vfork },
		{ "clone3", SYS_clone3 }, { "rt_sigreturn", SYS_rt_sigreturn },
		{ "execve", SYS_execve }, { "pause", SYS_pause },
	};
	static const unsigned int actions[] = { SECCOMP_RET_ERRNO,	  SECCOMP_RET_ERRNO | 5,
						SECCOMP_RET_TRAP,	  SECCOMP_RET_KILL_THREAD,
						SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRACE,
						SECCOMP_RET_USER_NOTIF };
	static const struct clone_args none = { .exit_signal = SIGCHLD };

	for (unsigned int i = 0; i < MECHANISM_COUNT(calls); i++)
		for (unsigned int j = 0; j < MECHANISM_COUNT(actions); j++) {
			char name[64];

			snprintf(name, sizeof(name), "%s %#x", calls[i].name, actions[j]);
			special(name, calls[i].number, actions[j], &none, sizeof(none));
		}
}

/* Where the handler's own return is denied. */
static void denied_sigreturn(const char *name, unsigned int action, int signal)
{
	pid_t pid = begin("sigreturn", name, native);

	if (!pid) {
		struct sigaction on_signal = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };

		sigaction(signal, &on_signal, NULL);
		if (mechanism_attach_number(SYS_rt_sigreturn, action, 0))
			_exit(9);
		raise(signal);
		leave();
	}
	end(pid);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "executed"))
		return 0;
	if (argc != 3)
		return 2;
	turns = atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	errno = mechanism_choose(argv[1]);
	if (errno) {
		perror(argv[1]);
		return 3;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	traced();
	with_threads("exit_group beside errno", SECCOMP_RET_ERRNO | 5, 0);
	with_threads("exit_group beside trap", SECCOMP_RET_TRAP, 0);
	with_threads("exit_group beside kill_thread", SECCOMP_RET_KILL_THREAD, 0);
	with_threads("exec beside errno", SECCOMP_RET_ERRNO | 5, 1);
	with_threads("exec beside trap", SECCOMP_RET_TRAP, 1);
	with_threads("exec beside kill_thread", SECCOMP_RET_KILL_THREAD, 1);
	beside_an_exit("kill_thread", SECCOMP_RET_KILL_THREAD);
	restarted("allow", SECCOMP_RET_ALLOW);
	restarted("errno", SECCOMP_RET_ERRNO | 5);
	restarted("trap", SECCOMP_RET_TRAP);
	restarted("kill", SECCOMP_RET_KILL_PROCESS);
	specials();
	denied_sigreturn("errno", SECCOMP_RET_ERRNO | 5, SIGUSR1);
	denied_sigreturn("trap", SECCOMP_RET_TRAP, SIGUSR1);
	denied_sigreturn("trap in the handler of SIGSYS", SECCOMP_RET_TRAP, SIGSYS);
	denied_sigreturn("kill", SECCOMP_RET_KILL_PROCESS, SIGUSR1);
	return 0;
}
