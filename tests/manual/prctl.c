// SPDX-License-Identifier: LGPL-2.1-or-later
/* prctl(2): PR_SET_SECCOMP and PR_GET_SECCOMP. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static long set_filter(const void *program)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0);
}

static struct sock_filter deny[] = { LOAD(nr), IF_EQUAL(SYS_getppid, 0, 1), RETURN(FAIL(EDOM)),
				     ALLOW };
static struct sock_fprog program = { 4, deny };

static void set_in_child(void)
{
	tell("prctl %s", value(set_filter(&program)));
	tell("getppid %s", outcome(syscall(SYS_getppid)));
}

static void sets(void)
{
	in_child(set_in_child);
	said("filter");
}

static void strict_in_child(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
	syscall(SYS_getppid);
}

static void sets_strict(void)
{
	child_says("getppid", strict_in_child);
}

static void mode_in_child(void)
{
	tell("none %s", value(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)));
	set_filter(&program);
	tell("filter %s", value(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)));
}

static void mode(void)
{
	in_child(mode_in_child);
	said("modes");
}

static void get_strict_in_child(void)
{
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
	prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

static void get_strict(void)
{
	child_says("process", get_strict_in_child);
}

static void get_denied_in_child(void)
{
	must_install_on(0, SYS_prctl, SECCOMP_RET_KILL_PROCESS);
	prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	tell("came back");
}

static void get_denied(void)
{
	child_says("process", get_denied_in_child);
	said("call");
}

static void field_in_child(void)
{
	char text[16] = "";

	status_field(getpid(), "Seccomp", text, sizeof(text));
	tell("none %s", text);
	set_filter(&program);
	status_field(getpid(), "Seccomp", text, sizeof(text));
	tell("filter %s", text);
}

static int ends[4];

static void field_strict_in_child(void)
{
	char byte;

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
	if (write(ends[1], "x", 1) == 1 && read(ends[2], &byte, 1) >= 0)
		syscall(SYS_exit, 0);
}

static void field(void)
{
	char byte, text[16] = "";
	pid_t pid;

	in_child(field_in_child);
	said("field");
	if (pipe(ends) || pipe(ends + 2))
		broken("pipe");
	pid = fork();
	if (pid == 0)
		field_strict_in_child();
	if (pid < 0 || read(ends[0], &byte, 1) != 1)
		broken("child");
	status_field(pid, "Seccomp", text, sizeof(text));
	say("strict %s", text);
}

static void refused_in_child(void)
{
	drop_capabilities();
	tell("%s", value(set_filter(&program)));
}

static void refused(void)
{
	in_child(refused_in_child);
	said("filter");
}

static void faults(void)
{
	say("no program %s", value(set_filter(NULL)));
	say("a bad pointer %s", value(set_filter((void *)16)));
}

static void bad_mode(void)
{
	say("0 %s", value(prctl(PR_SET_SECCOMP, 0, 0, 0, 0)));
	say("3 %s", value(prctl(PR_SET_SECCOMP, 3, 0, 0, 0)));
}

static void ignored_in_child(void)
{
	tell("strict with an argument %s",
	     value(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, &program, 1, 1)));
	syscall(SYS_exit, 0);
}

static void ignored(void)
{
	in_child(ignored_in_child);
	said("arg3");
}

static const struct manual_case cases[] = {
	{ "prctl-set", P("PR_SET_SECCOMP #1"), "sets the mode of the calling thread",
	  "filter: prctl 0, getppid EDOM", sets },
	REMARK("prctl-superset", P("PR_SET_SECCOMP #2"), "seccomp can do more", "advice"),
	REMARK("prctl-arg2", P("PR_SET_SECCOMP #3"), "arg2 is the mode", "the next cases"),
	{ "prctl-strict", P("SECCOMP_MODE_STRICT #1"), "the strict mode", "getppid: SIGKILL",
	  sets_strict },
	REMARK("prctl-strict-config", P("SECCOMP_MODE_STRICT #2"), "only with CONFIG_SECCOMP",
	       "the kernels under test have it"),
	{ "prctl-filter", P("SECCOMP_MODE_FILTER #1"), "the filter that arg3 points to",
	  "filter: prctl 0, getppid EDOM", sets },
	REMARK("prctl-filter-any", P("SECCOMP_MODE_FILTER #2"), "for any call and argument",
	       "case filter-arbitrary shows it"),
	REMARK("prctl-filter-config", P("SECCOMP_MODE_FILTER #3"),
	       "only with CONFIG_SECCOMP_FILTER", "the kernels under test have it"),
	{ "prctl-get", P("PR_GET_SECCOMP #1"), "returns the mode", "modes: none 0, filter 2",
	  mode },
	{ "prctl-get-none", P("PR_GET_SECCOMP #2"), "0 without one", "modes: none 0, filter 2",
	  mode },
	{ "prctl-get-strict", P("PR_GET_SECCOMP #2"), "SIGKILL in strict mode", "process: SIGKILL",
	  get_strict },
	{ "prctl-get-filter", P("PR_GET_SECCOMP #3"), "2 with filters that allow it",
	  "modes: none 0, filter 2", mode },
	{ "prctl-get-denied", P("PR_GET_SECCOMP #3"), "SIGKILL with filters that do not",
	  "process: SIGKILL, call: nothing", get_denied,
	  "the filter says what happens; here, KILL_PROCESS", "process: SIGSYS, call: nothing" },
	REMARK("prctl-get-config", P("PR_GET_SECCOMP #4"), "only with CONFIG_SECCOMP",
	       "the kernels under test have it"),
	{ "prctl-field", P("PR_GET_SECCOMP #5"), "the field Seccomp of /proc/PID/status has it too",
	  "field: none 0, filter 2, strict 1", field },
	{ "prctl-return", P("RETURN VALUE #1"), "PR_GET_SECCOMP returns the mode, others 0",
	  "modes: none 0, filter 2", mode },
	{ "prctl-access", P("ERRORS EACCES"), "EACCES: neither capability nor no_new_privs",
	  "filter: EACCES", refused },
	{ "prctl-fault", P("ERRORS EFAULT"), "EFAULT: arg3 is a bad address",
	  "no program EFAULT, a bad pointer EFAULT", faults },
	{ "prctl-mode", P("ERRORS EINVAL #1"), "EINVAL: an unknown mode", "0 EINVAL, 3 EINVAL",
	  bad_mode },
	REMARK("prctl-no-config", P("ERRORS EINVAL #2"), "EINVAL: a kernel without CONFIG_SECCOMP",
	       "the kernels under test have it"),
	REMARK("prctl-no-filter", P("ERRORS EINVAL #3"),
	       "EINVAL: a kernel without CONFIG_SECCOMP_FILTER", "the kernels under test have it"),
	{ "prctl-ignored", H("PR_SET_SECCOMP #1"), "the strict mode does not look at arg3",
	  "arg3: strict with an argument 0", ignored },
	{ "notes-field", S("NOTES #2"), "the field Seccomp of /proc/PID/status shows the mode",
	  "field: none 0, filter 2, strict 1", field },
	REMARK("notes-superset", S("NOTES #3"), "does what prctl does, and more",
	       "cases strict-prctl and filter-prctl show it"),
};

TABLE(prctl_table, cases);
