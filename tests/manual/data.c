// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a filter is told: struct seccomp_data, of each ABI. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define X32_BIT 0x40000000L

static void layout(void)
{
	say("sock_fprog: len at %zu of %zu", offsetof(struct sock_fprog, len),
	    sizeof(((struct sock_fprog *)0)->len));
	say("filter at %zu", offsetof(struct sock_fprog, filter));
}

static void empty(void)
{
	struct sock_filter filter[] = { ALLOW };

	say("no instruction: %s", value(install(0, filter, 0)));
	say("one: %s", value(install(0, filter, 1)));
}

static void instruction_layout(void)
{
	say("code %zu, jt %zu, jf %zu, k %zu, size %zu", offsetof(struct sock_filter, code),
	    offsetof(struct sock_filter, jt), offsetof(struct sock_filter, jf),
	    offsetof(struct sock_filter, k), sizeof(struct sock_filter));
}

/* Fail with EDOM if the word at @offset is @word, with ERANGE if not. */
static long word_is(unsigned int offset, uint32_t word)
{
	return INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getpgrp, 0, 4),
		       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset), IF_EQUAL(word, 0, 1),
		       RETURN(FAIL(EDOM)), RETURN(FAIL(ERANGE)), ALLOW);
}

static unsigned int word_offset;
static uint32_t word_wanted;

static void word_in_child(void)
{
	if (word_is(word_offset, word_wanted))
		broken("install");
	tell("%s", syscall(SYS_getpgrp, 0x1111111122222222, 0x3333333344444444, 0x5555555566666666,
			   0x7777777788888888, 0x99999999aaaaaaaa, 0xbbbbbbbbcccccccc) == -1 &&
				   errno == EDOM ?
			   "as expected" :
			   outcome(-1));
}

static void word(const char *name, size_t offset, uint32_t wanted)
{
	word_offset = (unsigned int)offset;
	word_wanted = wanted;
	in_child(word_in_child);
	said(name);
}

static void members(void)
{
	word("nr", offsetof(struct seccomp_data, nr), SYS_getpgrp);
	word("arch", offsetof(struct seccomp_data, arch), AUDIT_ARCH_X86_64);
	for (unsigned int i = 0; i < 6; i++) {
		static const char *const names[] = { "0", "1", "2", "3", "4", "5" };
		size_t offset = offsetof(struct seccomp_data, args[i]);

		word(names[i], offset, 0x22222222 * (i + 1));
		word(names[i], offset + 4, 0x11111111 + 0x22222222 * i);
	}
}

static void read_only(void)
{
	say("ST %s", value(INSTALL(0, LOAD(nr), BPF_STMT(BPF_ST, 0), ALLOW)));
	say("ST to the buffer %s",
	    value(INSTALL(0, LOAD(nr), BPF_STMT(BPF_ST | BPF_W | BPF_ABS, 0), ALLOW)));
}

/* EDOM for i386, ERANGE for x86-64. */
static void by_arch(void)
{
	if (INSTALL(0, LOAD(arch), IF_EQUAL(AUDIT_ARCH_I386, 2, 0), LOAD(nr),
		    IF_EQUAL(SYS_getppid, 3, 4), LOAD(nr), IF_EQUAL(64, 0, 2), RETURN(FAIL(EDOM)),
		    RETURN(FAIL(ERANGE)), ALLOW))
		broken("install");
}

static void arch_in_child(void)
{
	by_arch();
	tell("x86-64 %s", outcome(syscall(SYS_getppid)));
	tell("int 0x80 %s", outcome(as_libc(call_i386(64, 0, 0, 0))));
	tell("int 0x80 with the other's number %s",
	     outcome(as_libc(call_i386(SYS_getppid, 0, 0, 0)) < 0 ? -1 : 0));
}

static void arch(void)
{
	in_child(arch_in_child);
	said("a filter for each");
}

/* Opened by another call, or by the same with other bits of the same meaning. */
static void bypass_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_fcntl, 0, 3), LOW(2), IF_EQUAL(O_NONBLOCK, 0, 1),
		    RETURN(FAIL(EPERM)), ALLOW))
		broken("install");
	tell("O_NONBLOCK %s", outcome(syscall(SYS_fcntl, 0, F_SETFL, O_NONBLOCK)));
	tell("with a bit that means nothing %s",
	     outcome(syscall(SYS_fcntl, 0, F_SETFL, O_NONBLOCK | 1 << 30)));
}

static void bypass(void)
{
	in_child(bypass_in_child);
	said("a deny-list");
}

