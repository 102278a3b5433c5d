// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which BPF programs are taken. */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long load(unsigned int code, uint32_t k)
{
	return INSTALL(0, BPF_STMT(code, k), ALLOW);
}

static void half_words(void)
{
	say("LD W %s", value(load(BPF_LD | BPF_W | BPF_ABS, 0)));
	say("LD H %s", value(load(BPF_LD | BPF_H | BPF_ABS, 0)));
	say("LD B %s", value(load(BPF_LD | BPF_B | BPF_ABS, 0)));
	say("LDX H %s", value(load(BPF_LDX | BPF_H | BPF_ABS, 0)));
	say("LDX B MSH %s", value(load(BPF_LDX | BPF_B | BPF_MSH, 0)));
}

static void modes(void)
{
	say("ABS %s", value(load(BPF_LD | BPF_W | BPF_ABS, 0)));
	say("IND %s", value(load(BPF_LD | BPF_W | BPF_IND, 0)));
	say("MSH %s", value(load(BPF_LD | BPF_W | BPF_MSH, 0)));
}

static void length_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid, 0, 3), BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		    BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		    BPF_STMT(BPF_RET | BPF_A, 0), ALLOW))
		broken("install");
	syscall(SYS_getppid);
	tell("A %d", errno);
}

static void length_x_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid, 0, 4),
		    BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0),
		    BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		    BPF_STMT(BPF_RET | BPF_A, 0), ALLOW))
		broken("install");
	syscall(SYS_getppid);
	tell("X %d", errno);
}

static void data_length(void)
{
	in_child(length_in_child);
	in_child(length_x_in_child);
	said("length");
	say("sizeof %zu", sizeof(struct seccomp_data));
}

/* Behind a return, where it is checked and never runs. */
static bool taken(unsigned int code, uint32_t k)
{
	return INSTALL(0, ALLOW, BPF_STMT(BPF_ST, k & 15), BPF_STMT(code, k), ALLOW) == 0;
}

static void every_code_in_child(void)
{
	unsigned int count = 0;

	for (unsigned int code = 0; code < 0x10000; code++) {
		if (taken(code, 0) || taken(code, 4)) {
			tell("%02x", code);
			count++;
		}
	}
	tell("%u codes", count);
}

static void every_code(void)
{
	in_child(every_code_in_child);
	said("taken");
}

static void operands(void)
{
	say("DIV by 0 %s", value(load(BPF_ALU | BPF_DIV | BPF_K, 0)));
	say("LSH by 32 %s", value(load(BPF_ALU | BPF_LSH | BPF_K, 32)));
	say("ST 15 %s", value(load(BPF_ST, 15)));
	say("ST 16 %s", value(load(BPF_ST, 16)));
	say("LD of a word that was not written %s", value(load(BPF_LD | BPF_MEM, 3)));
	say("JA beyond the end %s", value(load(BPF_JMP | BPF_JA, 1)));
	say("JEQ beyond the end %s",
	    value(INSTALL(0, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALLOW)));
}

static void offsets(void)
{
	say("0 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 0)));
	say("60 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 60)));
	say("1 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 1)));
	say("2 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 2)));
	say("62 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 62)));
	say("64 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 64)));
	say("-4 %s", value(load(BPF_LD | BPF_W | BPF_ABS, 0xfffffffc)));
}

static struct sock_filter long_program[BPF_MAXINSNS + 1];

static long install_long(size_t count)
{
	for (size_t i = 0; i + 1 < count; i++)
		long_program[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, (uint32_t)i);
	long_program[count - 1] = (struct sock_filter)ALLOW;
	return install(0, long_program, count);
}

static void lengths(void)
{
	say("0 %s", value(install(0, long_program, 0)));
	say("4096 %s", value(install_long(4096)));
	say("4097 %s", value(install_long(4097)));
	say("65535 %s", value(install(0, long_program, 65535)));
}

static void fill_long_in_child(void)
{
	int count = 0;

	while (install_long(4096) == 0)
		count++;
	tell("%d programs, then %s", count, value(-1));
}

static void fill_long(void)
{
	in_child(fill_long_in_child);
	said("of 4096 instructions");
}

static void fill_short_in_child(void)
{
	int count = 0;

	while (INSTALL(0, ALLOW) == 0 && count < 7000)
		count++;
	tell("%d programs, then %s", count, value(-1));
}

static void fill_short(void)
{
	in_child(fill_short_in_child);
	said("of one instruction");
}

/* 8-bit sums, a multiplication, memory, X: what the arithmetic of a filter comes to. */
static void arithmetic_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid, 0, 13), LOW(0), BPF_STMT(BPF_ST, 2), LOW(1),
		    BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_LD | BPF_MEM, 2),
		    BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 2),
		    BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 4), BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 8),
		    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff),
		    BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		    BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_ALU | BPF_NEG, 0),
		    BPF_STMT(BPF_RET | BPF_A, 0), ALLOW))
		broken("install");
	syscall(SYS_getppid, 6, 7);
	tell("errno %d", errno); /* ((6 * 7 - 2) / 4) ^ 8 = 2 */
}

