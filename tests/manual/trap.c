// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_RET_TRAP. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

static struct {
	siginfo_t info;
	long tid;
	int count;
	greg_t registers[NGREG];
	bool change;
	greg_t answer;
} seen;

static void handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)signal;
	seen.info = *info;
	seen.tid = syscall(SYS_gettid);
	seen.count++;
	memcpy(seen.registers, user->uc_mcontext.gregs, sizeof(seen.registers));
	if (seen.change)
		user->uc_mcontext.gregs[REG_RAX] = seen.answer;
}

static void catch (void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &action, NULL);
}

extern const char trap_call[], trap_next[];

__attribute__((noinline)) static long marked_call(long nr, long first)
{
	long ret;

	asm volatile(".globl trap_call, trap_next\ntrap_call: syscall\ntrap_next:"
		     : "=a"(ret)
		     : "0"(nr), "D"(first)
		     : "memory", "rcx", "r11");
	return ret;
}

static void trap_getppid(void)
{
	catch ();
	must_install_on(0, SYS_getppid, SECCOMP_RET_TRAP | 77);
	marked_call(SYS_getppid, 0x1234);
}

static void directed_body(void)
{
	trap_getppid();
	tell("%d signal", seen.count);
	tell("%s", seen.tid == syscall(SYS_gettid) ? "to the thread that called" : "to another");
}

static void directed_in_child(void)
{
	run_thread(directed_body);
}

static void directed(void)
{
	child_says("process", directed_in_child);
	said("SIGSYS");
}

static int file;

static void write_in_child(void)
{
	catch ();
	must_install_on(0, SYS_pwrite64, SECCOMP_RET_TRAP);
	syscall(SYS_pwrite64, file, "x", 1, 0);
	tell("%d signal", seen.count);
}

static void does_not_run(void)
{
	file = scratch_file();
	in_child(write_in_child);
	said("call");
	say("written %ld", (long)lseek(file, 0, SEEK_END));
}

static const char *address(const void *pointer)
{
	return pointer == trap_call ? "the instruction" :
	       pointer == trap_next ? "the one behind it" :
				      "neither";
}

static void members_in_child(void)
{
	trap_getppid();
	tell("si_signo %s", sigabbrev_np(seen.info.si_signo));
	tell("si_code %s", seen.info.si_code == SYS_SECCOMP ? "SYS_SECCOMP" : "another");
	tell("si_errno %d", seen.info.si_errno);
	tell("si_syscall %s", seen.info.si_syscall == SYS_getppid ? "getppid" : "another");
	tell("si_arch %s", seen.info.si_arch == AUDIT_ARCH_X86_64 ? "x86-64" : "another");
}

static void members(void)
{
	in_child(members_in_child);
	said("members");
}

static void call_address_in_child(void)
{
	trap_getppid();
	tell("%s", address(seen.info.si_call_addr));
}

static void call_address(void)
{
	in_child(call_address_in_child);
	said("si_call_addr");
}

static void i386_in_child(void)
{
	catch ();
	if (INSTALL(0, LOAD(arch), IF_EQUAL(AUDIT_ARCH_I386, 0, 3), LOAD(nr), IF_EQUAL(64, 0, 1),
		    RETURN(SECCOMP_RET_TRAP | 0xffff), ALLOW))
		broken("install");
	tell("returns %ld", call_i386(64, 0, 0, 0));
	tell("si_syscall %d", seen.info.si_syscall);
	tell("si_arch %s", seen.info.si_arch == AUDIT_ARCH_I386 ? "i386" : "another");
	tell("si_errno %d", seen.info.si_errno);
}

static void i386(void)
{
	in_child(i386_in_child);
	said("int 0x80");
}

static void counter_in_child(void)
{
	trap_getppid();
	tell("%s", address((const void *)seen.registers[REG_RIP]));
}

static void counter(void)
{
	in_child(counter_in_child);
	said("program counter");
}

static void registers_in_child(void)
{
	catch ();
	must_install_on(0, SYS_getppid, SECCOMP_RET_TRAP);
	tell("returned %s",
	     marked_call(SYS_getppid, 0x1234) == SYS_getppid ? "the number" : "another value");
	tell("in the handler %s",
	     seen.registers[REG_RAX] == SYS_getppid ? "the number" : "another value");
	tell("first argument %#llx", (unsigned long long)seen.registers[REG_RDI]);
}

