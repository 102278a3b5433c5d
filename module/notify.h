/* SPDX-License-Identifier: GPL-2.0-only */
/* Listeners: the supervisor's end of USER_NOTIF, as seccomp_unotify(2) has it. */
#ifndef _SECMAP_NOTIFY_H
#define _SECMAP_NOTIFY_H

#include <linux/fs.h>
#include <linux/seccomp.h>

struct secmap_listener;

/* What the supervisor says to a call. */
struct secmap_answer {
	bool runs;  /* the call is to be made after all */
	long value; /* otherwise: what it returns */
};

struct secmap_listener *secmap_listener_create(bool wait_killable);
void secmap_listener_get(struct secmap_listener *listener);
void secmap_listener_put(struct secmap_listener *listener);
struct file *secmap_listener_file(struct secmap_listener *listener);

/* Never 0, and never used again. */
u64 secmap_listener_id(const struct secmap_listener *listener);

/* Is there still somebody who answers? */
bool secmap_listener_answers(const struct secmap_listener *listener);

/* The stacks that hold it: when the last one is gone nobody will ask any more. */
void secmap_listener_join(struct secmap_listener *listener);
void secmap_listener_leave(struct secmap_listener *listener);

void secmap_notify_ask(struct secmap_listener *listener, const struct seccomp_data *data,
		       struct secmap_answer *answer);

#endif
