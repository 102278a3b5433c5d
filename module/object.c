// SPDX-License-Identifier: GPL-2.0-only
/* Objects: descriptors, ids and references of tables and policies. */
#include "object.h"

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/xarray.h>

#include "limits.h"

/* Published objects by id. The array's own lock guards the step from an id to a reference. */
static DEFINE_XARRAY_ALLOC1(tables);
static DEFINE_XARRAY_ALLOC1(policies);

static struct xarray *list_of(enum secmap_object_type type)
{
	return type == SECMAP_OBJECT_TABLE ? &tables : &policies;
}

static bool valid_name(const char *name)
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
 * @name: SECMAP_NAME_LEN bytes
 *
 * Return: 0, or
 * * -EINVAL: the name is not terminated, or has other characters than [A-Za-z0-9_.-]
 * * -ENOSPC: too many objects of this type
 * * -ENOMEM
 */
int secmap_object_publish(struct secmap_object *object, enum secmap_object_type type,
			  const char *name)
{
	int err;

	if (!valid_name(name))
		return -EINVAL;
	memcpy(object->name, name, SECMAP_NAME_LEN);
	refcount_set(&object->refs, 1);
	object->type = type;
	object->uid = current_euid();
	err = xa_alloc(list_of(type), &object->id, object, XA_LIMIT(1, SECMAP_LIMIT_OBJECTS),
		       GFP_KERNEL_ACCOUNT);
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
	might_sleep();
	if (!refcount_dec_and_test(&object->refs))
		return;
	/* From here on secmap_object_by_id() finds no reference to take, then nothing. */
	xa_erase(list_of(object->type), object->id);
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
	struct xarray *list = list_of(type);
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

	return xa_find_after(list_of(type), &index, U32_MAX, XA_PRESENT) ? index : 0;
}
