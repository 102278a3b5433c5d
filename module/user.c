// SPDX-License-Identifier: GPL-2.0-only
/* User memory: single values, records that may be longer or shorter than ours, arrays of them. */
#include "user.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "limits.h"

/* Return: 0 or -EFAULT. */
int secmap_user_read(void *to, u64 from, size_t bytes)
{
	return copy_from_user(to, u64_to_user_ptr(from), bytes) ? -EFAULT : 0;
}

/* Return: 0 or -EFAULT. */
int secmap_user_write(u64 to, const void *from, size_t bytes)
{
	return copy_to_user(u64_to_user_ptr(to), from, bytes) ? -EFAULT : 0;
}

/* Return: 0, -EINVAL if a byte is not 0, or -EFAULT. */
int secmap_user_zeroed(u64 at, size_t bytes)
{
	int zeroed = check_zeroed_user(u64_to_user_ptr(at), bytes);

	return zeroed > 0 ? 0 : zeroed ?: -EINVAL;
}

/**
 * secmap_user_record() - copy a record
 * @to: @known bytes; what user space does not know of is 0
 * @known: the size that this module knows
 * @from: the record
 * @size: its size there
 *
 * Return: 0, -EFAULT, or -E2BIG: it has something behind @known.
 */
int secmap_user_record(void *to, size_t known, u64 from, size_t size)
{
	return copy_struct_from_user(to, known, u64_to_user_ptr(from), size);
}

/* Room for what a record points to. Charged: the copying may block on user memory for long. */
void *secmap_user_room(u32 count, size_t size)
{
	return kvcalloc(max(count, 1U), size, GFP_KERNEL_ACCOUNT);
}

/**
 * secmap_user_array() - copy plain values
 * @from: where they are
 * @count: how many
 * @size: of one
 *
 * Return: the copy, for kvfree(), or -EFAULT, -ENOMEM.
 */
void *secmap_user_array(u64 from, u32 count, size_t size)
{
	void *array = secmap_user_room(count, size);

	if (!array)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(array, u64_to_user_ptr(from), count * size))
		return array;
	kvfree(array);
	return ERR_PTR(-EFAULT);
}

/**
 * secmap_user_records() - copy records that each start with their size
 * @from: the first one; each is as long as it says
 * @count: how many
 * @least: the size that was published first
 * @known: the size that this module knows, and that each takes in the copy
 *
 * Return: the copy, for kvfree(), or -EFAULT, -EINVAL (too short), -E2BIG, -ENOMEM.
 */
void *secmap_user_records(u64 from, u32 count, size_t least, size_t known)
{
	u8 *records = secmap_user_room(count, known);
	u32 i, size;
	int err;

	if (!records)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++, from += size) {
		err = secmap_user_read(&size, from, sizeof(size));
		if (err)
			goto free;
		err = -EINVAL;
		if (size < least)
			goto free;
		err = -E2BIG;
		if (size > SECMAP_LIMIT_RECORD)
			goto free;
		err = secmap_user_record(records + i * known, known, from, size);
		if (err)
			goto free;
		cond_resched();
	}
	return records;

free:
	kvfree(records);
	return ERR_PTR(err);
}
