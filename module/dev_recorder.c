// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctls about recorders. */
#include <linux/err.h>
#include <linux/mm.h>

#include "dev.h"
#include "kernel.h"
#include "limits.h"
#include "policy.h"
#include "recorder.h"
#include "recording.h"
#include "replace.h"
#include "user.h"

/**
 * secmap_ioctl_recorder_create() - RECORDER_CREATE
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: padding, sets that are too short, a number or an argument that there is not
 * * -E2BIG: SECMAP_LIMIT_RECORDED_SETS, or a set that is longer than we know
 * * -EOPNOTSUPP: an unknown ABI
 * * -EEXIST: two sets of one call
 * * -EINTR: a fatal signal
 * * -EFAULT, -EMFILE, -ENFILE, -ENOSPC, -ENOMEM
 */
int secmap_ioctl_recorder_create(struct secmap_request *request)
{
	struct secmap_recorder_create *create = request->record;
	struct secmap_recorder *recorder;
	struct secmap_recorder_set *sets;

	if (create->pad)
		return -EINVAL;
	if (create->set_count > SECMAP_LIMIT_RECORDED_SETS)
		return -E2BIG;
	sets = secmap_user_records(create->sets, create->set_count,
				   offsetofend(struct secmap_recorder_set, args), sizeof(*sets));
	if (IS_ERR(sets))
		return PTR_ERR(sets);
	recorder = secmap_recorder_create(sets, create->set_count);
	kvfree(sets);
	if (IS_ERR(recorder))
		return PTR_ERR(recorder);
	create->out_policy_id = recorder->policy->object.id;
	create->out_values_max = SECMAP_LIMIT_RECORDED_VALUES;
	request->file = secmap_recorder_file(recorder);
	if (IS_ERR(request->file)) {
		int err = PTR_ERR(request->file);

		request->file = NULL;
		return err;
	}
	return 0;
}

static int read_set(const struct secmap_recording *recording, struct secmap_recorder_read *read)
{
	u64 *values;
	size_t size;
	u32 words;
	int err;

	values = secmap_recording_values(recording, read->set, &read->out_count, &words,
					 &read->out_overflow);
	if (IS_ERR(values))
		return PTR_ERR(values);
	size = min(read->count, read->out_count) * words * sizeof(*values);
	err = secmap_user_write(read->values, values, size);
	secmap_release(values);
	return err;
}

/**
 * secmap_ioctl_recorder_read() - RECORDER_READ
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: no such set, or room for values of none
 * * -EBADF, -EBADFD: the recorder's descriptor
 * * -EFAULT, -ENOMEM
 */
int secmap_ioctl_recorder_read(struct secmap_request *request)
{
	struct secmap_recorder_read *read = request->record;
	struct secmap_recorder *recorder;
	int err = 0;

	if (read->set == SECMAP_RECORDER_NO_SET && (read->values || read->count))
		return -EINVAL;
	recorder = secmap_recorder_by_fd(read->recorder_fd);
	if (IS_ERR(recorder))
		return PTR_ERR(recorder);
	/* The probe that records runs with preemption off. */
	if (read->flags & SECMAP_RECORDER_WAIT)
		secmap_wait_for_calls(secmap_may_administer(request));
	secmap_recording_calls(recorder->recording, read);
	if (read->set != SECMAP_RECORDER_NO_SET)
		err = read_set(recorder->recording, read);
	secmap_recorder_put(recorder);
	return err;
}
