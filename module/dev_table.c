// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctls about tables. */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "dev.h"
#include "limits.h"
#include "replace.h"
#include "set.h"
#include "update.h"
#include "user.h"

/* In one array of a record. */
#define KEYS_MAX max(SECMAP_LIMIT_BITMAP_BITS, SECMAP_LIMIT_HASH_ENTRIES)

static struct secmap_set *set_by_fd(s32 fd)
{
	return secmap_set_of(secmap_object_by_fd(fd, SECMAP_OBJECT_TABLE));
}

/* Keys with their values, if there are any: both for kvfree(). Return: 0, -EFAULT or -ENOMEM. */
static int copy_keys(u64 from, u64 values_from, u32 count, const u64 **keys, const u64 **values)
{
	u64 *copy = secmap_user_array(from, count, sizeof(*copy));

	if (IS_ERR(copy))
		return PTR_ERR(copy);
	*keys = copy;
	*values = NULL;
	if (!values_from)
		return 0;
	copy = secmap_user_array(values_from, count, sizeof(*copy));
	if (IS_ERR(copy)) {
		kvfree(*keys);
		return PTR_ERR(copy);
	}
	*values = copy;
	return 0;
}

/**
 * secmap_ioctl_table_create() - TABLE_CREATE
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or
 * * -EOPNOTSUPP: an unknown type
 * * -EINVAL: padding, @max_entries 0, @count above it, a bit outside the bitmap, values
 *   for a bitmap, a bad name
 * * -E2BIG: SECMAP_LIMIT_BITMAP_BITS or SECMAP_LIMIT_HASH_ENTRIES
 * * -EEXIST: a key is there twice
 * * -EFAULT, -ENOSPC, -ENOMEM
 */
int secmap_ioctl_table_create(struct secmap_request *request)
{
	struct secmap_table_create *create = request->record;
	struct secmap_table_spec spec = {
		.type = create->type,
		.max_entries = create->max_entries,
		.count = create->count,
	};
	struct secmap_set *set;
	int err;

	if (create->pad || !secmap_object_valid_name(create->name))
		return -EINVAL;
	if (create->count > KEYS_MAX)
		return -E2BIG;
	err = copy_keys(create->keys, create->values, create->count, &spec.keys, &spec.values);
	if (err)
		return err;
	set = secmap_set_create(&spec, create->name);
	err = PTR_ERR_OR_ZERO(set);
	if (err)
		goto free;
	create->out_id = set->object.id;
	request->file = secmap_object_file(&set->object);
	err = secmap_file_error(request);

free:
	kvfree(spec.values);
	kvfree(spec.keys);
	return err;
}

static int update_set(struct secmap_request *request, const struct secmap_table_change *change,
		      struct secmap_why *why)
{
	struct secmap_table_update *update = request->record;
	struct secmap_set *set = set_by_fd(update->table_fd);
	bool may_loosen = secmap_may_loosen(request);
	int err = -EPERM;

	if (IS_ERR(set))
		return PTR_ERR(set);
	if (may_loosen || secmap_may_seal(request, &set->object))
		err = secmap_update(set, change, may_loosen, update, why);
	else
		secmap_refuse(why, err, "somebody else made table %u, or the caller is filtered",
			      set->object.id);
	secmap_set_put(set);
	return err;
}

/* Copy what is to be changed, and do so. */
static int update_table(struct secmap_request *request, struct secmap_why *why)
{
	struct secmap_table_update *update = request->record;
	struct secmap_table_change change = {
		.whole = update->flags & SECMAP_UPDATE_WHOLE,
		.remove_count = update->remove_count,
		.count = update->count,
	};
	int err;

	change.remove = secmap_user_array(update->remove, update->remove_count, sizeof(u64));
	if (IS_ERR(change.remove))
		return PTR_ERR(change.remove);
	err = copy_keys(update->keys, update->values, update->count, &change.keys, &change.values);
	if (!err) {
		err = update_set(request, &change, why);
		kvfree(change.values);
		kvfree(change.keys);
	}
	kvfree(change.remove);
	return err;
}

/**
 * secmap_ioctl_table_update() - TABLE_UPDATE
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: the log, WHOLE and keys to remove, a bit outside of the bitmap, values for a bitmap
 * * -E2BIG: the log, or too many keys
 * * -EBADF, -EBADFD: the descriptor
 * * -EPERM: it is sealed, or what looks into it, or not allowed
 * * -EEXIST: a key is given twice; -ENOENT: one that is to be removed is not there
 * * -ENOSPC: more keys than max_entries, or they do not spread
 * * -EFAULT, -EINTR, -ENOMEM
 * Nothing has changed then, for any task. Where a log is given, the reason is in it.
 */
