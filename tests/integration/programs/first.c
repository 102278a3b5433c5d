// SPDX-License-Identifier: LGPL-2.1-or-later
/* A program whose first instructions are getppid(); ends with the errno of that, or 0. */
__asm__(".globl _start\n"
	"_start:\n"
	"	mov	$110, %eax\n"
	"	syscall\n"
	"	neg	%eax\n"
	"	mov	%eax, %edi\n"
	"	mov	$60, %eax\n"
	"	syscall\n");
