// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptor of the module's device: opened when the program starts, because later the
 * program may have given up what is needed for it; kept out of the program's way at a high
 * number; looked at before each use, because programs close what they do not know. Those that
 * close all at once leave it alone (interpose.c): they are often about to lose /dev, too.
 *
 * The program may have been executed under a filter already. What is called at its start is
 * therefore what the dynamic loader has just called to load this library: openat(O_RDONLY |
 * O_CLOEXEC), the C library's fstat(), close(). Only fcntl(F_DUPFD_CLOEXEC) is added.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <secmap/secmap.h>

#include "device.h"
#include "kernel.h"

#define NONE SECMAP_NO_DEVICE

static atomic_int number = NONE;
static atomic_bool started;
static bool required;
static const char *path = SECMAP_DEVICE;
/* Which device it is; known once it could be opened. */
static dev_t identity;
static atomic_bool identified;

/* fstat(2) without leaving a trace in errno. */
static bool status_of(int fd, struct stat *status)
{
	int before = errno;
	bool known = fstat(fd, status) == 0;

	errno = before;
	return known;
}

/* Below the usual limit of 1024, or below a lower one. The low number if there is no room. */
static int move_up(int low)
{
	static const int places[] = { 1000, 240, 60, 20 };
	size_t i;
	long high;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		high = kernel_call(SYS_fcntl, low, F_DUPFD_CLOEXEC, places[i], 0, 0);
		if (high == -EINVAL || high == -EMFILE)
			continue;
		if (high < 0)
			break;
		kernel_call(SYS_close, low, 0, 0, 0, 0);
		return (int)high;
	}
	return low;
}

/* A new descriptor, or NONE. The same file as before, whatever is called so now. */
static int open_device(void)
{
	long fd =
		kernel_call(SYS_openat, AT_FDCWD, (unsigned long)path, O_RDONLY | O_CLOEXEC, 0, 0);
	struct stat status;

	if (fd < 0)
		return NONE;
	if (!status_of((int)fd, &status) || !S_ISCHR(status.st_mode) ||
	    (identified && status.st_rdev != identity)) {
		kernel_call(SYS_close, fd, 0, 0, 0, 0);
		return NONE;
	}
	identity = status.st_rdev;
	identified = true;
	return move_up((int)fd);
}

static bool is_device(int fd)
{
	struct stat status;

	return fd != NONE && status_of(fd, &status) && S_ISCHR(status.st_mode) &&
	       status.st_rdev == identity;
}

/* The descriptor, opened anew if it is gone; NONE if that is not possible. */
static int usable(void)
{
	int old = number;
	int made;

	if (is_device(old))
		return old;
	made = open_device();
	/* Another thread did the same, and was first. */
	if (made != NONE && !atomic_compare_exchange_strong(&number, &old, made)) {
		kernel_call(SYS_close, made, 0, 0, 0, 0);
		return old;
	}
	return made;
}

/* Also before the constructor, by those of other libraries. */
__attribute__((constructor)) void secmap_device_start(void)
{
	const char *text;

	if (atomic_exchange(&started, true))
		return;
	text = getenv("SECMAP_SECCOMP");
	required = text && strcmp(text, "require") == 0;
	text = getenv("SECMAP_DEVICE");
	if (text && *text)
		path = text;
	number = open_device();
}

int secmap_device_number(void)
{
	int fd = number;

	return is_device(fd) ? fd : NONE;
}

bool secmap_device_required(void)
{
	return required;
}

long secmap_device_ioctl(unsigned long request, void *record)
{
	int fd = usable();

	if (fd == NONE)
		return -ENODEV;
	return kernel_call(SYS_ioctl, fd, request, (unsigned long)record, 0, 0);
}
