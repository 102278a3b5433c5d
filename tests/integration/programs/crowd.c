// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * crowd N: makes N children that do nothing, prints a line with their ids, and ends, they
 * with it, when its standard input does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;
	char byte;

	/* Nobody waits for them. */
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			return 1;
		}
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(read(STDIN_FILENO, &byte, 1) != 0);
		}
		printf("%d ", pid);
		fflush(stdout);
	}
	printf("\n");
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) != 0;
}
