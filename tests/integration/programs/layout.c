// SPDX-License-Identifier: LGPL-2.1-or-later
/* Prints "record member offset size" for every member, and "record - 0 size". */
#include <stddef.h>
#include <stdio.h>
#include <secmap/secmap.h>

#define RECORD(name) printf("%s - 0 %zu\n", #name, sizeof(struct name))
#define MEMBER(name, member)                                                     \
	printf("%s %s %zu %zu\n", #name, #member, offsetof(struct name, member), \
	       sizeof(((struct name *)0)->member))

int main(void)
{
#include "members.h"
	return 0;
}
