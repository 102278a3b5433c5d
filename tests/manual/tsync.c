// SPDX-License-Identifier: LGPL-2.1-or-later
/* SECCOMP_FILTER_FLAG_TSYNC: a second thread stands by while the first one installs. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_barrier_t barrier;
static pid_t other_tid;
static void (*other_before)(void), (*other_after)(void);

static void *other_main(void *unused)
{
	(void)unused;
	other_tid = (pid_t)syscall(SYS_gettid);
	other_before();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	other_after();
	return NULL;
}

static void nothing(void)
{
}

static void call_getppid(void)
{
	tell("the other's getppid %s", outcome(syscall(SYS_getppid)));
}

static pthread_t start_other(void (*before)(void), void (*after)(void))
{
	pthread_t thread;

	other_before = before;
	other_after = after;
	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, other_main, NULL))
		broken("pthread_create");
	pthread_barrier_wait(&barrier);
	return thread;
}

static void end_other(pthread_t thread)
{
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
}

static long tsync(unsigned int flags)
{
	return install_on(SECCOMP_FILTER_FLAG_TSYNC | flags, SYS_getppid, FAIL(EDOM));
}

static const char *tsync_result(long ret)
{
	return ret > 0 ? ret == other_tid ? "the other's id" : "some number" : value(ret);
}

/* Install with TSYNC beside a thread that has done @before. */
static void beside(void (*before)(void), unsigned int flags)
{
	pthread_t thread = start_other(before, call_getppid);
	long ret = tsync(flags);

	tell("install %s", tsync_result(ret));
	tell("getppid %s", outcome(syscall(SYS_getppid)));
	end_other(thread);
}

static void all_in_child(void)
{
	beside(nothing, 0);
}

static void all(void)
{
	in_child(all_in_child);
	said("threads");
}

static void same_filter(void)
{
	must_install_on(0, SYS_getsid, FAIL(ERANGE));
}

static void before_other_in_child(void)
{
	same_filter();
	beside(nothing, 0);
}

static void ahead_in_child(void)
{
	pthread_t thread = start_other(nothing, call_getppid);

	same_filter();
	must_install_on(0, SYS_getpgrp, FAIL(ERANGE));
	tell("install %s", tsync_result(tsync(0)));
	end_other(thread);
}

static void same_tree(void)
{
	in_child(before_other_in_child);
	said("the same filters");
	in_child(ahead_in_child);
	said("fewer of the same");
}

static void identical_in_child(void)
{
	pthread_t thread = start_other(same_filter, call_getppid);

	same_filter();
	tell("install %s", tsync_result(tsync(0)));
	tell("getppid %s", outcome(syscall(SYS_getppid)));
	end_other(thread);
}

static void identical(void)
{
	in_child(identical_in_child);
	said("each its own");
}

static void diverged_in_child(void)
{
	beside(same_filter, 0);
}

static void diverged(void)
{
	in_child(diverged_in_child);
	said("install");
}

static void *strict_main(void *argument)
{
	const int *ends = argument;
	char byte;

	other_tid = (pid_t)syscall(SYS_gettid);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL))
		broken("strict");
	if (write(ends[1], "x", 1) == 1 && read(ends[2], &byte, 1) >= 0)
		syscall(SYS_exit, 0);
	return NULL;
}

static void strict_in_child(void)
{
	int ends[4];
	pthread_t thread;
	char byte;

	if (pipe(ends) || pipe(ends + 2) || pthread_create(&thread, NULL, strict_main, ends) ||
	    read(ends[0], &byte, 1) != 1)
		broken("thread");
	tell("install %s", tsync_result(tsync(0)));
	tell("getppid %s", outcome(syscall(SYS_getppid)));
	_exit(0);
}

static void strict(void)
{
	in_child(strict_in_child);
	said("beside a strict thread");
}

