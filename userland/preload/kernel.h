/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls as the kernel has them: a negative errno on failure, errno untouched. Not the C
 * library's functions: some of those are replaced here, some are cancellation points.
 */
#ifndef SECMAP_PRELOAD_KERNEL_H
#define SECMAP_PRELOAD_KERNEL_H

#include <sys/syscall.h>

static inline long kernel_call(long number, unsigned long a, unsigned long b, unsigned long c,
			       unsigned long d, unsigned long e)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long kernel_seccomp(unsigned int operation, unsigned int flags, const void *arguments)
{
	return kernel_call(SYS_seccomp, operation, flags, (unsigned long)arguments, 0, 0);
}

static inline long kernel_prctl(int option, unsigned long a, unsigned long b)
{
	return kernel_call(SYS_prctl, option, a, b, 0, 0);
}

#endif /* SECMAP_PRELOAD_KERNEL_H */
