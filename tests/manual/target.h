/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A target whose getppid asks a supervisor, which the case is. */
#ifndef SECMAP_TESTS_MANUAL_TARGET_H
#define SECMAP_TESTS_MANUAL_TARGET_H

#include "frame.h"

/* Not in every linux/seccomp.h. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif

/* The call that asks; getppid if a case does not change it. */
extern long target_nr;

struct target {
	pid_t pid;
	int listener;
};

/* A process that installs the filter, with these flags too, and then runs @body. */
struct target target_start(unsigned int flags, void (*body)(void));
/* It has ended: its words and its status. */
void target_end(struct target target);

/* A byte between the two. */
void target_pass(void);
void target_await(void);
void supervisor_pass(void);
void supervisor_await(void);

/* A notification, or the end of the case. */
struct seccomp_notif receive(struct target target);
long try_receive(struct target target, struct seccomp_notif *notif);
long answer(struct target target, uint64_t id, int error, int64_t val, uint32_t flags);
long id_valid(struct target target, uint64_t id);

/*
 * The case goes before its target on one processor: what the case wakes does not run until
 * the case sleeps. To be called before the target is started.
 */
void go_first(void);
/* The same for a helper, which goes before the case; and back for the target. */
void go_before_first(void);
/* Whether @pid sleeps in the call @nr; wait until it does. */
bool in_call(pid_t pid, long nr);
void await_in_call(pid_t pid, long nr);

/* Bodies. */
void body_call(void);
void body_two_calls(void);
void body_nothing(void);

#endif
