// SPDX-License-Identifier: LGPL-2.1-or-later
/* ERRNO, USER_NOTIF without a supervisor, TRACE without a tracer, LOG, ALLOW, and others. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint32_t action;
static unsigned int flags;
static int file;

static void call_in_child(void)
{
	if (install_on(flags, SYS_pwrite64, action) < 0)
		broken("install");
	tell("%s", value(syscall(SYS_pwrite64, file, "x", 1, 0)));
}

static void acts(uint32_t wanted)
{
	action = wanted;
	file = scratch_file();
	in_child(call_in_child);
	said("pwrite");
	say("written %ld", (long)lseek(file, 0, SEEK_END));
}

static void fails(void)
{
	acts(FAIL(EDOM));
}

static void number_in_child(void)
{
	must_install_on(0, SYS_getppid, action);
	tell("%s", value(syscall(SYS_getppid)));
}

static void numbers(void)
{
	static const uint32_t data[] = { 0, 1, 133, 134, 512, 513, 516, 4094, 4095, 4096, 65535 };

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		action = FAIL(data[i]);
		in_child(number_in_child);
	}
	said("0, 1, 133, 134, 512, 513, 516, 4094, 4095, 4096, 65535");
}

static void no_listener(void)
{
	acts(SECCOMP_RET_USER_NOTIF);
}

static void closed_in_child(void)
{
	long fd =
		install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_pwrite64, SECCOMP_RET_USER_NOTIF);

	close((int)fd);
	tell("%s", value(syscall(SYS_pwrite64, file, "x", 1, 0)));
}

static void closed_listener(void)
{
	file = scratch_file();
	in_child(closed_in_child);
	said("pwrite");
	say("written %ld", (long)lseek(file, 0, SEEK_END));
}

static void no_tracer(void)
{
	acts(SECCOMP_RET_TRACE);
}

static void allows(void)
{
	acts(SECCOMP_RET_ALLOW);
}

static void logs(void)
{
	acts(SECCOMP_RET_LOG);
}

static void unknown_in_child(void)
{
	must_install_on(0, SYS_getppid, action);
	syscall(SYS_getppid);
	tell("came back");
}

static void thread_body(void)
{
	unknown_in_child();
}

static void process_in_child(void)
{
	run_thread(thread_body);
	tell("the thread alone ended");
}

static void unknown(void)
{
	static const uint32_t actions[] = { 0x00010000, 0x00020000, 0x7fff0000 - 0x10000,
					    0x7ffd0000, 0x80010000, 0xffff0000 };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		action = actions[i];
		child_says("process", process_in_child);
	}
	said("calls");
}

static void data_in_child(void)
{
	must_install_on(0, SYS_getppid, action);
	tell("%s", outcome(syscall(SYS_getppid)));
}

static void parts(void)
{
	action = SECCOMP_RET_ALLOW | 0xffff;
	in_child(data_in_child);
	action = SECCOMP_RET_LOG | 0x1234;
	in_child(data_in_child);
	action = SECCOMP_RET_ERRNO | EDOM;
	in_child(data_in_child);
	said("ALLOW, LOG, ERRNO with data");
	say("masks %#x %#x", SECCOMP_RET_ACTION_FULL, SECCOMP_RET_DATA);
}

static const struct manual_case cases[] = {
	{ "errno-data", S("SECCOMP_RET_ERRNO #1"),
	  "the data is the errno, and the call is not executed", "pwrite: EDOM, written 0", fails },
	{ "errno-numbers", S("SECCOMP_RET_ERRNO #1"), "the data becomes errno",
	  "0, 1, 133, 134, 512, 513, 516, 4094, 4095, 4096, 65535: 0, EPERM, EHWPOISON, "
	  "errno 134, errno 512, errno 513, errno 516, errno 4094, errno 4095, errno 4096, "
	  "errno 65535",
	  numbers, "the kernel takes 4095 for what is above it, as no errno is larger",
	  "0, 1, 133, 134, 512, 513, 516, 4094, 4095, 4096, 65535: 0, EPERM, EHWPOISON, "
	  "errno 134, errno 512, errno 513, errno 516, errno 4094, errno 4095, errno 4095, "
	  "errno 4095" },
	REMARK("notif-forward", S("SECCOMP_RET_USER_NOTIF #1"), "a supervisor decides",
	       "shown by the cases of seccomp_unotify(2)"),
	{ "notif-none", S("SECCOMP_RET_USER_NOTIF #2"), "without a listener: ENOSYS",
	  "pwrite: ENOSYS, written 0", no_listener },
	{ "notif-closed", S("SECCOMP_RET_USER_NOTIF #2"), "with a closed one: ENOSYS",
	  "pwrite: ENOSYS, written 0", closed_listener },
	{ "trace-none", S("SECCOMP_RET_TRACE #2"), "without a tracer: ENOSYS",
	  "pwrite: ENOSYS, written 0", no_tracer },
	{ "log-runs", S("SECCOMP_RET_LOG #1"), "the call is executed", "pwrite: 1, written 1",
	  logs },
	{ "allow-runs", S("SECCOMP_RET_ALLOW #1"), "the call is executed", "pwrite: 1, written 1",
	  allows },
	{ "unknown-kills", S("Filters, other actions #1"), "any other action acts as KILL_PROCESS",
	  "process: SIGSYS, process: SIGSYS, process: SIGSYS, process: SIGSYS, process: SIGSYS, "
	  "process: SIGSYS, calls: nothing",
	  unknown },
	{ "data-parts", S("Filters #22"), "the upper half is an action, the lower half data",
	  "ALLOW, LOG, ERRNO with data: ran, ran, EDOM, masks 0xffff0000 0xffff", parts },
};

TABLE(actions_table, cases);
