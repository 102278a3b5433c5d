// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Load modules one after the other, then make one call at once, without a C library's own in
 * between: the first plain call is what secmap tries out whether this kernel can skip.
 *
 *   load_and_call getpid MODULE.ko...  prints whether two calls of getpid ran
 *   load_and_call exit MODULE.ko...    makes exit_group(7)
 *   load_and_call sigreturn MODULE.ko  makes rt_sigreturn with a frame of garbage: dies
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int modules[4];
	long self = getpid();
	long first, second;
	int i;

	if (argc < 3 || argc > 6)
		return 2;
	for (i = 0; i < argc - 2; i++) {
		modules[i] = open(argv[i + 2], O_RDONLY | O_CLOEXEC);
		if (modules[i] < 0)
			return 2;
	}
	for (i = 0; i < argc - 2; i++)
		if (syscall(SYS_finit_module, modules[i], "", 0) != 0)
			return 3;
	if (strcmp(argv[1], "exit") == 0)
		syscall(SYS_exit_group, 7);
	if (strcmp(argv[1], "sigreturn") == 0)
		syscall(SYS_rt_sigreturn);
	first = syscall(SYS_getpid);
	second = syscall(SYS_getpid);
	printf("%d %d\n", first == self, second == self);
	return 0;
}