static void arithmetic(void)
{
	in_child(arithmetic_in_child);
	said("((6 * 7 - 2) / 4) ^ 8");
}

static void divide_in_child(void)
{
	if (INSTALL(0, LOAD(nr), IF_EQUAL(SYS_getppid, 0, 3), LOW(0),
		    BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(FAIL(EDOM)), ALLOW))
		broken("install");
	syscall(SYS_getppid, 6);
	tell("came back with %s", value(-1));
}

/* What the kernel's BPF makes of it: the program ends with 0, which is KILL_THREAD. */
static void divide(void)
{
	child_says("process", divide_in_child);
	said("call");
}

#define WHERE "Seccomp-specific BPF details "

static const struct manual_case cases[] = {
	{ "bpf-words", S(WHERE "#1"), "only words are loaded, not half-words or bytes",
	  "LD W 0, LD H EINVAL, LD B EINVAL, LDX H EINVAL, LDX B MSH EINVAL", half_words },
	{ "bpf-abs", S(WHERE "#2"), "the data is reached by BPF_ABS",
	  "ABS 0, IND EINVAL, MSH EINVAL", modes },
	{ "bpf-length", S(WHERE "#3"), "BPF_LEN gives the size of the data",
	  "length: A 64, X 64, sizeof 64", data_length },
	{ "bpf-codes", H("BPF #1"), "of all 65536 codes, these are taken",
	  "taken: 00, 01, 02, 03, 04, 05, 06, 07, 0c, 14, 15, 16, 1c, 1d, 20, 24, 25, 2c, 2d, 34, "
	  "35, 3c, 3d, 44, 45, 4c, 4d, 54, 5c, 60, 61, 64, 6c, 74, 7c, 80, 81, 84, 87, a4, ac, "
	  "41 codes",
	  every_code },
	{ "bpf-operands", H("BPF #2"), "operands and jumps are checked",
	  "DIV by 0 EINVAL, LSH by 32 EINVAL, ST 15 0, ST 16 EINVAL, "
	  "LD of a word that was not written EINVAL, JA beyond the end EINVAL, "
	  "JEQ beyond the end EINVAL",
	  operands },
	{ "bpf-arithmetic", H("BPF #3"), "arithmetic, memory and X do as BPF does",
	  "((6 * 7 - 2) / 4) ^ 8: errno 2", arithmetic },
	{ "bpf-divide", H("BPF #4"), "a division by a zero in X ends the program with 0",
	  "process: SIGSYS, call: nothing", divide },
	{ "error-offset", S("ERRORS #6"),
	  "EINVAL: an offset that is not aligned, or beyond the data",
	  "0 0, 60 0, 1 EINVAL, 2 EINVAL, 62 EINVAL, 64 EINVAL, -4 EINVAL", offsets },
	{ "error-length", S("ERRORS #8"), "EINVAL: a length of 0 or above 4096",
	  "0 EINVAL, 4096 0, 4097 EINVAL, 65535 EINVAL", lengths },
	{ "error-path", S("ERRORS #10"), "ENOMEM: 32768 instructions at most, over all filters",
	  "of 4096 instructions: 7 programs, then ENOMEM", fill_long },
	{ "error-path-penalty", S("ERRORS #11"), "each older filter counts 4 more",
	  "of one instruction: 6554 programs, then ENOMEM", fill_short,
	  "the kernel counts instructions as it has translated them: one becomes five",
	  "of one instruction: 3641 programs, then ENOMEM" },
};

TABLE(program_table, cases);
