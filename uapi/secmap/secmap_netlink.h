/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * secmap: what filters decide, as it happens. A generic netlink family, described in
 * secmap.yaml.
 *
 * Whoever wants to hear of verdicts other than ALLOW sends SECMAP_CMD_WATCH; from then on, even
 * before the acknowledgment, its socket gets a SECMAP_CMD_EVENT for each, until the socket is
 * closed or sends SECMAP_CMD_UNWATCH. A watcher needs CAP_SYS_ADMIN in the user namespace that owns
 * its pid namespace, and hears of tasks that have a pid there and belong to that user namespace or
 * one below it, but not of its own process; ids of tasks are those of that namespace. While nobody
 * watches nothing is done for it. A call that is logged is told of when it has run.
 *
 * Nobody waits for a watcher. What does not fit into its socket is lost for it, and each policy
 * tells of at most as many verdicts a second as the module's parameter events_rate says, but of
 * every kill; both are counted. When a socket has been full, recv() says ENOBUFS once, and the
 * kernel puts nothing more into it until it has been read empty. What is told of a policy is told
 * by its id: of what replaces it a watcher of that one policy does not hear.
 *
 * Only the kernel's messages count: the sender's nl_pid is 0.
 *
 * The arguments of a call are not known when it has run and put something else into the registers:
 * execve() and sigreturn() that are logged. Nor are they with KILL_THREAD.
 *
 * Errors, each with a text (NLMSGERR_ATTR_MSG): EPERM not allowed; EINVAL, ERANGE an attribute
 * that is unknown or malformed; EOPNOTSUPP no such command; EALREADY (WATCH) the socket watches;
 * ENOENT (UNWATCH) it does not; ENOSPC too many watchers; ENOMEM.
 */
#ifndef _UAPI_SECMAP_NETLINK_H
#define _UAPI_SECMAP_NETLINK_H

#define SECMAP_GENL_NAME    "secmap"
#define SECMAP_GENL_VERSION 1

enum {
	SECMAP_CMD_UNSPEC,
	SECMAP_CMD_WATCH,   /* to the module: SECMAP_A_WATCH_*; an answer, without attributes */
	SECMAP_CMD_UNWATCH, /* to the module: no attribute */
	SECMAP_CMD_EVENT,   /* from the module: SECMAP_A_EVENT_* */

	__SECMAP_CMD_MAX,
	SECMAP_CMD_MAX = __SECMAP_CMD_MAX - 1
};

/* What SECMAP_CMD_WATCH may carry. */
enum {
	SECMAP_A_WATCH_UNSPEC,
	SECMAP_A_WATCH_POLICY, /* u32: verdicts of the policy with this id alone */

	__SECMAP_A_WATCH_MAX,
	SECMAP_A_WATCH_MAX = __SECMAP_A_WATCH_MAX - 1
};

/* What a SECMAP_CMD_EVENT carries: all of these, but where it says otherwise. */
enum {
	SECMAP_A_EVENT_UNSPEC,
	SECMAP_A_EVENT_PAD,
	SECMAP_A_EVENT_TIME,	   /* u64: CLOCK_MONOTONIC, ns, when the event was made */
	SECMAP_A_EVENT_SEQUENCE,   /* u64: of this watcher's events, lost ones too, from 1 on */
	SECMAP_A_EVENT_LOST,	   /* u64: how many it has lost up to now: its socket was full */
	SECMAP_A_EVENT_SUPPRESSED, /* u64: how many it was not told of: their policies' rate; these
				    * have no place in the sequence
				    */
	SECMAP_A_EVENT_PID,	   /* u32: of the process (tgid), as the watcher sees it */
	SECMAP_A_EVENT_TID,	   /* u32: of the thread, as the watcher sees it */
	SECMAP_A_EVENT_NS_PID,	   /* u32: of the process, as it sees itself */
	SECMAP_A_EVENT_NS_TID,	   /* u32: of the thread, as it sees itself */
	SECMAP_A_EVENT_COMM,	   /* string: the thread's name */
	SECMAP_A_EVENT_CGROUP,	   /* u64: id of its cgroup (v2): the inode of the folder */
	SECMAP_A_EVENT_ARCH,	   /* u32: AUDIT_ARCH_* of the call */
	SECMAP_A_EVENT_NR,	   /* u32: seccomp_data.nr of the call; x32 has its bit set */
	SECMAP_A_EVENT_ARGS,	   /* 6 u64: its arguments, where they are known */
	SECMAP_A_EVENT_IP,	   /* u64: instruction pointer of the call */
	SECMAP_A_EVENT_ACTION,	   /* u32: SECCOMP_RET_* with its data */
	SECMAP_A_EVENT_POLICY,	   /* u32: id of the policy whose verdict it is */
	SECMAP_A_EVENT_COMPLAIN,   /* flag: only if the call runs all the same, for the policy was
				    * attached with SECMAP_ATTACH_COMPLAIN
				    */

	__SECMAP_A_EVENT_MAX,
	SECMAP_A_EVENT_MAX = __SECMAP_A_EVENT_MAX - 1
};

#endif