static void x32_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid | X32_BIT, 0, 4), LOAD(arch),
		    IF_EQUAL(AUDIT_ARCH_X86_64, 0, 1), RETURN(FAIL(EDOM)), RETURN(FAIL(ERANGE)),
		    ALLOW))
		broken("install");
	tell("x32 number %s", outcome(as_libc(call_raw(SYS_getppid | X32_BIT, 0, 0, 0))));
	tell("x86-64 number %s", outcome(as_libc(call_raw(SYS_getppid, 0, 0, 0))));
}

static void x32(void)
{
	in_child(x32_in_child);
	said("EDOM means arch x86-64");
}

static void x32_bypass_in_child(void)
{
	must_install_on(0, SYS_getppid, FAIL(EPERM));
	tell("x86-64 number %s", outcome(as_libc(call_raw(SYS_getppid, 0, 0, 0))));
	tell("x32 number %s",
	     as_libc(call_raw(SYS_getppid | X32_BIT, 0, 0, 0)) == -1 && errno == EPERM ?
		     "filtered" :
		     "not filtered");
}

static void x32_bypass(void)
{
	in_child(x32_bypass_in_child);
	said("a deny-list without it");
}

static void x32_mixed(void)
{
	say("521 %s", outcome(as_libc(call_raw(521, 0, 0, 0))));
	say("101 with the bit %s", outcome(as_libc(call_raw(101 | X32_BIT, 0, 0, 0))));
}

extern const char manual_call[], manual_next[];

__attribute__((noinline)) static long marked_call(long nr)
{
	long ret;

	asm volatile(".globl manual_call, manual_next\nmanual_call: syscall\nmanual_next:"
		     : "=a"(ret)
		     : "0"(nr)
		     : "memory", "rcx", "r11");
	return as_libc(ret);
}

#define POINTER offsetof(struct seccomp_data, instruction_pointer)

static void pointer_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid, 0, 7),
		    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, POINTER + 4),
		    IF_EQUAL((uintptr_t)manual_call >> 32, 0, 4),
		    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, POINTER),
		    IF_EQUAL((uintptr_t)manual_call, 0, 1), RETURN(FAIL(EDOM)),
		    IF_EQUAL((uintptr_t)manual_next, 1, 0), ALLOW, RETURN(FAIL(ERANGE))))
		broken("install");
	marked_call(SYS_getppid);
	tell("%s", errno == EDOM   ? "the instruction" :
		   errno == ERANGE ? "the one behind it" :
				     "neither");
}

static void pointer(void)
{
	errno = 0;
	in_child(pointer_in_child);
	said("address of");
}

static long (*mapped_call)(long);

/* mov rax, rdi; syscall; ret */
static const unsigned char code[] = { 0x48, 0x89, 0xf8, 0x0f, 0x05, 0xc3 };

static void region_in_child(void)
{
	uintptr_t page = (uintptr_t)mapped_call;

	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid, 0, 6),
		    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, POINTER + 4), IF_EQUAL(page >> 32, 0, 4),
		    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, POINTER),
		    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfffff000), IF_EQUAL(page, 0, 1),
		    RETURN(FAIL(EDOM)), ALLOW))
		broken("install");
	tell("from the region %s", outcome(as_libc(mapped_call(SYS_getppid))));
	tell("from elsewhere %s", outcome(syscall(SYS_getppid)));
}

static void region(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		broken("mmap");
	memcpy(page, code, sizeof(code));
	mapped_call = (long (*)(long))page;
	in_child(region_in_child);
	said("a call");
}

/* EDOM if the upper half of the first argument is 5. */
static void deny_upper(uint32_t arch, long nr)
{
	if (INSTALL(0, LOAD(arch), IF_EQUAL(arch, 0, 5), LOAD(nr), IF_EQUAL(nr, 0, 3), HIGH(0),
		    IF_EQUAL(5, 0, 1), RETURN(FAIL(EDOM)), ALLOW))
		broken("install");
}

static void truncated_in_child(void)
{
	/* close of a number that is only good in its lower half */
	int fd = scratch_file();

	deny_upper(AUDIT_ARCH_X86_64, SYS_close);
	tell("upper half 5 %s", outcome(syscall(SYS_close, (unsigned int)fd | 5L << 32)));
	tell("upper half 6 %s", outcome(syscall(SYS_close, (unsigned int)fd | 6L << 32)));
	tell("closed: %s", fcntl(fd, F_GETFD) == -1 ? "yes" : "no");
}

static void truncated(void)
{
	in_child(truncated_in_child);
	said("close");
}

static void i386_in_child(void)
{
	int fd = scratch_file();

	deny_upper(AUDIT_ARCH_I386, 6);
	tell("upper half 5 %s", outcome(as_libc(call_i386(6, (unsigned int)fd | 5L << 32, 0, 0))));
	tell("upper half 6 %s", outcome(as_libc(call_i386(6, (unsigned int)fd | 6L << 32, 0, 0))));
}

