// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The functions of the C library that this library stands in front of. There is no seccomp()
 * among them: no C library of Debian has one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include <linux/close_range.h>
#include <sys/prctl.h>

#include "device.h"
#include "kernel.h"
#include "seccomp.h"

#define EXPORTED __attribute__((visibility("default"), used))

/*
 * syscall(3). Numbers that are of no interest go to the kernel as the C library hands them over:
 * with all six arguments, nothing on the stack, and the return address where it was, so that
 * vfork and clone do what they did.
 */
__asm__(".pushsection .text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	endbr64\n"
	"	cmpq	$157, %rdi\n" /* SYS_prctl */
	"	je	secmap_syscall_prctl\n"
	"	cmpq	$317, %rdi\n" /* SYS_seccomp */
	"	je	secmap_syscall_seccomp\n"
	"	movq	%rdi, %rax\n"
	"	movq	%rsi, %rdi\n"
	"	movq	%rdx, %rsi\n"
	"	movq	%rcx, %rdx\n"
	"	movq	%r8, %r10\n"
	"	movq	%r9, %r8\n"
	"	movq	8(%rsp), %r9\n"
	"	syscall\n"
	"	cmpq	$-4095, %rax\n"
	"	jae	1f\n"
	"	ret\n"
	"1:	movq	%rax, %rdi\n"
	"	jmp	secmap_syscall_result\n"
	".size syscall, . - syscall\n"
	".popsection\n");

_Static_assert(SYS_prctl == 157 && SYS_seccomp == 317, "the numbers above");

/* As the C library returns it. */
__attribute__((used)) long secmap_syscall_result(long result)
{
	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
}

static long result_of_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
			    unsigned long d)
{
	long result;

	switch (option) {
	case PR_SET_SECCOMP:
		/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
		result = secmap_set_seccomp(a, (const void *)b);
		break;
	case PR_GET_SECCOMP:
		result = secmap_get_seccomp();
		break;
	default:
		result = kernel_call(SYS_prctl, option, a, b, c, d);
	}
	return secmap_syscall_result(result);
}

__attribute__((used)) long secmap_syscall_prctl(long number, unsigned long option, unsigned long a,
						unsigned long b, unsigned long c, unsigned long d)
{
	(void)number;
	return result_of_prctl((int)option, a, b, c, d);
}

__attribute__((used)) long secmap_syscall_seccomp(long number, unsigned long operation,
						  unsigned long flags, const void *arguments)
{
	(void)number;
	return secmap_syscall_result(
		secmap_seccomp((unsigned int)operation, (unsigned int)flags, arguments));
}

EXPORTED int prctl(int option, ...)
{
	unsigned long argument[4];
	va_list list;
	int i;

	va_start(list, option);
	for (i = 0; i < 4; i++)
		argument[i] = va_arg(list, unsigned long);
	va_end(list);
	return (int)result_of_prctl(option, argument[0], argument[1], argument[2], argument[3]);
}

/*
 * close_range(2), around the device's descriptor. Whoever has a filter has no more need of it, and
 * its filter may not like us to look whether it is still there.
 */
static long close_around(unsigned int first, unsigned int last, unsigned int flags)
{
	int kept = SECMAP_NO_DEVICE;
	long result = 0;

	if (!(flags & CLOSE_RANGE_CLOEXEC) && !secmap_is_filtered())
		kept = secmap_device_number();
	if (kept == SECMAP_NO_DEVICE || first > (unsigned int)kept || last < (unsigned int)kept)
		return kernel_call(SYS_close_range, first, last, flags, 0, 0);
	if (first < (unsigned int)kept)
		result = kernel_call(SYS_close_range, first, kept - 1, flags, 0, 0);
	if (result == 0 && (unsigned int)kept < last)
		result = kernel_call(SYS_close_range, kept + 1, last, flags, 0, 0);
	return result;
}

EXPORTED int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)secmap_syscall_result(close_around(first, last, flags));
}

/* Looked up at the start: it is called between fork(2) and execve(2). */
static void (*close_all_from)(int first);

__attribute__((constructor)) static void find_closefrom(void)
{
	*(void **)&close_all_from = dlsym(RTLD_NEXT, "closefrom");
}

/* Where close_range(2) is denied the C library has another way. */
EXPORTED void closefrom(int first)
{
	if (close_around(first < 0 ? 0 : first, ~0U, 0) != 0 && close_all_from)
		close_all_from(first);
}
