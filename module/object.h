/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects: what user space holds by descriptor and administrators find by id. */
#ifndef _SECMAP_OBJECT_H
#define _SECMAP_OBJECT_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/refcount.h>
#include <linux/uidgid.h>
#include <secmap/secmap.h>

enum secmap_object_type { SECMAP_OBJECT_TABLE, SECMAP_OBJECT_POLICY, SECMAP_OBJECT_TYPES };

/**
 * struct secmap_object - the part that tables and policies share
 * @refs: descriptors, and what uses the object; the last one frees it
 * @id: never 0; in the list of its type from publishing to the last put
 * @uid: who made it
 * @gid: likewise
 *
 * Everything but @refs is immutable once the object is published.
 */
struct secmap_object {
	refcount_t refs;
	enum secmap_object_type type;
	u32 id;
	kuid_t uid;
	kgid_t gid;
	char name[SECMAP_NAME_LEN];
};

/* Did the caller make it, and could he trace an unprivileged task that did? */
static inline bool secmap_object_is_callers(const struct secmap_object *object)
{
	return uid_eq(object->uid, current_euid()) && gid_eq(object->gid, current_egid());
}

bool secmap_object_valid_name(const char *name);
int __must_check secmap_object_publish(struct secmap_object *object, enum secmap_object_type type,
				       const char *name);
struct secmap_object *secmap_object_get(struct secmap_object *object);
void secmap_object_put(struct secmap_object *object);

struct file *secmap_object_file(struct secmap_object *object);
struct secmap_object *secmap_object_by_fd(int fd, enum secmap_object_type type);
struct secmap_object *secmap_object_by_id(u32 id, enum secmap_object_type type);
u32 secmap_object_next_id(u32 id, enum secmap_object_type type);
struct secmap_object *secmap_object_next(u32 id, enum secmap_object_type type);
u32 secmap_object_changes(enum secmap_object_type type);

/* Each type frees its own; both may sleep. */
void secmap_policy_free(struct secmap_object *object);
void secmap_set_free(struct secmap_object *object);

#endif
