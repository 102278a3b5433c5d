// SPDX-License-Identifier: LGPL-2.1-or-later
/* The call as a whole, and SECCOMP_SET_MODE_FILTER without its flags. */
#define _GNU_SOURCE
#include "frame.h"

#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void deny_getppid(void)
{
	must_install_on(0, SYS_getppid, FAIL(EPERM));
}

static void call_getppid(void)
{
	tell("getppid: %s", outcome(syscall(SYS_getppid)));
}

static void filter_in_child(void)
{
	deny_getppid();
	call_getppid();
}

static void own_thread(void)
{
	child_says("child", filter_in_child);
	said("in it");
	say("getppid of its parent: %s", outcome(syscall(SYS_getppid)));
}

static void operations_in_child(void)
{
	uint32_t action = SECCOMP_RET_ALLOW;
	struct seccomp_notif_sizes sizes;

	tell("FILTER %s", value(install_on(0, SYS_getppid, SECCOMP_RET_ALLOW)));
	tell("GET_ACTION_AVAIL %s",
	     value(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)));
	tell("GET_NOTIF_SIZES %s", value(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes)));
}

static void strict_in_child(void)
{
	tell("STRICT %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL)));
	syscall(SYS_exit, 0);
}

static void operations(void)
{
	in_child(strict_in_child);
	in_child(operations_in_child);
	said("operations");
}

static void arbitrary_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_dup, 0, 3), LOW(0), IF_EQUAL(1000, 0, 1),
		    RETURN(FAIL(EDOM)), ALLOW))
		broken("install");
	tell("dup(0): %s", outcome(syscall(SYS_dup, 0)));
	tell("dup(1000): %s", outcome(syscall(SYS_dup, 1000)));
	tell("dup(1001): %s", outcome(syscall(SYS_dup, 1001)));
}

static void arbitrary(void)
{
	in_child(arbitrary_in_child);
	said("with a filter");
}

static void invalid(void)
{
	say("an unknown instruction: %s", value(INSTALL(0, BPF_STMT(0xffff, 0), ALLOW)));
	say("no return at the end: %s", value(INSTALL(0, LOAD(nr))));
}

static int body(void *unused)
{
	(void)unused;
	call_getppid();
	return 0;
}

static void clone_child(unsigned long flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = clone(body, stack + sizeof(stack), (int)flags | SIGCHLD, NULL);

	if (pid < 0 || waitpid(pid, NULL, __WALL) != pid)
		broken("clone");
}

static void clone3_child(void)
{
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0) {
		call_getppid();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		broken("clone3");
}

static void inherited_in_child(void)
{
	deny_getppid();
	in_child(call_getppid);
	clone_child(0);
	clone_child(CLONE_VM | CLONE_VFORK);
	clone3_child();
	run_thread(call_getppid);
}

static void inherited(void)
{
	in_child(inherited_in_child);
	said("fork, clone, vfork, clone3, thread");
}

static void exec_filtered(void)
{
	deny_getppid();
	exec_probe("getppid", NULL);
}

static void exec_free(void)
{
	exec_probe("getppid", NULL);
}

static void preserved(void)
{
	child_says("without a filter", exec_free);
	child_says("with one", exec_filtered);
}

static void try_install(void)
{
	tell("%s", value(install_on(0, SYS_getppid, FAIL(EPERM))));
}

static void as_nobody(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		broken("setresuid");
}

static void nobody_tries(void)
{
	as_nobody();
	try_install();
}

static void nobody_with_privs(void)
{
	as_nobody();
	no_new_privs();
	try_install();
}

static void in_user_namespace(void)
{
	as_nobody();
	if (unshare(CLONE_NEWUSER))
		broken("unshare");
	try_install();
}

static void without_in_namespace(void)
{
	as_nobody();
	if (unshare(CLONE_NEWUSER))
		broken("unshare");
	drop_capabilities();
	try_install();
}

static void root_without(void)
{
	drop_capabilities();
	try_install();
}

static void capability(void)
{
	in_child(try_install);
	in_child(in_user_namespace);
	said("root, owner of a user namespace");
}

static void privs(void)
{
	in_child(nobody_with_privs);
	said("install");
}

static void heir(void)
{
	as_nobody();
	no_new_privs();
	in_child(try_install);
}

static void ancestor(void)
{
	in_child(heir);
	said("child of a thread that set it");
}

static void refused(void)
{
	in_child(nobody_tries);
	in_child(root_without);
	in_child(without_in_namespace);
	said("nobody, root without it, owner of a namespace without it");
}

/* Where set-user-id programs may be: not in a folder for temporary files. */
static char privileged[] = "/var/lib/manual-page-XXXXXX";

static void exec_privileged(void)
{
	execl(privileged, "manual-page", "probe", "euid", NULL);
	_exit(98);
}

static void exec_as_nobody(void)
{
	as_nobody();
	exec_privileged();
}

static void exec_with_filter(void)
{
	as_nobody();
	no_new_privs();
	deny_getppid();
	exec_privileged();
}

static void copy_self(int to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char buffer[65536];
	ssize_t size;

	while ((size = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)size) != size)
			broken("write");
	close(from);
}

static void set_user_id(void)
{
	int fd = mkstemp(privileged);

	if (fd < 0 || fchmod(fd, 04755))
		broken("mkstemp");
	copy_self(fd);
	fchmod(fd, 04755);
	close(fd);
	child_says("root after exec by nobody", exec_as_nobody);
	child_says("with a filter", exec_with_filter);
	unlink(privileged);
}

