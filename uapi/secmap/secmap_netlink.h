/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * secmap: what filters decide, as it happens, and what there is. A generic netlink family,
 * described in secmap.yaml.
 *
 * Events.
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
 * Dumps.
 *
 * The SECMAP_CMD_*_GET, with NLM_F_DUMP, are answered by a message for each policy, table, filtered
 * thread, or counter; without, by one for that of an id. They have the same command. A dump is made
 * piece by piece, as it is read: what is there all the time is in it exactly once, each message as
 * it was at one moment; what comes or goes meanwhile may be in it or not. If a policy or table has
 * come or gone, a message has NLM_F_DUMP_INTR.
 *
 * Policies, tables and counters need CAP_SYS_ADMIN in the initial user namespace, as their ids go
 * through all namespaces. Threads need what watching needs, and are those that it would hear of;
 * the sender's own process is there as well.
 *
 * Errors, each with a text (NLMSGERR_ATTR_MSG), but where a dump is refused before Linux 6.2: EPERM
 * not allowed; EINVAL, ERANGE an attribute that is unknown, malformed or missing; EOPNOTSUPP no
 * such command; EALREADY (WATCH) the socket watches; ENOENT (UNWATCH) it does not, (*_GET) nothing
 * has this id; ENOSPC too many watchers; ENOMEM.
 */
#ifndef _UAPI_SECMAP_NETLINK_H
#define _UAPI_SECMAP_NETLINK_H

#define SECMAP_GENL_NAME    "secmap"
#define SECMAP_GENL_VERSION 1

enum {
	SECMAP_CMD_UNSPEC,
	SECMAP_CMD_WATCH,      /* to the module: SECMAP_A_WATCH_*; an answer, without attributes */
	SECMAP_CMD_UNWATCH,    /* to the module: no attribute */
	SECMAP_CMD_EVENT,      /* from the module: SECMAP_A_EVENT_* */
	SECMAP_CMD_POLICY_GET, /* SECMAP_A_POLICY_*; to the module: _ID, or none for a dump */
	SECMAP_CMD_TABLE_GET,  /* SECMAP_A_TABLE_*; to the module: _ID, or none for a dump */
	SECMAP_CMD_TASK_GET,   /* SECMAP_A_TASK_*; to the module: _TID, or none for a dump */
	SECMAP_CMD_STATS_GET,  /* SECMAP_A_STATS_*; to the module, for a dump: _POLICY, _PER_CPU */

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
	SECMAP_A_EVENT_RULE,	   /* u32: what of it decided: SECMAP_RULE_*, or an index */

	__SECMAP_A_EVENT_MAX,
	SECMAP_A_EVENT_MAX = __SECMAP_A_EVENT_MAX - 1
};

/* What a policy is: struct secmap_policy_info. All of these, but where it says otherwise. */
enum {
	SECMAP_A_POLICY_UNSPEC,
	SECMAP_A_POLICY_PAD,
	SECMAP_A_POLICY_ID,		/* u32: never 0 */
	SECMAP_A_POLICY_NAME,		/* string: may be empty */
	SECMAP_A_POLICY_UID,		/* u32: who made it, in the initial user namespace */
	SECMAP_A_POLICY_KIND,		/* u32: SECMAP_POLICY_* of secmap.h */
	SECMAP_A_POLICY_SEALED,		/* flag: only if nothing is to come in its place */
	SECMAP_A_POLICY_COUNTED,	/* flag: only while it is counted */
	SECMAP_A_POLICY_STACKS,		/* u32: stacks that hold it, at this moment */
	SECMAP_A_POLICY_BYTES,		/* u64: memory, without tables */
	SECMAP_A_POLICY_COST,		/* u32: what judging one call may cost */
	SECMAP_A_POLICY_ACTIONS,	/* u32: SECMAP_ACTION_* that it can answer with */
	SECMAP_A_POLICY_FOREIGN_ACTION, /* u32: for ABIs without a section; only MAPS */
	SECMAP_A_POLICY_TABLE_COUNT,	/* u32: tables that it names */
	SECMAP_A_POLICY_FILTER_LEN,	/* u32: instructions as handed over; only CBPF, EBPF */
	SECMAP_A_POLICY_INSNS,		/* u32: instructions as the kernel runs them; likewise */
	SECMAP_A_POLICY_ABI, /* nest: SECMAP_A_ABI_*; each section; CBPF, EBPF: each ABI */

	__SECMAP_A_POLICY_MAX,
	SECMAP_A_POLICY_MAX = __SECMAP_A_POLICY_MAX - 1
};