static void i386(void)
{
	in_child(i386_in_child);
	said("close by int 0x80");
}

static void number_in_child(void)
{
	must_install_on(0, SYS_getppid, FAIL(EDOM));
	tell("%s", outcome(as_libc(call_raw(SYS_getppid | 0x1234567800000000, 0, 0, 0))));
}

static void number(void)
{
	in_child(number_in_child);
	said("a number with an upper half");
}

#define WHERE "Filters "

static const struct manual_case cases[] = {
	{ "data-program", S(WHERE "#1"), "a program is a length and a pointer",
	  "sock_fprog: len at 0 of 2, filter at 8", layout },
	{ "data-empty", S(WHERE "#2"), "it has at least one instruction",
	  "no instruction: EINVAL, one: 0", empty },
	{ "data-instruction", S(WHERE "#3"), "an instruction has a code, two jumps and a constant",
	  "code 0, jt 2, jf 3, k 4, size 8", instruction_layout },
	{ "data-members", S(WHERE "#4"), "BPF_ABS loads number, architecture and six arguments",
	  "nr: as expected, arch: as expected, 0: as expected, 0: as expected, 1: as expected, "
	  "1: as expected, 2: as expected, 2: as expected, 3: as expected, 3: as expected, "
	  "4: as expected, 4: as expected, 5: as expected, 5: as expected",
	  members },
	{ "data-read-only", S(WHERE "#4"), "the data cannot be written",
	  "ST 0, ST to the buffer EINVAL", read_only },
	{ "data-arch", S(WHERE "#5"), "a call's convention is seen in arch; its number follows it",
	  "a filter for each: x86-64 ERANGE, int 0x80 EDOM, "
	  "int 0x80 with the other's number ran",
	  arch },
	REMARK("data-allow-list", S(WHERE "#6"), "prefer lists of what is allowed", "advice"),
	{ "data-bypass", S(WHERE "#7"),
	  "what is denied by value may be had by another value of the same meaning",
	  "a deny-list: O_NONBLOCK EPERM, with a bit that means nothing ran", bypass },
	{ "data-x32-arch", S(WHERE "#8"), "x32 has the arch of x86-64",
	  "EDOM means arch x86-64: x32 number EDOM, x86-64 number ran", x32 },
	{ "data-x32-bit", S(WHERE "#9"), "the bit in the number tells x32 apart",
	  "EDOM means arch x86-64: x32 number EDOM, x86-64 number ran", x32 },
	REMARK("data-x32-policy", S(WHERE "#10"), "deny all numbers with the bit, or know them",
	       "advice"),
	{ "data-x32-bypass", S(WHERE "#11"), "a list without the bit does not see such calls",
	  "a deny-list without it: x86-64 number EPERM, x32 number not filtered", x32_bypass },
	REMARK("data-x32-before", S(WHERE "#12"), "before 5.4 the kernel took mixed numbers",
	       "older than the kernels under test"),
	REMARK("data-x32-example", S(WHERE "#13"), "two such numbers both meant ptrace",
	       "older than the kernels under test"),
	REMARK("data-x32-old", S(WHERE "#14"), "policies for such kernels must deny them",
	       "older than the kernels under test"),
	{ "data-x32-mixed", S(WHERE "#15"), "since 5.4 such calls fail with ENOSYS",
	  "521 ENOSYS, 101 with the bit ENOSYS", x32_mixed },
	{ "data-pointer", S(WHERE "#16"), "instruction_pointer is the address of the instruction",
	  "address of: the instruction", pointer,
	  "x86 has moved on to the next instruction by then; the pages say it of TRAP",
	  "address of: the one behind it" },
	{ "data-region", S(WHERE "#17"), "a filter can tell by it which mapping made a call",
	  "a call: from the region EDOM, from elsewhere ran", region },
	REMARK("data-lock", S(WHERE "#18"), "then deny mmap and mprotect", "advice"),
	{ "data-truncated", S(WHERE "#19"), "arguments are truncated after the filter saw them",
	  "close: upper half 5 EDOM, upper half 6 ran, closed: yes", truncated },
	{ "data-i386", S(WHERE "#20"), "of an i386 call the filter sees the whole registers",
	  "close by int 0x80: upper half 5 EDOM, upper half 6 ran", i386 },
	{ "data-int", S(WHERE "#21"), "of an int argument of x86-64 too",
	  "close: upper half 5 EDOM, upper half 6 ran, closed: yes", truncated },
	{ "data-number", H("struct seccomp_data #1"),
	  "the number is the lower half of the register", "a number with an upper half: EDOM",
	  number },
};

TABLE(data_table, cases);
