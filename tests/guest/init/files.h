/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files, folders and mounts; and a short sleep. */
#ifndef _GUEST_FILES_H
#define _GUEST_FILES_H

#include <stddef.h>

/* The whole of a small file, with a zero behind it; NULL if there is none. */
char *slurp(const char *path, size_t *size);

/* Does nothing where there is no such file. */
void put(const char *path, const char *text);

void make_folders(const char *path);
void must_mount(const char *type, const char *target, unsigned long flags, const char *options);
void sleep_ms(long ms);

#endif
