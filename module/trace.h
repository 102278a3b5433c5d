/* SPDX-License-Identifier: GPL-2.0-only */
/* Trace events, for perf, bpftrace and tracefs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM secmap

#if !defined(_SECMAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SECMAP_TRACE_H

#include <linux/tracepoint.h>

#include "watch.h"

/* clang-format off */

/* A verdict other than ALLOW; in the task that made the call, on its way back to user mode. */
TRACE_EVENT_FN(secmap_decision,
	TP_PROTO(const struct secmap_event *event),
	TP_ARGS(event),
	TP_STRUCT__entry(
		__field(u32, arch)
		__field(int, nr)
		__field(u32, action)
		__field(u32, policy)
		__field(u64, ip)
		__array(u64, args, 6)
		__field(bool, has_args)
		__field(bool, complains)
	),
	TP_fast_assign(
		__entry->arch = event->call.arch;
		__entry->nr = event->call.nr;
		__entry->action = event->action;
		__entry->policy = event->policy;
		__entry->ip = event->call.instruction_pointer;
		/* Others would be of another call, perhaps of another program. */
		if (event->has_args)
			memcpy(__entry->args, event->call.args, sizeof(__entry->args));
		else
			memset(__entry->args, 0, sizeof(__entry->args));
		__entry->has_args = event->has_args;
		__entry->complains = event->complains;
	),
	TP_printk("arch=%x nr=%d args=%s ip=%llx action=%x policy=%u%s", __entry->arch,
		  __entry->nr, __entry->has_args ? __print_array(__entry->args, 6, 8) : "unknown",
		  __entry->ip, __entry->action, __entry->policy,
		  __entry->complains ? " complain" : ""),
	secmap_watch_trace, secmap_watch_untrace
);

/*
 * A policy has come on top of a task's stack: of the current one's (pid 0; of all threads' of its
 * process, with TSYNC), or of another one's, as who attaches has named it.
 */
TRACE_EVENT(secmap_attach,
	TP_PROTO(pid_t pid, u32 policy, u32 depth),
	TP_ARGS(pid, policy, depth),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u32, policy)
		__field(u32, depth)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->policy = policy;
		__entry->depth = depth;
	),
	TP_printk("pid=%d policy=%u depth=%u", __entry->pid, __entry->policy, __entry->depth)
);

/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