/* What a policy says of an ABI. All of these, but where it says otherwise. */
enum {
	SECMAP_A_ABI_UNSPEC,
	SECMAP_A_ABI_ID,	     /* u32: SECMAP_ABI_* of secmap.h */
	SECMAP_A_ABI_ALLOW_COUNT,    /* u32: numbers that are allowed whatever the arguments are */
	SECMAP_A_ABI_RULE_COUNT,     /* u32: rules; only MAPS */
	SECMAP_A_ABI_COND_COUNT,     /* u32: conditions; only MAPS */
	SECMAP_A_ABI_DEFAULT_ACTION, /* u32: SECCOMP_RET_*; only MAPS */

	__SECMAP_A_ABI_MAX,
	SECMAP_A_ABI_MAX = __SECMAP_A_ABI_MAX - 1
};

/* What a table is. All of these. */
enum {
	SECMAP_A_TABLE_UNSPEC,
	SECMAP_A_TABLE_PAD,
	SECMAP_A_TABLE_ID,	    /* u32: never 0 */
	SECMAP_A_TABLE_NAME,	    /* string: may be empty */
	SECMAP_A_TABLE_UID,	    /* u32: who made it, in the initial user namespace */
	SECMAP_A_TABLE_TYPE,	    /* u32: SECMAP_TABLE_* of secmap.h */
	SECMAP_A_TABLE_BYTES,	    /* u64: memory */
	SECMAP_A_TABLE_MAX_ENTRIES, /* u32: bits, or keys, that there is room for */
	SECMAP_A_TABLE_COUNT,	    /* u32: bits that are set, or keys */
	SECMAP_A_TABLE_POLICIES,    /* u32: policies that look into it */
	SECMAP_A_TABLE_SEALED,	    /* flag: its contents stay */

	__SECMAP_A_TABLE_MAX,
	SECMAP_A_TABLE_MAX = __SECMAP_A_TABLE_MAX - 1
};

/* What a filtered thread carries. All of these. */
enum {
	SECMAP_A_TASK_UNSPEC,
	SECMAP_A_TASK_PID,   /* u32: of the process (tgid), as the sender sees it */
	SECMAP_A_TASK_TID,   /* u32: of the thread, as the sender sees it */
	SECMAP_A_TASK_COMM,  /* string: the thread's name */
	SECMAP_A_TASK_ENTRY, /* nest: SECMAP_A_ENTRY_*; one for each policy, oldest first */

	__SECMAP_A_TASK_MAX,
	SECMAP_A_TASK_MAX = __SECMAP_A_TASK_MAX - 1
};

/* A policy in a stack. All of these, but where it says otherwise. */
enum {
	SECMAP_A_ENTRY_UNSPEC,
	SECMAP_A_ENTRY_POLICY,	 /* u32: its id */
	SECMAP_A_ENTRY_FLAGS,	 /* u32: SECMAP_ATTACH_LOG, _STRICT, _COMPLAIN of its ATTACH */
	SECMAP_A_ENTRY_LISTENER, /* flag: only if it was attached with a listener */
	SECMAP_A_ENTRY_RECORDER, /* flag: only if calls are recorded for it */
	SECMAP_A_ENTRY_WAITING,	 /* flag: only if it is not in force yet: ATTACH_LATER */

	__SECMAP_A_ENTRY_MAX,
	SECMAP_A_ENTRY_MAX = __SECMAP_A_ENTRY_MAX - 1
};

/*
 * A counter above 0: see struct secmap_count. All of these, but where it says otherwise. What a
 * dump may be asked for: POLICY, counters of this policy alone; PER_CPU, counters of each processor
 * by itself.
 */
enum {
	SECMAP_A_STATS_UNSPEC,
	SECMAP_A_STATS_PAD,
	SECMAP_A_STATS_POLICY,	/* u32: id of the policy whose it is */
	SECMAP_A_STATS_PER_CPU, /* flag: only to the module */
	SECMAP_A_STATS_ABI,	/* u32: SECMAP_ABI_* of the calls */
	SECMAP_A_STATS_NR,	/* u32: the number that the rule is about; only if there is one */
	SECMAP_A_STATS_RULE,	/* u32: what decided: index of a rule, or SECMAP_RULE_* */
	SECMAP_A_STATS_ACTION,	/* u32: SECCOMP_RET_* */
	SECMAP_A_STATS_COUNT,	/* u64: so many calls */
	SECMAP_A_STATS_CPU,	/* u32: on this processor; only with PER_CPU */

	__SECMAP_A_STATS_MAX,
	SECMAP_A_STATS_MAX = __SECMAP_A_STATS_MAX - 1
};

#endif
