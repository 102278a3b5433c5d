// SPDX-License-Identifier: GPL-2.0-only
/* Sets: create, describe, free, and what is in one. */
#include "set.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

/*
 * Held for reading by who makes a policy over sets, from looking at what is in them until the
 * policy can be found by its id; for writing by who changes a set. So no policy over old contents
 * comes behind the back of a change.
 */
static DECLARE_RWSEM(changing);

/**
 * secmap_contents_create() - something to be in a set
 * @table: goes over to it, on failure too
 *
 * Return: the contents with one reference, or -ENOMEM.
 */
struct secmap_contents *secmap_contents_create(struct secmap_table *table)
{
	struct secmap_contents *contents = kmalloc(sizeof(*contents), GFP_KERNEL_ACCOUNT);

	if (!contents) {
		secmap_table_free(table);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&contents->refs, 1);
	contents->table = table;
	return contents;
}

struct secmap_contents *secmap_contents_get(struct secmap_contents *contents)
{
	refcount_inc(&contents->refs);
	return contents;
}

/**
 * secmap_contents_put() - drop a reference
 * @contents: may be NULL
 *
 * Context: may sleep. No probe looks into it any more if this is the last reference: it finds it
 * through a body, which has one.
 */
void secmap_contents_put(struct secmap_contents *contents)
{
	if (!contents || !refcount_dec_and_test(&contents->refs))
		return;
	secmap_table_free(contents->table);
	kfree(contents);
}

/**
 * secmap_set_create() - a table object
 * @spec: its contents
 * @name: SECMAP_NAME_LEN bytes
 *
 * Return: the object with one reference, or what secmap_table_create() and
 * secmap_object_publish() say.
 */
struct secmap_set *secmap_set_create(const struct secmap_table_spec *spec, const char *name)
{
	struct secmap_table *table = secmap_table_create(spec, NULL);
	struct secmap_contents *contents;
	struct secmap_set *set;
	int err;

	if (IS_ERR(table))
		return ERR_CAST(table);
	contents = secmap_contents_create(table);
	if (IS_ERR(contents))
		return ERR_CAST(contents);
	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!set)
		goto put;
	set->max_entries = spec->max_entries;
	RCU_INIT_POINTER(set->contents, contents);
	err = secmap_object_publish(&set->object, SECMAP_OBJECT_TABLE, name);
	if (!err)
		return set;
	kfree(set);
put:
	secmap_contents_put(contents);
	return ERR_PTR(err);
}

void secmap_set_free(struct secmap_object *object)
{
	struct secmap_set *set = secmap_set_of(object);

	WARN_ON_ONCE(atomic_read(&set->policies));
	secmap_contents_put(rcu_dereference_protected(set->contents, true));
	kfree(set);
}

/* What is in it now: a reference. */
struct secmap_contents *secmap_set_contents(const struct secmap_set *set)
{
	struct secmap_contents *contents;

	rcu_read_lock();
	contents = secmap_contents_get(rcu_dereference(set->contents));
	rcu_read_unlock();
	return contents;
}

/**
 * secmap_set_describe() - fill in the outputs of TABLE_INFO
 * @set: what is asked about
 * @info: where they go
 */
void secmap_set_describe(const struct secmap_set *set, struct secmap_table_info *info)
{
	struct secmap_contents *contents = secmap_set_contents(set);

	info->out_type = secmap_table_type(contents->table);
	info->out_id = set->object.id;
	info->out_max_entries = set->max_entries;
	info->out_count = secmap_table_count(contents->table);
	info->out_policies = atomic_read(&set->policies);
	info->out_sealed = READ_ONCE(set->sealed);
	info->out_uid = from_kuid_munged(current_user_ns(), set->object.uid);
	info->out_bytes = sizeof(*set) + sizeof(*contents) + secmap_table_bytes(contents->table);
	memcpy(info->out_name, set->object.name, sizeof(info->out_name));
	secmap_contents_put(contents);
}

/* Until secmap_sets_release() no set changes. Return: 0 or -EINTR. */
int secmap_sets_keep(void)
{
	return down_read_killable(&changing);
}

void secmap_sets_release(void)
{
	up_read(&changing);
}

/* Until secmap_sets_end_change() no policy over a set comes. Return: 0 or -EINTR. */
int secmap_sets_begin_change(void)
{
	return down_write_killable(&changing);
}

void secmap_sets_end_change(void)
{
	up_write(&changing);
}
