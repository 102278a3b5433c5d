// SPDX-License-Identifier: GPL-2.0-only
/* Recorders: their descriptors and references. What they record is in recording.c. */
#include "recorder.h"

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "policy.h"
#include "recording.h"
#include "replace.h"

/**
 * secmap_recorder_create() - an empty recorder
 * @sets: calls whose arguments are to be recorded
 * @count: how many
 *
 * Return: the recorder with one reference, or
 * * -EINTR: a fatal signal
 * * what secmap_recording_create() and secmap_policy_create_open() say
 */
struct secmap_recorder *secmap_recorder_create(const struct secmap_recorder_set *sets, u32 count)
{
	struct secmap_recorder *recorder;
	int err;

	recorder = kzalloc(sizeof(*recorder), GFP_KERNEL_ACCOUNT);
	if (!recorder)
		return ERR_PTR(-ENOMEM);
	refcount_set(&recorder->refs, 1);
	recorder->recording = secmap_recording_create(sets, count);
	err = PTR_ERR_OR_ZERO(recorder->recording);
	if (err)
		goto free;
	recorder->policy = secmap_policy_create_open();
	err = PTR_ERR_OR_ZERO(recorder->policy);
	if (err)
		goto free_recording;
	/* What came in its place would be enforced. */
	err = secmap_seal(&recorder->policy->sealed);
	if (!err)
		return recorder;

	secmap_policy_put(recorder->policy);
free_recording:
	secmap_recording_free(recorder->recording);
free:
	kfree(recorder);
	return ERR_PTR(err);
}

struct secmap_recorder *secmap_recorder_get(struct secmap_recorder *recorder)
{
	refcount_inc(&recorder->refs);
	return recorder;
}

/*
 * A probe finds a recorder through a stack only, which lasts until the probe is over and holds it:
 * nobody writes into one whose last reference goes. Context: may sleep.
 */
void secmap_recorder_put(struct secmap_recorder *recorder)
{
	might_sleep();
	if (!refcount_dec_and_test(&recorder->refs))
		return;
	secmap_policy_put(recorder->policy);
	secmap_recording_free(recorder->recording);
	kfree(recorder);
}

static int recorder_release(struct inode *inode, struct file *file)
{
	secmap_recorder_put(file->private_data);
	return 0;
}

static const struct file_operations recorder_fops = {
	.owner = THIS_MODULE,
	.release = recorder_release,
	.llseek = noop_llseek,
};

/**
 * secmap_recorder_file() - a file for a descriptor
 * @recorder: its reference goes over to the file, on failure too
 *
 * Return: the file, not yet installed, or an ERR_PTR().
 */
struct file *secmap_recorder_file(struct secmap_recorder *recorder)
{
	struct file *file;

	file = anon_inode_getfile("[secmap-recorder]", &recorder_fops, recorder, O_RDWR);
	if (IS_ERR(file))
		secmap_recorder_put(recorder);
	return file;
}

/**
 * secmap_recorder_by_fd() - a reference to what a descriptor of the caller's stands for
 * @fd: the descriptor
 *
 * Return: the recorder, or
 * * -EBADF: no such descriptor
 * * -EBADFD: it is of another kind
 */
struct secmap_recorder *secmap_recorder_by_fd(int fd)
{
	struct secmap_recorder *recorder;
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &recorder_fops)
		recorder = secmap_recorder_get(file->private_data);
	else
		recorder = ERR_PTR(-EBADFD);
	fput(file);
	return recorder;
}