static void pretend_in_child(void)
{
	must_install_on(0, SYS_setuid, FAIL(0));
	tell("setuid %s", value(syscall(SYS_setuid, 65534)));
	tell("uid %u", getuid());
}

static void pretend(void)
{
	in_child(pretend_in_child);
	said("under a filter");
}

static void more_in_child(void)
{
	struct sock_filter filter[] = { LOAD(nr), IF_EQUAL(SYS_getpgrp, 0, 1), RETURN(FAIL(EDOM)),
					ALLOW };
	struct sock_fprog program = { 4, filter };

	deny_getppid();
	tell("seccomp %s", value(install_on(0, SYS_getsid, FAIL(ERANGE))));
	tell("prctl %s", value(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)));
	tell("getppid %s", outcome(syscall(SYS_getppid)));
	tell("getsid %s", outcome(syscall(SYS_getsid, 0)));
	tell("getpgrp %s", outcome(syscall(SYS_getpgrp)));
}

static void more(void)
{
	in_child(more_in_child);
	said("added");
}

static void no_more_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_seccomp, 1, 0), IF_EQUAL(SYS_prctl, 0, 1),
		    RETURN(FAIL(EDOM)), ALLOW))
		broken("install");
	tell("seccomp %s", value(install_on(0, SYS_getsid, FAIL(ERANGE))));
	tell("prctl %s", value(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0)));
	tell("getsid %s", outcome(syscall(SYS_getsid, 0)));
}

static void no_more(void)
{
	in_child(no_more_in_child);
	said("where both are denied");
}

static void by_prctl_in_child(void)
{
	struct sock_filter filter[] = { LOAD(nr), IF_EQUAL(SYS_getppid, 0, 1), RETURN(FAIL(EPERM)),
					ALLOW };
	struct sock_fprog program = { 4, filter };

	tell("prctl %s", value(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)));
	call_getppid();
	tell("mode %s", value(prctl(PR_GET_SECCOMP, 0, 0, 0, 0)));
}

static void by_prctl(void)
{
	in_child(by_prctl_in_child);
	said("installed");
}

#define WHERE "SECCOMP_SET_MODE_FILTER "

static const struct manual_case cases[] = {
	REMARK("no-wrapper", S("SYNOPSIS #1"), "glibc has no wrapper; syscall() reaches it",
	       "every case here goes that way"),
	{ "own-state", S("DESCRIPTION #1"), "acts on the state of the caller",
	  "child: exit 0, in it: getppid: EPERM, getppid of its parent: ran", own_thread },
	{ "operations", S("DESCRIPTION #2"), "the operations that there are",
	  "operations: STRICT 0, FILTER 0, GET_ACTION_AVAIL 0, GET_NOTIF_SIZES 0", operations },
	{ "filter-program", S(WHERE "#1"), "args points to the BPF program that decides",
	  "child: exit 0, in it: getppid: EPERM, getppid of its parent: ran", own_thread },
	{ "filter-arbitrary", S(WHERE "#2"), "it can look at any call and at its arguments",
	  "with a filter: dup(0): ran, dup(1000): EDOM, dup(1001): EBADF", arbitrary },
	{ "filter-invalid", S(WHERE "#3"), "an invalid program: EINVAL",
	  "an unknown instruction: EINVAL, no return at the end: EINVAL", invalid },
	{ "filter-inherit", S(WHERE "#4"), "what fork and clone make has the same filters",
	  "fork, clone, vfork, clone3, thread: getppid: EPERM, getppid: EPERM, getppid: EPERM, "
	  "getppid: EPERM, getppid: EPERM",
	  inherited },
	{ "filter-exec", S(WHERE "#5"), "the filters last over execve",
	  "without a filter: exit 0, with one: exit 1", preserved },
	{ "filter-capability", S(WHERE "#6"),
	  "CAP_SYS_ADMIN in the thread's user namespace is enough",
	  "root, owner of a user namespace: 0, 0", capability },
	{ "filter-privs", S(WHERE "#6"), "no_new_privs is enough", "install: 0", privs },
	{ "filter-ancestor", S(WHERE "#7"), "it is enough that an ancestor set no_new_privs",
	  "child of a thread that set it: 0", ancestor },
	{ "filter-refused", S(WHERE "#8"), "without either: EACCES",
	  "nobody, root without it, owner of a namespace without it: EACCES, EACCES, EACCES",
	  refused },
	{ "filter-set-user-id", S(WHERE "#9"),
	  "a program that sets its user id gets no privileges under an unprivileged filter",
	  "root after exec by nobody: exit 0, with a filter: exit 1", set_user_id },
	{ "filter-pretend", S(WHERE "#10"),
	  "a filter can make setuid return 0 though it did nothing",
	  "under a filter: setuid 0, uid 0", pretend },
	{ "filter-more", S(WHERE "#11"), "where prctl or seccomp is allowed, more can be added",
	  "added: seccomp 0, prctl 0, getppid EPERM, getsid ERANGE, getpgrp EDOM", more },
	{ "filter-no-more", S(WHERE "#11"), "where they are denied, none can be added",
	  "where both are denied: seccomp EDOM, prctl EDOM, getsid ran", no_more },
	REMARK("filter-cost", S(WHERE "#12"),
	       "each one costs time, and can take more away from an attacker",
	       "time is what the benchmark measures"),
	REMARK("filter-config", S(WHERE "#13"), "there only with CONFIG_SECCOMP_FILTER",
	       "the kernels under test have it"),
	{ "filter-prctl", S(WHERE "#14"), "with flags 0 it does what PR_SET_SECCOMP does",
	  "installed: prctl 0, getppid: EPERM, mode 2", by_prctl },
};

TABLE(filter_table, cases);
