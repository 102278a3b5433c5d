/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/secmap: what the dispatcher hands to the ioctls. */
#ifndef _SECMAP_DEV_H
#define _SECMAP_DEV_H

#include <linux/fs.h>
#include <linux/init.h>

#include "why.h"

struct secmap_object;

/**
 * struct secmap_request - one ioctl under way
 * @device: the open /dev/secmap
 * @record: the record, zero behind what user space gave; written back on success
 * @file: what a new descriptor shall stand for, or NULL; the dispatcher installs it when
 *	the record has been written back
 * @fd: the number for @file, if it had to be reserved before; else negative
 */
struct secmap_request {
	struct file *device;
	void *record;
	struct file *file;
	int fd;
};

bool secmap_may_administer(const struct secmap_request *request);
bool secmap_may_loosen(const struct secmap_request *request);
bool secmap_is_filtered(void);
int secmap_file_error(struct secmap_request *request);

/* dev_policy.c */
u32 secmap_ebpf_loading(void);
int secmap_check_log(u64 log, u32 size);
int secmap_tell_why(u64 log, u32 size, struct secmap_why *why, int err);
int secmap_ioctl_policy_create(struct secmap_request *request);
int secmap_ioctl_policy_by_id(struct secmap_request *request);
int secmap_ioctl_policy_next(struct secmap_request *request);
int secmap_ioctl_policy_info(struct secmap_request *request);
int secmap_ioctl_policy_filter(struct secmap_request *request);
int secmap_ioctl_policy_test(struct secmap_request *request);

/* dev_table.c */
int secmap_ioctl_table_create(struct secmap_request *request);
int secmap_ioctl_table_update(struct secmap_request *request);
int secmap_ioctl_table_seal(struct secmap_request *request);
int secmap_ioctl_table_by_id(struct secmap_request *request);
int secmap_ioctl_table_next(struct secmap_request *request);
int secmap_ioctl_table_info(struct secmap_request *request);
int secmap_ioctl_table_read(struct secmap_request *request);

/* dev_task.c */
int secmap_ioctl_attach(struct secmap_request *request);
int secmap_ioctl_attach_later(struct secmap_request *request);
int secmap_ioctl_detach(struct secmap_request *request);
int secmap_ioctl_task_info(struct secmap_request *request);
int secmap_ioctl_task_list(struct secmap_request *request);

/* dev_change.c */
bool secmap_may_seal(const struct secmap_request *request, const struct secmap_object *object);
int secmap_ioctl_policy_replace(struct secmap_request *request);
int secmap_ioctl_policy_seal(struct secmap_request *request);
int secmap_ioctl_policy_count(struct secmap_request *request);
int secmap_ioctl_policy_stats(struct secmap_request *request);

/* dev_recorder.c */
int secmap_ioctl_recorder_create(struct secmap_request *request);
int secmap_ioctl_recorder_read(struct secmap_request *request);

int __init secmap_dev_init(void);
void secmap_dev_exit(void);

#endif
