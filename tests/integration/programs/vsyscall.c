// SPDX-License-Identifier: LGPL-2.1-or-later
/* vsyscall: time() through the vsyscall page, where there is one; prints what it returned. */
#include <stdio.h>

int main(void)
{
	long (*time_at)(long *) = (long (*)(long *))0xffffffffff600400;

	printf("%ld\n", time_at((void *)0));
	return 0;
}
