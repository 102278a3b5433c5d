// SPDX-License-Identifier: LGPL-2.1-or-later
/* NOTES and EXAMPLES. */
#define _GNU_SOURCE
#include "frame.h"

#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void deny_clocks(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_clock_gettime, 2, 0),
		    IF_EQUAL(SYS_gettimeofday, 1, 0), IF_EQUAL(SYS_time, 0, 1), RETURN(FAIL(EDOM)),
		    ALLOW))
		broken("install");
}

/* This clock needs no counter of the processor, whichever the guest has. */
static void vdso_in_child(void)
{
	struct timespec now;

	deny_clocks();
	tell("clock_gettime %s", value(clock_gettime(CLOCK_MONOTONIC_COARSE, &now)));
	tell("time %s", time(NULL) > 1000000 ? "works" : "fails");
	tell("the call itself %s", value(syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &now)));
}

static void vdso(void)
{
	in_child(vdso_in_child);
	said("with these calls denied");
}

static void fallback_in_child(void)
{
	struct timespec now;

	deny_clocks();
	tell("%s", value(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)));
}

static void fallback(void)
{
	in_child(fallback_in_child);
	said("a clock that the vDSO has not");
}

static void exit_in_child(void)
{
	must_install_on(0, SYS_exit_group, SECCOMP_RET_KILL_PROCESS);
	_exit(0);
}

static void fork_in_child(void)
{
	must_install_on(0, SYS_clone, FAIL(EDOM));
	must_install_on(0, SYS_fork, FAIL(ERANGE));
	tell("fork %s", value(fork()));
}

static void other_calls(void)
{
	child_says("_exit with exit_group denied", exit_in_child);
	in_child(fork_in_child);
	said("clone denied with EDOM");
}

static void open_in_child(void)
{
	must_install_on(0, SYS_openat, FAIL(EDOM));
	must_install_on(0, SYS_open, FAIL(ERANGE));
	tell("open %s", value(open("/dev/null", O_RDONLY | O_CLOEXEC)));
}

static void opens(void)
{
	in_child(open_in_child);
	said("openat denied with EDOM");
}

static uint32_t example_arch = AUDIT_ARCH_X86_64;

/* The page's filter, in our words. */
static void example(long nr, unsigned int number)
{
	if (INSTALL(0, LOAD(arch), IF_EQUAL(example_arch, 0, 5), LOAD(nr),
		    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0x3fffffff, 3, 0), IF_EQUAL(nr, 0, 1),
		    RETURN(FAIL(number)), ALLOW, RETURN(SECCOMP_RET_KILL_PROCESS)))
		broken("install");
}

static void example_exec_in_child(void)
{
	example(SYS_execve, EADDRNOTAVAIL);
	execl("/bin/true", "true", NULL);
	tell("execve %s", value(-1));
	_exit(1);
}

static void example_exec(void)
{
	child_says("program", example_exec_in_child);
	said("it");
}

static int output[2];

static void example_probe(long nr)
{
	dup2(output[1], STDOUT_FILENO);
	example(nr, EADDRNOTAVAIL);
	exec_probe("write", NULL);
}

static void example_write_in_child(void)
{
	example_probe(SYS_write);
}

static void example_other_in_child(void)
{
	example_probe(SYS_preadv);
}

static void say_output(void (*function)(void))
{
	char text[32] = "";
	ssize_t size;

	if (pipe2(output, O_CLOEXEC))
		broken("pipe");
	child_says("program", function);
	close(output[1]);
	size = read(output[0], text, sizeof(text) - 1);
	say("output %s", size == 5 ? "there" : size == 0 ? "empty" : "strange");
}

static void example_write(void)
{
	say_output(example_write_in_child);
}

static void example_other(void)
{
	say_output(example_other_in_child);
}

static void example_arch_in_child(void)
{
	example(SYS_preadv, EADDRNOTAVAIL);
	tell("%s", outcome(as_libc(call_i386(64, 0, 0, 0))));
}

static void example_arch_says(void)
{
	child_says("int 0x80", example_arch_in_child);
	said("it");
}

#define VDSO	"Caveats "
#define EXAMPLE "EXAMPLES "

static const struct manual_case cases[] = {
	REMARK("history", S("VERSIONS #1"), "there since Linux 3.17", "history"),
	REMARK("standards", S("STANDARDS #1"), "Linux alone has it", "history"),
	REMARK("notes-libseccomp", S("NOTES #1"), "libseccomp makes filters", "advice"),
	REMARK("notes-arch", S("Architecture support #1"),
	       "x86-64, i386, x32 and other architectures have it",
	       "secmap is for x86; data-members, data-i386 and data-x32-bit use all three"),
	{ "vdso", S(VDSO "#1"), "a call that the vDSO answers never gets to a filter",
	  "with these calls denied: clock_gettime 0, time works, the call itself EDOM", vdso },
	{ "vdso-fallback", S(VDSO "#2"), "what the vDSO cannot answer does",
	  "a clock that the vDSO has not: EDOM", fallback },
	REMARK("libc-numbers", S(VDSO "#3"), "programs call wrappers, filters see numbers",
	       "a reason"),
	{ "libc-others", S(VDSO "#4"), "exit makes exit_group, fork makes clone",
	  "_exit with exit_group denied: SIGSYS, clone denied with EDOM: fork EDOM", other_calls },
	REMARK("libc-arch", S(VDSO "#5"), "wrappers differ between architectures",
	       "one architecture here"),
	{ "libc-version", S(VDSO "#6"), "open makes openat since glibc 2.26",
	  "openat denied with EDOM: open EDOM", opens },
	REMARK("libc-other", S(VDSO "#7"), "so another call may have to be filtered", "advice"),
	REMARK("libc-bugs", S(VDSO "#8"), "filters may cause faults that are rarely seen",
	       "advice"),
	{ "example-arch", S(EXAMPLE "#1"), "another architecture fails with ENOSYS",
	  "int 0x80: exit 0, it: ENOSYS", example_arch_says, "the page's own program kills there",
	  "int 0x80: SIGSYS, it: nothing" },
	{ "example-errno", S(EXAMPLE "#2"), "execve fails with the number that was asked for",
	  "program: exit 1, it: execve EADDRNOTAVAIL", example_exec },
	{ "example-write", S(EXAMPLE "#3"), "with write denied, a program runs and says nothing",
	  "program: exit 1, output empty", example_write },
	{ "example-other", S(EXAMPLE "#4"), "with a call denied that it does not make, it works",
	  "program: exit 0, output there", example_other },
};

TABLE(notes_table, cases);
