// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the host is told. */
#include "report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

static int status_port = -1;
static int kmsg = -1;
unsigned long long relayed[2];

void write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		data += done;
		size -= done;
	}
}

/* One write to each, so that lines stay whole. */
void report(const char *format, ...)
{
	char line[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (size < 0 || size > (int)sizeof(line) - 2)
		size = sizeof(line) - 2;
	line[size++] = '\n';
	write_all(status_port < 0 ? STDERR_FILENO : status_port, line, size);
}

/* Not dprintf(): it seeks first, which this device refuses. */
void log_line(const char *prefix, const char *text)
{
	char line[512];

	snprintf(line, sizeof(line), "%s%s\n", prefix, text);
	write_all(kmsg, line, strlen(line));
}

void mark(const char *what)
{
	log_line("<5>secmap-guest: ", what);
}

void end(void)
{
	mark("end");
	sync();
	report("end %llu %llu", relayed[0], relayed[1]);
	for (;;)
		pause();
}

void fail(const char *what)
{
	report("error %s: %s", what, strerror(errno));
	end();
}

/* Ports appear a moment after their driver; their order says nothing. */
int open_port(const char *wanted)
{
	char path[PATH_MAX];

	for (int tries = 0; tries < 3000; tries++) {
		DIR *folder = opendir("/sys/class/virtio-ports");
		struct dirent *entry;

		while (folder && (entry = readdir(folder))) {
			char *name;
			bool same;
			int fd;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
				 entry->d_name);
			name = slurp(path, NULL);
			if (!name)
				continue;
			name[strcspn(name, "\n")] = '\0';
			same = !strcmp(name, wanted);
			free(name);
			if (!same)
				continue;
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd >= 0) {
				closedir(folder);
				return fd;
			}
		}
		if (folder)
			closedir(folder);
		sleep_ms(10);
	}
	errno = ENODEV;
	fail(wanted);
}

void open_log(void)
{
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

void open_status(void)
{
	status_port = open_port("status");
}
