// SPDX-License-Identifier: LGPL-2.1-or-later
/* RETURN VALUE, and those ERRORS that are not shown elsewhere. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void success_in_child(void)
{
	uint32_t action = SECCOMP_RET_ALLOW;

	tell("filter %ld", install_on(0, SYS_getppid, FAIL(EDOM)));
	tell("action %ld", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

static void success(void)
{
	in_child(success_in_child);
	said("returned");
}

static void failure(void)
{
	long ret = syscall(SYS_seccomp, 99, 0, NULL);

	say("returned %ld, errno %s", ret, value(ret));
}

static void refused_in_child(void)
{
	drop_capabilities();
	tell("%s", value(install_on(0, SYS_getppid, FAIL(EDOM))));
	no_new_privs();
	tell("%s", value(install_on(0, SYS_getppid, FAIL(EDOM))));
}

static void refused(void)
{
	in_child(refused_in_child);
	said("without and with no_new_privs");
}

static void busy_in_child(void)
{
	for (int i = 0; i < 2; i++)
		tell("%s", outcome(install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid,
					      SECCOMP_RET_USER_NOTIF)));
}

static void busy(void)
{
	in_child(busy_in_child);
	said("two listeners");
}

static void faults(void)
{
	struct sock_fprog no_filter = { 1, NULL };
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	say("no program: %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL)));
	say("unreadable: %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, page)));
	say("no instructions: %s",
	    value(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &no_filter)));
	say("action: %s", value(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, page)));
	say("sizes: %s", value(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, page)));
}

static void operations(void)
{
	say("4: %s", value(syscall(SYS_seccomp, 4, 0, NULL)));
	say("-1: %s", value(syscall(SYS_seccomp, -1, 0, NULL)));
}

static void bad_flags(void)
{
	uint32_t action = SECCOMP_RET_ALLOW;
	struct seccomp_notif_sizes sizes;

	say("strict: %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL)));
	say("filter: %s", value(install_on(1U << 20, SYS_getppid, FAIL(EDOM))));
	say("action: %s", value(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action)));
	say("sizes: %s", value(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &sizes)));
}

static void other_mode_in_child(void)
{
	must_install_on(0, SYS_getppid, FAIL(EDOM));
	tell("strict %s", value(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL)));
	tell("by prctl %s", value(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0)));
	tell("getsid %s", outcome(syscall(SYS_getsid, 0)));
}

static void other_mode(void)
{
	in_child(other_mode_in_child);
	said("after a filter");
}

/* flags before the program, the program before the privileges */
static void first_error_in_child(void)
{
	struct sock_filter bad[] = { BPF_STMT(0xffff, 0) };

	drop_capabilities();
	tell("flag and no pointer %s",
	     value(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1U << 20, NULL)));
	tell("no pointer and no right %s",
	     value(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL)));
	tell("length and no right %s", value(install(0, bad, 0)));
	tell("program and no right %s", value(install(0, bad, 1)));
}

static void first_error(void)
{
	in_child(first_error_in_child);
	said("two faults");
}

static const struct manual_case cases[] = {
	{ "return-success", S("RETURN VALUE #1"), "0 is success", "returned: filter 0, action 0",
	  success },
	REMARK("return-tsync", S("RETURN VALUE #2"), "with TSYNC, a thread's id is a failure",
	       "case tsync-fails shows it"),
	REMARK("return-tid", S("RETURN VALUE #3"), "that is a kernel's thread id",
	       "case tsync-fails compares it with gettid"),
	{ "return-failure", S("RETURN VALUE #4"), "other failures are -1 and an errno",
	  "returned -1, errno EINVAL", failure },
	{ "error-access", S("ERRORS #1"), "EACCES: neither the capability nor no_new_privs",
	  "without and with no_new_privs: EACCES, 0", refused },
	{ "error-busy", S("ERRORS #2"), "EBUSY: a second listener", "two listeners: ran, EBUSY",
	  busy },
	{ "error-fault", S("ERRORS #3"), "EFAULT: a bad pointer",
	  "no program: EFAULT, unreadable: EFAULT, no instructions: EINVAL, action: EFAULT, "
	  "sizes: EFAULT",
	  faults },
	{ "error-operation", S("ERRORS #4"), "EINVAL: an unknown operation",
	  "4: EINVAL, -1: EINVAL", operations },
	{ "error-flags", S("ERRORS #5"), "EINVAL: flags that the operation has not",
	  "strict: EINVAL, filter: EINVAL, action: EINVAL, sizes: EINVAL", bad_flags },
	{ "error-mode", S("ERRORS #7"), "EINVAL: another mode is set already",
	  "after a filter: strict EINVAL, by prctl EINVAL, getsid ran", other_mode },
	REMARK("error-memory", S("ERRORS #9"), "ENOMEM: out of memory",
	       "a program cannot make the kernel run out of it here and nowhere else"),
	REMARK("error-action", S("ERRORS #12"), "EOPNOTSUPP: an action that the kernel has not",
	       "case avail-unknown shows it"),
	REMARK("error-esrch", S("ERRORS #13"),
	       "ESRCH: a thread could not be synchronised and has no id here",
	       "threads of a process have ids in each other's namespace; for the flag, see "
	       "tsync-esrch"),
	{ "error-order", H("order of errors #1"), "flags, then the program, then the right",
	  "two faults: flag and no pointer EINVAL, no pointer and no right EFAULT, "
	  "length and no right EINVAL, program and no right EACCES",
	  first_error },
};

TABLE(errors_table, cases);