static void esrch_in_child(void)
{
	beside(same_filter, SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}

static void esrch_good_in_child(void)
{
	beside(nothing, SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}

static void esrch(void)
{
	in_child(esrch_in_child);
	said("diverged");
	in_child(esrch_good_in_child);
	said("not diverged");
}

static void with_listener_in_child(void)
{
	tell("alone %s",
	     outcome(install_on(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER,
				SYS_getppid, SECCOMP_RET_USER_NOTIF)));
	tell("with TSYNC_ESRCH %s",
	     outcome(install_on(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
					SECCOMP_FILTER_FLAG_NEW_LISTENER,
				SYS_getppid, SECCOMP_RET_USER_NOTIF)));
}

static void with_listener(void)
{
	in_child(with_listener_in_child);
	said("TSYNC and NEW_LISTENER");
}

static void failed_listener_in_child(void)
{
	pthread_t thread = start_other(same_filter, nothing);
	int before = dup(0), after;

	close(before);
	tell("install %s",
	     tsync_result(install_on(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
					     SECCOMP_FILTER_FLAG_NEW_LISTENER,
				     SYS_getppid, SECCOMP_RET_USER_NOTIF)));
	after = dup(0);
	tell("descriptor %s", after == before ? "not left behind" : "left behind");
	end_other(thread);
}

static void failed_listener(void)
{
	in_child(failed_listener_in_child);
	said("a failed install");
}

static void privs_of_other(void)
{
	tell("the other's no_new_privs %s", value(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
}

static void privs_in_child(void)
{
	pthread_t thread = start_other(nothing, privs_of_other);

	no_new_privs();
	tell("install %s", tsync_result(tsync(0)));
	end_other(thread);
}

static void privs(void)
{
	in_child(privs_in_child);
	said("threads");
}

#define WHERE "SECCOMP_FILTER_FLAG_TSYNC "

static const struct manual_case cases[] = {
	{ "tsync-all", S(WHERE "#1"), "all other threads of the process get the filter too",
	  "threads: install 0, getppid EDOM, the other's getppid EDOM", all },
	{ "tsync-tree", S(WHERE "#2"),
	  "a thread with the caller's filters, or the older ones of them, is synchronised",
	  "the same filters: install 0, getppid EDOM, the other's getppid EDOM, "
	  "fewer of the same: install 0, the other's getppid EDOM",
	  same_tree },
	{ "tsync-identical", S(WHERE "#3"),
	  "filters with the same content from different calls are different filters",
	  "each its own: install the other's id, getppid ran, the other's getppid ran", identical },
	{ "tsync-fails", S(WHERE "#4"),
	  "if a thread cannot be synchronised, its id is returned and nothing is attached",
	  "install: install the other's id, getppid ran, the other's getppid ran", diverged },
	{ "tsync-strict", S(WHERE "#5"), "a thread in strict mode makes it fail",
	  "beside a strict thread: install the other's id, getppid ran", strict },
	{ "tsync-diverged", S(WHERE "#5"), "a thread with filters of its own makes it fail",
	  "install: install the other's id, getppid ran, the other's getppid ran", diverged },
	{ "tsync-esrch", H("TSYNC_ESRCH #1"), "with this flag too the failure is ESRCH",
	  "diverged: install ESRCH, getppid ran, the other's getppid ran, "
	  "not diverged: install 0, getppid EDOM, the other's getppid EDOM",
	  esrch },
	{ "tsync-listener", H("TSYNC_ESRCH #2"),
	  "TSYNC with NEW_LISTENER needs it, for both return a number",
	  "TSYNC and NEW_LISTENER: alone EINVAL, with TSYNC_ESRCH ran", with_listener },
	{ "tsync-listener-fails", H("TSYNC_ESRCH #3"), "a failure leaves no descriptor behind",
	  "a failed install: install ESRCH, descriptor not left behind", failed_listener },
	{ "tsync-privs", H("TSYNC #1"), "no_new_privs is synchronised too",
	  "threads: install 0, the other's no_new_privs 1", privs },
};

TABLE(tsync_table, cases);