static void registers(void)
{
	in_child(registers_in_child);
	said("return register");
}

static void answer_in_child(void)
{
	catch ();
	seen.change = true;
	seen.answer = 4711;
	must_install_on(0, SYS_getppid, SECCOMP_RET_TRAP);
	tell("%ld", syscall(SYS_getppid));
	seen.answer = -EDOM;
	tell("%s", value(syscall(SYS_getppid)));
}

static void answer(void)
{
	in_child(answer_in_child);
	said("set by the handler");
}

static void call_trapped(void)
{
	must_install_on(0, SYS_getppid, SECCOMP_RET_TRAP);
	syscall(SYS_getppid);
	tell("came back");
}

static void blocked_in_child(void)
{
	sigset_t set;

	catch ();
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	call_trapped();
}

static void ignored_in_child(void)
{
	signal(SIGSYS, SIG_IGN);
	call_trapped();
}

static void forced(void)
{
	child_says("default", call_trapped);
	child_says("blocked", blocked_in_child);
	child_says("ignored", ignored_in_child);
	said("call");
}

static void data_in_child(void)
{
	catch ();
	must_install_on(0, SYS_getppid, SECCOMP_RET_TRAP | 0xffff);
	syscall(SYS_getppid);
	tell("%d", seen.info.si_errno);
}

static void data(void)
{
	in_child(data_in_child);
	said("si_errno for 0xffff");
}

#define WHERE "SECCOMP_RET_TRAP "
#define MEMBERS                                                                         \
	"members: si_signo SYS, si_code SYS_SECCOMP, si_errno 77, si_syscall getppid, " \
	"si_arch x86-64"

static const struct manual_case cases[] = {
	{ "trap-directed", S(WHERE "#1"), "SIGSYS is sent to the thread that made the call",
	  "process: exit 0, SIGSYS: 1 signal, to the thread that called", directed },
	{ "trap-forced", S(WHERE "#1"),
	  "if it is at its default, blocked or ignored, the process ends",
	  "default: SIGSYS, blocked: SIGSYS, ignored: SIGSYS, call: nothing", forced },
	{ "trap-not-run", S(WHERE "#2"), "the call is not executed", "call: 1 signal, written 0",
	  does_not_run },
	{ "trap-members", S(WHERE "#3"), "members of siginfo_t are set", MEMBERS, members },
	{ "trap-signo", S(WHERE "#4"), "si_signo is SIGSYS", MEMBERS, members },
	{ "trap-address", S(WHERE "#5"), "si_call_addr is the address of the instruction",
	  "si_call_addr: the instruction", call_address,
	  "x86 has moved on to the next instruction by then", "si_call_addr: the one behind it" },
	{ "trap-which", S(WHERE "#6"), "si_syscall and si_arch tell which call it was", MEMBERS,
	  members },
	{ "trap-i386", S(WHERE "#6"), "of the i386 ABI too",
	  "int 0x80: returns 64, si_syscall 64, si_arch i386, si_errno 65535", i386 },
	{ "trap-code", S(WHERE "#7"), "si_code is SYS_SECCOMP", MEMBERS, members },
	{ "trap-errno", S(WHERE "#8"), "si_errno has the filter's data", MEMBERS, members },
	{ "trap-data", S(WHERE "#8"), "all 16 bits of it", "si_errno for 0xffff: 65535", data },
	{ "trap-counter", S(WHERE "#9"), "the program counter is behind the instruction",
	  "program counter: the one behind it", counter },
	{ "trap-register", S(WHERE "#10"),
	  "the return register depends on the architecture: on x86 it has the number",
	  "return register: returned the number, in the handler the number, "
	  "first argument 0x1234",
	  registers },
	{ "trap-answer", S(WHERE "#10"), "a handler can set it, and so answer the call",
	  "set by the handler: 4711, EDOM", answer },
	REMARK("trap-reason", S(WHERE "#11"), "ENOSYS there could destroy something useful",
	       "a reason"),
};

TABLE(trap_table, cases);
