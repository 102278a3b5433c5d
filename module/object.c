// SPDX-License-Identifier: GPL-2.0-only
/* Objects: descriptors, ids and references of tables and policies. */
#include "object.h"

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "limits.h"

/**
 * struct list - the published objects of one type
 * @ids: its own lock guards the step from an id to a reference
 * @next: ids are given in a circle, so that one is not soon used again
 * @count: how many there are, or are just being published
 * @changes: how often one came or went
 */
struct list {
	struct xarray ids;
	u32 next;
	atomic_t count;
	atomic_t changes;
};

static struct list lists[SECMAP_OBJECT_TYPES] = {
	{ .ids = XARRAY_INIT(ids, XA_FLAGS_ALLOC1), .changes = ATOMIC_INIT(1) },
	{ .ids = XARRAY_INIT(ids, XA_FLAGS_ALLOC1), .changes = ATOMIC_INIT(1) },
};

/**
 * secmap_object_valid_name() - may an object be called so?
 * @name: SECMAP_NAME_LEN bytes: [A-Za-z0-9_.-], maybe none, then zeros, at least one
 *
 * Return: whether it may.
 */
bool secmap_object_valid_name(const char *name)
{
	size_t len = strnlen(name, SECMAP_NAME_LEN);
	size_t i;

	if (len == SECMAP_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("_.-", name[i])))
			return false;
	/* Bytes behind the end are padding. */
	return !memchr_inv(name + len, 0, SECMAP_NAME_LEN - len);
}

/**
 * secmap_object_publish() - give an object its name, its id and its first reference
 * @object: complete in everything else
 * @type: what it is part of
 * @name: one that secmap_object_valid_name() takes
 *
 * Return: 0, or
 * * -ENOSPC: too many objects of this type
 * * -ENOMEM
 */
int secmap_object_publish(struct secmap_object *object, enum secmap_object_type type,
			  const char *name)
{
	u32 limit = SECMAP_LIMIT_OBJECTS;
	struct list *list = &lists[type];
	int err = -ENOSPC;

	if (!ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		limit -= SECMAP_LIMIT_OBJECTS_RESERVED;
	memcpy(object->name, name, SECMAP_NAME_LEN);
	refcount_set(&object->refs, 1);
	object->type = type;
	object->uid = current_euid();
	object->gid = current_egid();
	if (atomic_inc_return(&list->count) <= limit)
		err = xa_alloc_cyclic(&list->ids, &object->id, object, XA_LIMIT(1, INT_MAX),
				      &list->next, GFP_KERNEL_ACCOUNT);
	if (err >= 0) {
		atomic_inc(&list->changes);
		return 0;
	}
	atomic_dec(&list->count);
	return err == -EBUSY ? -ENOSPC : err;
}

struct secmap_object *secmap_object_get(struct secmap_object *object)
{
	refcount_inc(&object->refs);
	return object;
}

/**
 * secmap_object_put() - drop a reference; the last one frees the object
 * @object: published
 *
 * Context: may sleep.
 */
void secmap_object_put(struct secmap_object *object)
{
	struct list *list = &lists[object->type];

	might_sleep();
	if (!refcount_dec_and_test(&object->refs))
		return;
	/* From here on secmap_object_by_id() finds no reference to take, then nothing. */
	atomic_inc(&list->changes);
	xa_erase(&list->ids, object->id);
	atomic_dec(&list->count);
	if (object->type == SECMAP_OBJECT_TABLE)
		secmap_set_free(object);
	else
		secmap_policy_free(object);
}

static int object_release(struct inode *inode, struct file *file)
{
	secmap_object_put(file->private_data);
	return 0;
}

static const struct file_operations table_fops = {
	.owner = THIS_MODULE,
	.release = object_release,
	.llseek = noop_llseek,
};

static const struct file_operations policy_fops = {
	.owner = THIS_MODULE,
	.release = object_release,
	.llseek = noop_llseek,
};

/**
 * secmap_object_file() - a file for a descriptor
 * @object: its reference goes over to the file, on failure too
 *
 * Return: the file, not yet installed, or an ERR_PTR().
 */
struct file *secmap_object_file(struct secmap_object *object)
{
	bool table = object->type == SECMAP_OBJECT_TABLE;
	struct file *file;

	file = anon_inode_getfile(table ? "[secmap-table]" : "[secmap-policy]",
				  table ? &table_fops : &policy_fops, object, O_RDWR);
	if (IS_ERR(file))
		secmap_object_put(object);
	return file;
}

/**
 * secmap_object_by_fd() - a reference to what a descriptor of the caller's stands for
 * @fd: the descriptor
 * @type: what it must be
 *
 * Return: the object, or
 * * -EBADF: no such descriptor
 * * -EBADFD: it is of another kind
 */
struct secmap_object *secmap_object_by_fd(int fd, enum secmap_object_type type)
{
	const struct file_operations *fops =
		type == SECMAP_OBJECT_TABLE ? &table_fops : &policy_fops;
	struct secmap_object *object;
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == fops)
		object = secmap_object_get(file->private_data);
	else
		object = ERR_PTR(-EBADFD);
	fput(file);
	return object;
}

/**
 * secmap_object_by_id() - a reference to a published object
 * @id: its id
 * @type: what it must be
 *
 * Return: the object, or -ENOENT.
 */
struct secmap_object *secmap_object_by_id(u32 id, enum secmap_object_type type)
{
	struct xarray *list = &lists[type].ids;
	struct secmap_object *object;

	xa_lock(list);
	object = xa_load(list, id);
	if (object && !refcount_inc_not_zero(&object->refs))
		object = NULL;
	xa_unlock(list);
	return object ?: ERR_PTR(-ENOENT);
}

/**
 * secmap_object_next_id() - the smallest id above @id
 * @id: an id, or 0
 * @type: of what
 *
 * Return: the id, 0 if there is none.
 */
u32 secmap_object_next_id(u32 id, enum secmap_object_type type)
{
	unsigned long index = id;

	return xa_find_after(&lists[type].ids, &index, U32_MAX, XA_PRESENT) ? index : 0;
}

/**
 * secmap_object_next() - a reference to the object with the smallest id above @id
 * @id: an id, or 0
 * @type: of what
 *
 * Context: may sleep.
 * Return: the object, or NULL if there is none.
 */
struct secmap_object *secmap_object_next(u32 id, enum secmap_object_type type)
{
	struct secmap_object *object;

	while ((id = secmap_object_next_id(id, type))) {
		object = secmap_object_by_id(id, type);
		if (!IS_ERR(object))
			return object;
		cond_resched();
	}
	return NULL;
}

/**
 * secmap_object_changes() - has one come or gone?
 * @type: of what
 *
 * Return: never 0; what it was before if none has, but for those that are coming or going just now.
 */
u32 secmap_object_changes(enum secmap_object_type type)
{
	return (u32)atomic_read(&lists[type].changes) ?: 1;
}
