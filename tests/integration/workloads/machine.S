/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firmware of a PC that answers each line of its serial port in capitals, and ends QEMU with
 * status 7 at an empty one. 64 KiB, linked at 0; the processor starts at its last 16 bytes.
 */
#define DATA   0x3f8
#define STATUS 0x3fd
#define END    0x501

	.code16
	.globl _start
_start:
	mov	$'\n', %bl
next:
	mov	$STATUS, %dx
wait:
	in	(%dx), %al
	test	$1, %al
	jz	wait
	mov	$DATA, %dx
	in	(%dx), %al
	cmp	$'\n', %al
	jne	letter
	cmp	%bl, %al
	je	end
letter:
	mov	%al, %bl
	cmp	$'a', %al
	jb	answer
	cmp	$'z', %al
	ja	answer
	sub	$('a' - 'A'), %al
answer:
	out	%al, (%dx)
	jmp	next
end:
	mov	$END, %dx
	mov	$3, %al
	out	%al, (%dx)
	hlt

	.org	0xfff0
	jmp	_start
	.org	0x10000
