/* SPDX-License-Identifier: GPL-2.0-only */
/* Recorders: what user space holds by descriptor, and stacks write into. */
#ifndef _SECMAP_RECORDER_H
#define _SECMAP_RECORDER_H

#include <linux/fs.h>
#include <linux/refcount.h>
#include <secmap/secmap.h>

struct secmap_policy;
struct secmap_recording;

/**
 * struct secmap_recorder - a recording that tasks carry
 * @refs: the descriptor; each stack; ATTACH
 * @policy: what is carried with it where nothing else is: allows everything; a reference
 * @recording: what has been recorded; owned
 *
 * Immutable but for @refs and what is in @recording.
 */
struct secmap_recorder {
	refcount_t refs;
	struct secmap_policy *policy;
	struct secmap_recording *recording;
};

struct secmap_recorder *secmap_recorder_create(const struct secmap_recorder_set *sets, u32 count);
struct secmap_recorder *secmap_recorder_get(struct secmap_recorder *recorder);
void secmap_recorder_put(struct secmap_recorder *recorder);
struct file *secmap_recorder_file(struct secmap_recorder *recorder);
struct secmap_recorder *secmap_recorder_by_fd(int fd);

#endif
