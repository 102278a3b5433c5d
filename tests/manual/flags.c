// SPDX-License-Identifier: LGPL-2.1-or-later
/* Flags that need no thread beside and no log, and the operations that ask. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void listener_in_child(void)
{
	long fd = install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid, SECCOMP_RET_USER_NOTIF);
	char path[64], text[64] = "";

	tell("install %s", outcome(fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%ld", fd);
	if (readlink(path, text, sizeof(text) - 1) < 0)
		broken("readlink");
	tell("a descriptor of %s", text);
}

static void listener(void)
{
	in_child(listener_in_child);
	said("flag");
}

static void cloexec_in_child(void)
{
	long fd = install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid, SECCOMP_RET_USER_NOTIF);

	tell("%s", fcntl((int)fd, F_GETFD) == FD_CLOEXEC ? "set" : "not set");
}

static void cloexec(void)
{
	in_child(cloexec_in_child);
	said("close-on-exec");
}

static void second_in_child(void)
{
	tell("first %s", outcome(install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid,
					    SECCOMP_RET_USER_NOTIF)));
	tell("second %s", outcome(install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getsid,
					     SECCOMP_RET_USER_NOTIF)));
	tell("another without the flag %s", outcome(install_on(0, SYS_getsid, FAIL(EDOM))));
}

static void after_close_in_child(void)
{
	long fd = install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid, SECCOMP_RET_USER_NOTIF);

	close((int)fd);
	tell("after the first is closed %s",
	     outcome(install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getsid,
				SECCOMP_RET_USER_NOTIF)));
}

static void second(void)
{
	in_child(second_in_child);
	in_child(after_close_in_child);
	said("listeners");
}

static void speculation_in_child(void)
{
	int before = prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0);

	tell("install %s",
	     value(install_on(SECCOMP_FILTER_FLAG_SPEC_ALLOW, SYS_getppid, FAIL(EDOM))));
	tell("getppid %s", outcome(syscall(SYS_getppid)));
	tell("store bypass control %s",
	     prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0) == before ? "as before" :
										       "changed");
}

static void speculation(void)
{
	in_child(speculation_in_child);
	said("flag");
}

static void killable_in_child(void)
{
	tell("with a listener %s",
	     outcome(install_on(SECCOMP_FILTER_FLAG_NEW_LISTENER |
					SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
				SYS_getppid, SECCOMP_RET_USER_NOTIF)));
	tell("without %s",
	     outcome(install_on(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, SYS_getsid, FAIL(EDOM))));
}

static void killable(void)
{
	in_child(killable_in_child);
	said("flag");
}

static void unknown_flags(void)
{
	say("bit 6: %s", value(install_on(1U << 6, SYS_getppid, FAIL(EDOM))));
	say("bit 31: %s", value(install_on(1U << 31, SYS_getppid, FAIL(EDOM))));
	say("getppid: %s", outcome(syscall(SYS_getppid)));
}

static const struct {
	const char *name;
	uint32_t action;
} actions[] = {
	{ "KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "TRAP", SECCOMP_RET_TRAP },
	{ "ERRNO", SECCOMP_RET_ERRNO },
	{ "USER_NOTIF", SECCOMP_RET_USER_NOTIF },
	{ "TRACE", SECCOMP_RET_TRACE },
	{ "LOG", SECCOMP_RET_LOG },
	{ "ALLOW", SECCOMP_RET_ALLOW },
};

static long available(unsigned int flags, const uint32_t *action)
{
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, flags, action);
}

static void known_actions(void)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		say("%s %s", actions[i].name, value(available(0, &actions[i].action)));
}

static void unknown_actions(void)
{
	static const uint32_t unknown[] = { 0x00010000, 0x7fff0001, 0x7ffb0000, 0x00050001,
					    0xffffffff };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		say("%#x %s", unknown[i], value(available(0, &unknown[i])));
}

static void avail_flags(void)
{
	uint32_t allow = SECCOMP_RET_ALLOW;

	say("flags 1: %s", value(available(1, &allow)));
	say("no pointer: %s", value(available(0, NULL)));
}

static void sizes(void)
{
	struct seccomp_notif_sizes found = {};

	say("%s", value(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &found)));
	say("notification %u, response %u, data %u", found.seccomp_notif, found.seccomp_notif_resp,
	    found.seccomp_data);
	say("the header's %zu %zu %zu", sizeof(struct seccomp_notif),
	    sizeof(struct seccomp_notif_resp), sizeof(struct seccomp_data));
}

static void sizes_flags(void)
{
	struct seccomp_notif_sizes found;

	say("flags 1: %s", value(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &found)));
	say("no pointer: %s", value(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, NULL)));
}

static const struct manual_case cases[] = {
	{ "listener-returned", S("SECCOMP_FILTER_FLAG_NEW_LISTENER #1"),
	  "the call returns a new descriptor for notifications",
	  "flag: install ran, a descriptor of anon_inode:seccomp notify", listener },
	{ "listener-cloexec", S("SECCOMP_FILTER_FLAG_NEW_LISTENER #2"),
	  "the descriptor is close-on-exec", "close-on-exec: set", cloexec },
	REMARK("listener-notified", S("SECCOMP_FILTER_FLAG_NEW_LISTENER #3"),
	       "USER_NOTIF sends a notification to the descriptor",
	       "shown by the cases of seccomp_unotify(2)"),
	{ "listener-one", S("SECCOMP_FILTER_FLAG_NEW_LISTENER #4"),
	  "a thread can have one filter with this flag",
	  "listeners: first ran, second EBUSY, another without the flag ran, "
	  "after the first is closed ran",
	  second },
	{ "spec-allow", S("SECCOMP_FILTER_FLAG_SPEC_ALLOW #1"),
	  "the filter comes without the mitigation of speculative store bypass",
	  "flag: install 0, getppid EDOM, store bypass control as before", speculation },
	{ "wait-killable", H("WAIT_KILLABLE_RECV #1"), "the flag is for filters with a listener",
	  "flag: with a listener ran, without EINVAL", killable },
	{ "flags-unknown", H("flags #1"), "an unknown flag is refused, and nothing installed",
	  "bit 6: EINVAL, bit 31: EINVAL, getppid: ran", unknown_flags },
	{ "avail-known", S("SECCOMP_GET_ACTION_AVAIL #1"), "tells which actions the kernel has",
	  "KILL_PROCESS 0, KILL_THREAD 0, TRAP 0, ERRNO 0, USER_NOTIF 0, TRACE 0, LOG 0, ALLOW 0",
	  known_actions },
	{ "avail-unknown", S("SECCOMP_GET_ACTION_AVAIL #2"),
	  "an action that the kernel does not know is told",
	  "0x10000 EOPNOTSUPP, 0x7fff0001 EOPNOTSUPP, 0x7ffb0000 EOPNOTSUPP, "
	  "0x50001 EOPNOTSUPP, 0xffffffff EOPNOTSUPP",
	  unknown_actions },
	{ "avail-flags", S("SECCOMP_GET_ACTION_AVAIL #3"),
	  "flags must be 0, and args point to an action", "flags 1: EINVAL, no pointer: EFAULT",
	  avail_flags },
	{ "sizes", S("SECCOMP_GET_NOTIF_SIZES #1"), "gives the sizes of the records",
	  "0, notification 80, response 24, data 64, the header's 80 24 64", sizes },
	REMARK("sizes-grow", S("SECCOMP_GET_NOTIF_SIZES #2"),
	       "ask for them, for the records may grow", "the future"),
	{ "sizes-flags", S("SECCOMP_GET_NOTIF_SIZES #3"),
	  "flags must be 0, and args point to the sizes", "flags 1: EINVAL, no pointer: EFAULT",
	  sizes_flags },
};

TABLE(flags_table, cases);
