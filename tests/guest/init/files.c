// SPDX-License-Identifier: LGPL-2.1-or-later
/* Small files, folders and mounts; and a short sleep. */
#include "files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

char *slurp(const char *path, size_t *size)
{
	char *data = NULL;
	size_t used = 0, room = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	for (;;) {
		ssize_t got;

		if (used + 1 >= room) {
			room = room ? room * 2 : 4096;
			data = realloc(data, room);
			if (!data)
				fail(path);
		}
		got = read(fd, data + used, room - used - 1);
		if (got <= 0)
			break;
		used += got;
	}
	close(fd);
	data[used] = '\0';
	if (size)
		*size = used;
	return data;
}

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	write_all(fd, text, strlen(text));
	close(fd);
}

void make_folders(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	mkdir(copy, 0755);
}

void must_mount(const char *type, const char *target, unsigned long flags, const char *options)
{
	if (mount(type, target, type, flags, options))
		fail(target);
}

void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}
