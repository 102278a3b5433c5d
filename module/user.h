/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory: the one place that reads and writes it. */
#ifndef _SECMAP_USER_H
#define _SECMAP_USER_H

#include <linux/compiler.h>
#include <linux/types.h>

int __must_check secmap_user_read(void *to, u64 from, size_t bytes);
int __must_check secmap_user_write(u64 to, const void *from, size_t bytes);
int __must_check secmap_user_zeroed(u64 at, size_t bytes);
int __must_check secmap_user_record(void *to, size_t known, u64 from, size_t size);
void *secmap_user_room(u32 count, size_t size);
void *secmap_user_array(u64 from, u32 count, size_t size);
void *secmap_user_records(u64 from, u32 count, size_t least, size_t known);

#endif
