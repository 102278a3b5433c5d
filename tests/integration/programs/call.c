// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * call HOW NUMBER [ARGUMENT...]: makes one system call and prints what it returned.
 * HOW is "syscall" (64-bit programs) or "int80"; NUMBER is the whole register, so that its
 * upper half can hold anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
static long by_syscall(unsigned long number, const unsigned long *args)
{
	register unsigned long r10 asm("r10") = args[3];
	register unsigned long r8 asm("r8") = args[4];
	register unsigned long r9 asm("r9") = args[5];
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "0"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
		       "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}
#endif

/* Five arguments: the sixth would be ebp. */
static long by_int80(unsigned long number, const unsigned long *args)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "0"(number), "b"(args[0]), "c"(args[1]), "d"(args[2]), "S"(args[3]),
		       "D"(args[4])
		     : "memory"
#ifdef __x86_64__
		       ,
		       "r8", "r9", "r10", "r11"
#endif
	);
	return result;
}

int main(int argc, char **argv)
{
	unsigned long args[6] = { 0 };
	unsigned long number;

	if (argc < 3 || argc > 9)
		return 2;
	number = strtoull(argv[2], NULL, 0);
	for (int i = 3; i < argc; i++)
		args[i - 3] = strtoull(argv[i], NULL, 0);
	if (!strcmp(argv[1], "int80"))
		printf("%d\n", (int)by_int80(number, args));
#ifdef __x86_64__
	else if (!strcmp(argv[1], "syscall"))
		printf("%ld\n", by_syscall(number, args));
#endif
	else
		return 2;
	return 0;
}
