// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Load a module, then make calls at once, without a C library's own in between: the first one is
 * what the module tries out whether this kernel can skip. Prints what they returned.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	long loaded, first, second, self;

	if (fd < 0) {
		fprintf(stderr, "usage: load_and_call MODULE.ko\n");
		return 2;
	}
	self = getpid();
	loaded = syscall(SYS_finit_module, fd, "", 0);
	first = syscall(SYS_getpid);
	second = syscall(SYS_getpid);
	printf("%ld %d %d\n", loaded, first == self, second == self);
	return 0;
}