int secmap_ioctl_table_update(struct secmap_request *request)
{
	struct secmap_table_update *update = request->record;
	struct secmap_why why = {};
	int err;

	if (update->flags & SECMAP_UPDATE_WHOLE && update->remove_count)
		return -EINVAL;
	err = secmap_check_log(update->log, update->log_size);
	if (err)
		return err;
	if (update->count > KEYS_MAX || update->remove_count > KEYS_MAX)
		return -E2BIG;
	err = update_table(request, &why);
	return secmap_tell_why(update->log, update->log_size, &why, err);
}

/**
 * secmap_ioctl_table_seal() - TABLE_SEAL
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (padding), -EBADF, -EBADFD, -EPERM, -EINTR.
 */
int secmap_ioctl_table_seal(struct secmap_request *request)
{
	const struct secmap_table_seal *seal = request->record;
	struct secmap_set *set;
	int err;

	if (seal->pad)
		return -EINVAL;
	set = set_by_fd(seal->table_fd);
	if (IS_ERR(set))
		return PTR_ERR(set);
	err = secmap_may_seal(request, &set->object) ? secmap_seal(&set->sealed) : -EPERM;
	secmap_set_put(set);
	return err;
}

/**
 * secmap_ioctl_table_by_id() - TABLE_BY_ID
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or -EINVAL (padding), -EPERM, -ENOENT, -ENOMEM.
 */
int secmap_ioctl_table_by_id(struct secmap_request *request)
{
	struct secmap_table_by_id *by_id = request->record;
	struct secmap_object *object;

	if (by_id->pad)
		return -EINVAL;
	if (!secmap_may_administer(request))
		return -EPERM;
	object = secmap_object_by_id(by_id->id, SECMAP_OBJECT_TABLE);
	if (IS_ERR(object))
		return PTR_ERR(object);
	request->file = secmap_object_file(object);
	return secmap_file_error(request);
}

/**
 * secmap_ioctl_table_next() - TABLE_NEXT
 * @request: the record, see uapi
 *
 * Return: 0, -EPERM, or -ENOENT at the end.
 */
int secmap_ioctl_table_next(struct secmap_request *request)
{
	struct secmap_table_next *next = request->record;

	if (!secmap_may_administer(request))
		return -EPERM;
	next->out_id = secmap_object_next_id(next->id, SECMAP_OBJECT_TABLE);
	return next->out_id ? 0 : -ENOENT;
}

/**
 * secmap_ioctl_table_info() - TABLE_INFO
 * @request: the record, see uapi
 *
 * Return: 0, -EBADF, -EBADFD.
 */
int secmap_ioctl_table_info(struct secmap_request *request)
{
	struct secmap_table_info *info = request->record;
	struct secmap_set *set = set_by_fd(info->table_fd);

	if (IS_ERR(set))
		return PTR_ERR(set);
	secmap_set_describe(set, info);
	secmap_set_put(set);
	return 0;
}

/* The keys of @table, and their values, as far as there is room for them; then copied out. */
static int tell_keys(const struct secmap_table *table, const struct secmap_table_read *read,
		     u32 room)
{
	u64 *keys = secmap_user_room(room, 2 * sizeof(*keys));
	u64 *values = keys + room;
	size_t cursor = 0;
	u32 count = 0;
	bool found;
	int err;

	if (!keys)
		return -ENOMEM;
	while (count < room && secmap_table_next(table, &cursor, &keys[count], &found)) {
		if (found) {
			secmap_table_get(table, keys[count], &values[count]);
			count++;
		}
		cond_resched();
	}
	err = secmap_user_write(read->keys, keys, count * sizeof(*keys));
	if (!err && read->values)
		err = secmap_user_write(read->values, values, count * sizeof(*values));
	kvfree(keys);
	return err;
}

/**
 * secmap_ioctl_table_read() - TABLE_READ
 * @request: the record, see uapi
 *
 * Return: 0, -EBADF, -EBADFD, -EFAULT, -ENOMEM.
 */
int secmap_ioctl_table_read(struct secmap_request *request)
{
	struct secmap_table_read *read = request->record;
	struct secmap_set *set = set_by_fd(read->table_fd);
	struct secmap_contents *contents;
	int err;

	if (IS_ERR(set))
		return PTR_ERR(set);
	contents = secmap_set_contents(set);
	read->out_count = secmap_table_count(contents->table);
	err = tell_keys(contents->table, read, min(read->count, read->out_count));
	secmap_contents_put(contents);
	secmap_set_put(set);
	return err;
}
