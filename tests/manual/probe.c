// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int probe(int argc, char **argv)
{
	if (!strcmp(argv[0], "getppid"))
		return syscall(SYS_getppid) == -1;
	if (!strcmp(argv[0], "euid"))
		return geteuid() != 0;
	if (!strcmp(argv[0], "write"))
		return write(STDOUT_FILENO, "here\n", 5) != 5;
	if (!strcmp(argv[0], "fd") && argc == 2)
		return fcntl(atoi(argv[1]), F_GETFD) == -1;
	return 2;
}

void exec_probe(const char *what, const char *argument)
{
	execl("/proc/self/exe", "manual-page", "probe", what, argument, NULL);
	_exit(98);
}
