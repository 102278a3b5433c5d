// SPDX-License-Identifier: GPL-2.0-only
/* The verifier: each rule of the subset broken once, and what it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "kernel.h"
#include "seed.h"
#include "verify.h"

#define PROGRAM 16 /* room; a program ends with its last exit, but see refusal.len */

struct refusal {
	const char *text;
	struct bpf_insn insns[PROGRAM];
	u32 len;
};

/* clang-format off */

#define REFUSED(text, ...)	{ text, { __VA_ARGS__ }, 0 }
#define REFUSED_LEN(len, text, ...) { text, { __VA_ARGS__ }, len }

/* At insn 1, with numbers in r0 and r2, the context in r1. */
#define NUMBERS			MOV(0, 0), LDX(BPF_DW, 2, 1, 16)
/* At insn 2: the program is NUMBERS, the instruction, exit. */
#define SECOND(text, ...)	REFUSED("insn 2: " text, NUMBERS, __VA_ARGS__, EXIT)

#define NO_SUCH(code)		SECOND("opcode " #code " is not of the subset", INSN(code, 0, 0, 0, 0))

static const struct refusal refusals[] = {
	/* Opcodes; test_opcodes() has all 256 of them. */
	NO_SUCH(0x20), /* LD_ABS */
	NO_SUCH(0x30),
	NO_SUCH(0x40), /* LD_IND */
	NO_SUCH(0x00), /* LD_IMM of 32 bits */
	NO_SUCH(0x81), /* LDX MEMSX */
	NO_SUCH(0x91),
	NO_SUCH(0x89),
	NO_SUCH(0xc3), /* atomic, 32 bits */
	NO_SUCH(0xdb), /* atomic */
	NO_SUCH(0x06), /* JMP32 JA: gotol */
	NO_SUCH(0x86), /* JMP32 CALL */
	NO_SUCH(0x96), /* JMP32 EXIT */
	NO_SUCH(0x0d), /* JA X */
	NO_SUCH(0x8d), /* CALL X */
	NO_SUCH(0x9d), /* EXIT X */
	NO_SUCH(0xe5), /* may_goto */
	NO_SUCH(0x8c), /* NEG X */
	NO_SUCH(0x8f),
	NO_SUCH(0xd7), /* bswap */
	NO_SUCH(0xdf),
	NO_SUCH(0xe4),
	NO_SUCH(0xff),

	/* What is not used is 0. */
	SECOND("src_reg is 1, but is not used", INSN(0x07, 2, 1, 0, 1)),
	SECOND("src_reg is 1, but is not used", INSN(0xb4, 2, 1, 0, 1)),
	SECOND("src_reg is 3, but is not used", INSN(0x87, 2, 3, 0, 0)),
	SECOND("imm is 1, but is not used", INSN(0x87, 2, 0, 0, 1)),
	SECOND("imm is -1, but is not used", INSN(0x0f, 2, 2, 0, -1)),
	SECOND("imm is 9, but is not used", INSN(0xbf, 2, 2, 0, 9)),
	SECOND("off is 1, but is not used", INSN(0x37, 2, 0, 1, 3)),   /* signed division */
	SECOND("off is 1, but is not used", INSN(0x9f, 2, 2, 1, 0)),   /* signed modulo */
	SECOND("off is 8, but is not used", INSN(0xbf, 2, 2, 8, 0)),   /* movsx */
	SECOND("off is 16, but is not used", INSN(0xbc, 2, 2, 16, 0)),
	SECOND("off is -1, but is not used", INSN(0x07, 2, 0, -1, 0)),
	SECOND("off is 1, but is not used", INSN(0xd4, 2, 0, 1, 16)),
	SECOND("src_reg is 2, but is not used", INSN(0xdc, 2, 2, 0, 16)),
	SECOND("imm is 1, but is not used", INSN(0x79, 2, 1, 0, 1)),
	SECOND("src_reg is 1, but is not used", INSN(0x7a, 10, 1, -8, 1)),
	SECOND("imm is 1, but is not used", INSN(0x7b, 10, 2, -8, 1)),
	SECOND("off is 1, but is not used", INSN(0x18, 2, 0, 1, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("dst_reg is 1, but is not used", INSN(0x05, 1, 0, 0, 0)),
	SECOND("src_reg is 1, but is not used", INSN(0x05, 0, 1, 0, 0)),
	SECOND("imm is 1, but is not used", INSN(0x05, 0, 0, 0, 1)),
	SECOND("src_reg is 1, but is not used", INSN(0x15, 2, 1, 0, 1)),
	SECOND("imm is 1, but is not used", INSN(0x1d, 2, 2, 0, 1)),
	SECOND("dst_reg is 1, but is not used", INSN(0x85, 1, 0, 0, 1)),
	SECOND("src_reg is 1, but is not used", INSN(0x85, 0, 1, 0, 1)), /* a function */
	SECOND("src_reg is 2, but is not used", INSN(0x85, 0, 2, 0, 1)), /* a kfunc */
	SECOND("off is 1, but is not used", INSN(0x85, 0, 0, 1, 1)),
	SECOND("dst_reg is 1, but is not used", INSN(0x95, 1, 0, 0, 0)),
	SECOND("src_reg is 1, but is not used", INSN(0x95, 0, 1, 0, 0)),
	SECOND("off is 1, but is not used", INSN(0x95, 0, 0, 1, 0)),
	SECOND("imm is 1, but is not used", INSN(0x95, 0, 0, 0, 1)),

	/* Registers that are not there, or cannot be set. */
	SECOND("r11: there is no such register", MOV(11, 0)),
	SECOND("r15: there is no such register", MOV_X(2, 15)),
	SECOND("r12: there is no such register", ALU_X(BPF_ADD, 2, 12)),
	SECOND("r11: there is no such register", LDX(BPF_W, 2, 11, 0)),
	SECOND("r13: there is no such register", STX(BPF_DW, -8, 13)),
	SECOND("r14: there is no such register", JMP(BPF_JEQ, 14, 0, 0)),
	SECOND("r14: there is no such register", JMP_X(BPF_JEQ, 2, 14, 0)),
	SECOND("r11: there is no such register", LONG(11, 0, 0)),
	SECOND("r10: the frame pointer cannot be set", MOV(10, 0)),
	SECOND("r10: the frame pointer cannot be set", MOV_X(10, 10)),
	SECOND("r10: the frame pointer cannot be set", ALU(BPF_ADD, 10, -8)),
	SECOND("r10: the frame pointer cannot be set", ALU32(BPF_NEG, 10, 0)),
	SECOND("r10: the frame pointer cannot be set", END(BPF_TO_BE, 10, 16)),
	SECOND("r10: the frame pointer cannot be set", LDX(BPF_W, 10, 1, 0)),
	SECOND("r10: the frame pointer cannot be set", LONG(10, 0, 0)),
	SECOND("r10: the frame pointer cannot be set", TABLE(10, 0)),

	/* Constants. */
	SECOND("divides by 0", ALU(BPF_DIV, 2, 0)),
	SECOND("divides by 0", ALU32(BPF_DIV, 2, 0)),
	SECOND("divides by 0", ALU(BPF_MOD, 2, 0)),
	SECOND("divides by 0", ALU32(BPF_MOD, 2, 0)),
	SECOND("shifts by 64, which is not 0 ... 63", ALU(BPF_LSH, 2, 64)),
	SECOND("shifts by 64, which is not 0 ... 63", ALU(BPF_RSH, 2, 64)),
	SECOND("shifts by 64, which is not 0 ... 63", ALU(BPF_ARSH, 2, 64)),
	SECOND("shifts by 32, which is not 0 ... 31", ALU32(BPF_LSH, 2, 32)),
	SECOND("shifts by 32, which is not 0 ... 31", ALU32(BPF_RSH, 2, 32)),
	SECOND("shifts by 32, which is not 0 ... 31", ALU32(BPF_ARSH, 2, 32)),
	SECOND("shifts by -1, which is not 0 ... 63", ALU(BPF_LSH, 2, -1)),
	SECOND("orders 0 bits, not 16, 32 or 64", END(BPF_TO_BE, 2, 0)),
	SECOND("orders 8 bits, not 16, 32 or 64", END(BPF_TO_LE, 2, 8)),
	SECOND("orders 128 bits, not 16, 32 or 64", END(BPF_TO_LE, 2, 128)),
	SECOND("there is no helper 0", CALL(0)),
	SECOND("there is no helper 3", CALL(3)),
	SECOND("there is no helper 12", CALL(12)), /* tail_call */
	SECOND("there is no helper -1", CALL(-1)),

	/* LD_IMM64. */
	REFUSED_LEN(3, "insn 2: its second half is missing", NUMBERS, INSN(0x18, 0, 0, 0, 0)),
	SECOND("its second half is missing", INSN(0x18, 0, 0, 0, 0)),
	SECOND("its second half is missing", INSN(0x18, 0, 0, 0, 0), INSN(0, 1, 0, 0, 0)),
	SECOND("its second half is missing", INSN(0x18, 0, 0, 0, 0), INSN(0, 0, 1, 0, 0)),
	SECOND("its second half is missing", INSN(0x18, 0, 0, 0, 0), INSN(0, 0, 0, 1, 0)),
	SECOND("its second half is missing", INSN(0x18, 0, 0, 0, 0), INSN(0x18, 0, 0, 0, 0)),
	SECOND("src_reg is 1, not 0 or 5, which names a table", /* MAP_FD */
	       INSN(0x18, 2, 1, 0, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("src_reg is 2, not 0 or 5, which names a table", /* MAP_VALUE */
	       INSN(0x18, 2, 2, 0, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("src_reg is 3, not 0 or 5, which names a table", /* BTF_ID */
	       INSN(0x18, 2, 3, 0, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("src_reg is 4, not 0 or 5, which names a table", /* FUNC */
	       INSN(0x18, 2, 4, 0, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("src_reg is 6, not 0 or 5, which names a table", /* MAP_IDX_VALUE */
	       INSN(0x18, 2, 6, 0, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("src_reg is 15, not 0 or 5, which names a table",
	       INSN(0x18, 2, 15, 0, 0), INSN(0, 0, 0, 0, 0)),
	SECOND("a table has no offset, here 1", INSN(0x18, 2, 5, 0, 0), INSN(0, 0, 0, 0, 1)),
	SECOND("there is no table 4: the policy names 4", TABLE(2, 4)),
	SECOND("there is no table 4294967295: the policy names 4", TABLE(2, -1)),

	/* Jumps, and where a program ends. */
	SECOND("jumps back, to insn 2", JA(-1)),
	SECOND("jumps back, to insn 0", JA(-3)),
	SECOND("jumps back, to insn -32765", JA(-32768)),
	SECOND("jumps back, to insn 1", JMP(BPF_JEQ, 2, 0, -2)),
	SECOND("jumps back, to insn 2", JMP32_X(BPF_JSLT, 2, 2, -1)),
	SECOND("jumps to insn 4, but the last is 3", JA(1)),
	SECOND("jumps to insn 32770, but the last is 3", JMP(BPF_JNE, 2, 0, 32767)),
	SECOND("jumps to insn 5, but the last is 3", JMP32(BPF_JGT, 2, 0, 2)),
	REFUSED("insn 2: jumps into the middle of insn 3",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 1), LONG(3, 0, 0), EXIT),
	REFUSED("insn 3: jumps into the middle of insn 4",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 0), JMP(BPF_JEQ, 2, 1, 1), TABLE(3, 0), EXIT),
	REFUSED("insn 2: cannot be reached", MOV(0, 0), EXIT, EXIT),
	REFUSED("insn 2: cannot be reached", MOV(0, 0), JA(1), MOV(0, 1), EXIT),
	REFUSED("insn 2: cannot be reached", MOV(0, 0), EXIT, LONG(0, 1, 1), EXIT),
	REFUSED_LEN(1, "insn 0: the program goes on behind its end", MOV(0, 0)),
	REFUSED_LEN(2, "insn 1: the program goes on behind its end", LONG(0, 0, 0)),
	REFUSED_LEN(4, "insn 3: the program goes on behind its end",
		    MOV(2, 0), TABLE(1, 0), CALL(1)),
	REFUSED_LEN(4, "insn 3: the program goes on behind its end",
		    NUMBERS, JMP(BPF_JEQ, 2, 0, 0), MOV(0, 0)),

	/* Registers that hold nothing. */
	REFUSED("insn 0: r0: holds nothing on some way, not a number", EXIT),
	REFUSED("insn 0: r2: holds nothing on some way, not a number", ALU(BPF_ADD, 2, 1)),
	SECOND("r3: holds nothing on some way, not a number", ALU_X(BPF_ADD, 2, 3)),
	SECOND("r9: holds nothing on some way, not a number", ALU32(BPF_NEG, 9, 0)),
	SECOND("r9: holds nothing on some way, not a number", END(BPF_TO_BE, 9, 64)),
	SECOND("r3: holds nothing on some way, not what can be copied", MOV_X(2, 3)),
	SECOND("r3: holds nothing on some way, not a number", ALU32_X(BPF_MOV, 2, 3)),
	SECOND("r3: holds nothing on some way, not a number", JMP(BPF_JEQ, 3, 0, 0)),
	SECOND("r3: holds nothing on some way, not a number", JMP32_X(BPF_JEQ, 2, 3, 0)),
	SECOND("r3: holds nothing on some way, not an address to load from", LDX(BPF_W, 2, 3, 0)),
	SECOND("r3: holds nothing on some way, not what can be copied", STX(BPF_DW, -8, 3)),
	SECOND("r3: holds nothing on some way, not the frame pointer, to store by",
	       INSN(0x7a, 3, 0, -8, 0)),
	REFUSED("insn 4: r3: holds nothing on some way, not a number",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 1), MOV(3, 0), ALU(BPF_ADD, 3, 1), EXIT),
	REFUSED("insn 5: r3: holds nothing on some way, not a number",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 1), JA(1), MOV(3, 0), ALU_X(BPF_ADD, 0, 3),
		EXIT),

	/* Numbers are no pointers, and pointers no numbers. */
	SECOND("r2: holds a number, not an address to load from", LDX(BPF_W, 3, 2, 0)),
	SECOND("r2: holds a number, not the frame pointer, to store by", INSN(0x7a, 2, 0, -8, 0)),
	SECOND("r1: holds the context, not a number", ALU(BPF_ADD, 1, 8)),
	SECOND("r1: holds the context, not a number", ALU_X(BPF_ADD, 1, 2)),
	SECOND("r1: holds the context, not a number", ALU_X(BPF_ADD, 2, 1)),
	SECOND("r1: holds the context, not a number", ALU_X(BPF_SUB, 1, 1)),
	SECOND("r1: holds the context, not a number", ALU(BPF_AND, 1, 0)),
	SECOND("r1: holds the context, not a number", ALU(BPF_NEG, 1, 0)),
	SECOND("r1: holds the context, not a number", END(BPF_TO_LE, 1, 64)),
	SECOND("r1: holds the context, not a number", ALU32_X(BPF_MOV, 2, 1)),
	SECOND("r1: holds the context, not a number", JMP(BPF_JEQ, 1, 0, 0)),
	SECOND("r1: holds the context, not a number", JMP_X(BPF_JGT, 2, 1, 0)),
	SECOND("r1: holds the context, not a number", JMP_X(BPF_JEQ, 1, 1, 0)),
	SECOND("r1: holds the context, not a number", JMP32(BPF_JSET, 1, 1, 0)),
	REFUSED("insn 1: r0: holds the context, not a number", MOV_X(0, 1), EXIT),
	REFUSED("insn 2: r0: holds table 3, not a number", TABLE(0, 3), EXIT),
	REFUSED("insn 4: r3: holds table 0, not a number",
		NUMBERS, TABLE(3, 0), ALU_X(BPF_XOR, 3, 3), EXIT),
	REFUSED("insn 4: r3: holds table 2, not a number",
		NUMBERS, TABLE(3, 2), JMP_X(BPF_JNE, 3, 2, 0), EXIT),
	REFUSED("insn 4: r3: holds table 1, not an address to load from",
		NUMBERS, TABLE(3, 1), LDX(BPF_DW, 0, 3, 0), EXIT),
	REFUSED("insn 4: r3: holds table 1, not the frame pointer, to store by",
		NUMBERS, TABLE(3, 1), INSN(0x7b, 3, 2, 0, 0), EXIT),
	SECOND("r1: holds the context, not the frame pointer, to store by",
	       INSN(0x7a, 1, 0, 16, 0)),
	SECOND("r1: holds the context, not the frame pointer, to store by",
	       INSN(0x63, 1, 2, 0, 0)),

	/* The frame pointer stays where it is. */
	SECOND("r10: is the frame pointer, not what can be copied", MOV_X(2, 10)),
	SECOND("r10: is the frame pointer, not a number", ALU32_X(BPF_MOV, 2, 10)),
	SECOND("r10: is the frame pointer, not a number", ALU_X(BPF_ADD, 2, 10)),
	SECOND("r10: is the frame pointer, not what can be copied", STX(BPF_DW, -8, 10)),
	SECOND("r10: is the frame pointer, not a number", JMP(BPF_JEQ, 10, 0, 0)),
	SECOND("r10: is the frame pointer, not a number", JMP_X(BPF_JEQ, 2, 10, 0)),

	/* The context: its bounds, and whole fields alone. */
	SECOND("r1: struct seccomp_data has no aligned 8 bytes at offset 64", LDX(BPF_DW, 2, 1, 64)),
	SECOND("r1: struct seccomp_data has no aligned 4 bytes at offset 64", LDX(BPF_W, 2, 1, 64)),
	SECOND("r1: struct seccomp_data has no aligned 2 bytes at offset 64", LDX(BPF_H, 2, 1, 64)),
	SECOND("r1: struct seccomp_data has no aligned 1 bytes at offset 64", LDX(BPF_B, 2, 1, 64)),
	SECOND("r1: struct seccomp_data has no aligned 8 bytes at offset 60", LDX(BPF_DW, 2, 1, 60)),
	SECOND("r1: struct seccomp_data has no aligned 8 bytes at offset 4", LDX(BPF_DW, 2, 1, 4)),
	SECOND("r1: struct seccomp_data has no aligned 4 bytes at offset 2", LDX(BPF_W, 2, 1, 2)),
	SECOND("r1: struct seccomp_data has no aligned 4 bytes at offset 63", LDX(BPF_W, 2, 1, 63)),
	SECOND("r1: struct seccomp_data has no aligned 2 bytes at offset 63", LDX(BPF_H, 2, 1, 63)),
	SECOND("r1: struct seccomp_data has no aligned 1 bytes at offset -1", LDX(BPF_B, 2, 1, -1)),
	SECOND("r1: struct seccomp_data has no aligned 8 bytes at offset -8", LDX(BPF_DW, 2, 1, -8)),
	SECOND("r1: struct seccomp_data has no aligned 4 bytes at offset -32768",
	       LDX(BPF_W, 2, 1, -32768)),
	SECOND("r1: struct seccomp_data has no aligned 4 bytes at offset 32764",
	       LDX(BPF_W, 2, 1, 32764)),

	/* The stack: its bounds. */
	SECOND("r10: the stack has no aligned 8 bytes at offset 0", ST(BPF_DW, 0, 0)),
	SECOND("r10: the stack has no aligned 1 bytes at offset 0", ST(BPF_B, 0, 0)),
	SECOND("r10: the stack has no aligned 8 bytes at offset 8", STX(BPF_DW, 8, 2)),
	SECOND("r10: the stack has no aligned 8 bytes at offset -4", ST(BPF_DW, -4, 0)),
	SECOND("r10: the stack has no aligned 4 bytes at offset -6", ST(BPF_W, -6, 0)),
	SECOND("r10: the stack has no aligned 2 bytes at offset -3", STX(BPF_H, -3, 2)),
	SECOND("r10: the stack has no aligned 8 bytes at offset -520", ST(BPF_DW, -520, 0)),
	SECOND("r10: the stack has no aligned 4 bytes at offset -516", ST(BPF_W, -516, 0)),
	SECOND("r10: the stack has no aligned 1 bytes at offset -513", ST(BPF_B, -513, 0)),
	SECOND("r10: the stack has no aligned 8 bytes at offset -32768", ST(BPF_DW, -32768, 0)),
	SECOND("r10: the stack has no aligned 8 bytes at offset 32760", FILL(BPF_DW, 2, 32760)),
	SECOND("r10: the stack has no aligned 4 bytes at offset 0", FILL(BPF_W, 2, 0)),
	SECOND("r10: the stack has no aligned 8 bytes at offset -520", FILL(BPF_DW, 2, -520)),

	/* The stack: written before it is read, on every way. */
	SECOND("r10: some of the 8 bytes at offset -8 may not be written",
	       FILL(BPF_DW, 2, -8)),
	SECOND("r10: some of the 1 bytes at offset -512 may not be written",
	       FILL(BPF_B, 2, -512)),
	REFUSED("insn 3: r10: some of the 8 bytes at offset -8 may not be written",
		NUMBERS, ST(BPF_W, -8, 0), FILL(BPF_DW, 2, -8), EXIT),
	REFUSED("insn 3: r10: some of the 4 bytes at offset -4 may not be written",
		NUMBERS, ST(BPF_W, -8, 0), FILL(BPF_W, 2, -4), EXIT),
	REFUSED("insn 4: r10: some of the 2 bytes at offset -2 may not be written",
		NUMBERS, ST(BPF_W, -8, 0), ST(BPF_B, -2, 0), FILL(BPF_H, 2, -2), EXIT),
	REFUSED("insn 3: r10: some of the 8 bytes at offset -16 may not be written",
		NUMBERS, ST(BPF_DW, -8, 0), FILL(BPF_DW, 2, -16), EXIT),
	REFUSED("insn 4: r10: some of the 8 bytes at offset -8 may not be written",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 1), ST(BPF_DW, -8, 0), FILL(BPF_DW, 2, -8), EXIT),
	REFUSED("insn 6: r10: some of the 8 bytes at offset -8 may not be written",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 2), ST(BPF_W, -8, 0), JA(1), ST(BPF_W, -4, 0),
		FILL(BPF_DW, 2, -8), EXIT),

	/* Pointers on the stack: whole, or not at all. */
	SECOND("r1: a pointer is stored with all its 8 bytes", STX(BPF_W, -8, 1)),
	SECOND("r1: a pointer is stored with all its 8 bytes", STX(BPF_H, -2, 1)),
	SECOND("r1: a pointer is stored with all its 8 bytes", STX(BPF_B, -1, 1)),
	REFUSED("insn 2: r3: a pointer is stored with all its 8 bytes",
		TABLE(3, 0), STX(BPF_W, -4, 3), EXIT),
	REFUSED("insn 1: r10: a part of the pointer at offset -8 is loaded",
		STX(BPF_DW, -8, 1), FILL(BPF_W, 0, -8), EXIT),
	REFUSED("insn 1: r10: a part of the pointer at offset -4 is loaded",
		STX(BPF_DW, -8, 1), FILL(BPF_W, 0, -4), EXIT),
	REFUSED("insn 1: r10: a part of the pointer at offset -1 is loaded",
		STX(BPF_DW, -8, 1), FILL(BPF_B, 0, -1), EXIT),
	REFUSED("insn 2: r0: holds the context, not a number",
		STX(BPF_DW, -8, 1), FILL(BPF_DW, 0, -8), EXIT),
	REFUSED("insn 2: r10: some of the 8 bytes at offset -8 may not be written",
		STX(BPF_DW, -8, 1), ST(BPF_B, -8, 0), FILL(BPF_DW, 0, -8), EXIT),
	REFUSED("insn 2: r10: some of the 4 bytes at offset -4 may not be written",
		STX(BPF_DW, -8, 1), ST(BPF_W, -8, 0), FILL(BPF_W, 0, -4), EXIT),
	REFUSED("insn 5: r10: some of the 8 bytes at offset -8 may not be written",
		NUMBERS, STX(BPF_DW, -8, 1), JMP(BPF_JEQ, 2, 0, 1), ST(BPF_DW, -8, 0),
		FILL(BPF_DW, 0, -8), EXIT),
	REFUSED("insn 7: r10: some of the 8 bytes at offset -8 may not be written",
		NUMBERS, STX(BPF_DW, -8, 1), JMP(BPF_JEQ, 2, 0, 3), TABLE(3, 0), STX(BPF_DW, -8, 3),
		FILL(BPF_DW, 0, -8), EXIT),

	/* Helpers: the right type of table in r1, numbers behind it. */
	SECOND("r1: holds the context, not a bitmap", CALL(1)),
	SECOND("r1: holds the context, not a hash map or a BPF map", CALL(2)),
	REFUSED("insn 1: r1: holds a number, not a bitmap", MOV(1, 0), CALL(1), EXIT),
	REFUSED("insn 2: r1: holds table 1, not a bitmap", TABLE(1, 1), CALL(1), EXIT),
	REFUSED("insn 2: r1: holds table 2, not a bitmap", TABLE(1, 2), CALL(1), EXIT),
	REFUSED("insn 2: r1: holds table 0, not a hash map or a BPF map", TABLE(1, 0), CALL(2),
		EXIT),
	REFUSED("insn 2: r2: holds nothing on some way, not a number", TABLE(1, 0), CALL(1), EXIT),
	REFUSED("insn 3: r2: holds the context, not a number",
		MOV_X(2, 1), TABLE(1, 0), CALL(1), EXIT),
	REFUSED("insn 4: r2: holds table 0, not a number",
		TABLE(1, 0), TABLE(2, 0), CALL(1), EXIT),
	REFUSED("insn 2: r2: holds nothing on some way, not a number", TABLE(1, 1), CALL(2), EXIT),
	REFUSED("insn 3: r3: holds nothing on some way, not a number",
		MOV(2, 0), TABLE(1, 1), CALL(2), EXIT),
	REFUSED("insn 4: r3: holds the context, not a number",
		MOV(2, 0), MOV_X(3, 1), TABLE(1, 2), CALL(2), EXIT),
	/* What a call leaves: r0, and r6 upwards. */
	REFUSED("insn 4: r1: holds nothing on some way, not a bitmap",
		MOV(2, 0), TABLE(1, 0), CALL(1), CALL(1), EXIT),
	REFUSED("insn 4: r2: holds nothing on some way, not what can be copied",
		MOV(2, 0), TABLE(1, 0), CALL(1), MOV_X(0, 2), EXIT),
	REFUSED("insn 6: r3: holds nothing on some way, not a number",
		MOV(3, 0), MOV(2, 0), TABLE(1, 0), CALL(1), MOV(4, 0), ALU_X(BPF_ADD, 0, 3), EXIT),
	REFUSED("insn 5: r4: holds nothing on some way, not a number",
		MOV(4, 0), MOV(2, 0), TABLE(1, 0), CALL(1), ALU_X(BPF_ADD, 0, 4), EXIT),
	REFUSED("insn 5: r5: holds nothing on some way, not a number",
		MOV(5, 0), MOV(2, 0), TABLE(1, 0), CALL(1), ALU_X(BPF_ADD, 0, 5), EXIT),
	/* One table on every way. */
	REFUSED("insn 6: r1: holds nothing on some way, not a hash map or a BPF map",
		LDX(BPF_W, 2, 1, 0), TABLE(1, 1), JMP(BPF_JEQ, 2, 0, 2), TABLE(1, 3),
		CALL(2), EXIT),
	REFUSED("insn 4: r1: holds nothing on some way, not an address to load from",
		NUMBERS, JMP(BPF_JEQ, 2, 0, 1), MOV(1, 0), LDX(BPF_W, 0, 1, 0), EXIT),
};

/* clang-format on */

/* The length that is given, or up to the last exit. */
static u32 length(const struct bpf_insn *insns, u32 given)
{
	u32 len = PROGRAM;

	if (given)
		return given;
	while (len > 1 && insns[len - 1].code != (BPF_JMP | BPF_EXIT))
		len--;
	return len;
}

static int verify(const struct bpf_insn *insns, u32 len, struct secmap_verify_facts *facts,
		  struct secmap_why *why)
{
	struct bpf_insn *copy = ebpf_copy(insns, len);
	size_t live = kernel.live;
	int err;

	*why = (struct secmap_why){ "" };
	err = secmap_verify(copy, len, program_types, PROGRAM_TABLES, facts, why);
	free(copy);
	assert_int_equal(kernel.live, live);
	return err;
}

static void test_refusals(void **state)
{
	struct secmap_verify_facts facts;
	struct secmap_why why;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		u32 len = length(refusal->insns, refusal->len);
		int err = verify(refusal->insns, len, &facts, &why);

		if (err != -EINVAL || strcmp(why.text, refusal->text))
			fail_msg("refusal %u: %d, \"%s\", not \"%s\"", i, err, why.text,
				 refusal->text);
		assert_int_equal(secmap_verify(refusal->insns, len, program_types, PROGRAM_TABLES,
					       &facts, NULL),
				 -EINVAL);
	}
	printf("%zu refusals\n", ARRAY_SIZE(refusals));
}

struct taken {
	u64 value; /* that it returns for the call below */
	struct secmap_verify_facts facts;
	struct bpf_insn insns[PROGRAM];
};

/* clang-format off */

#define TAKEN(value, stack, fields, cost, ...)	{ value, { stack, fields, cost }, { __VA_ARGS__ } }

static const struct seccomp_data call = {
	.nr = 5,
	.arch = AUDIT_ARCH_X86_64,
	.instruction_pointer = 0x7f0011223344,
	.args = { 0x1122334455667788, 64, 0, U64_MAX, 3, 0x0102030405060708 },
};

static const struct taken taken[] = {
	TAKEN(7, 0, 0, 2, MOV(0, 7), EXIT),
	TAKEN(7, 0, 0, 2, ALU32(BPF_MOV, 0, 7), EXIT),
	TAKEN(0xffffffff, 0, 0, 2, MOV(0, -1), EXIT),
	TAKEN(0x7fff0000, 0, 0, 2, LONG(0, 0x7fff0000, 1), EXIT),
	/* Fields, each size, first and last. */
	TAKEN(5, 0, 0x0001, 2, LDX(BPF_W, 0, 1, 0), EXIT),
	TAKEN(AUDIT_ARCH_X86_64, 0, 0x0002, 2, LDX(BPF_W, 0, 1, 4), EXIT),
	TAKEN(5, 0, 0x0003, 2, LDX(BPF_DW, 0, 1, 0), EXIT),
	TAKEN(0x11223344, 0, 0x000c, 2, LDX(BPF_DW, 0, 1, 8), EXIT),
	TAKEN(0x11223344, 0, 0x0020, 2, LDX(BPF_W, 0, 1, 20), EXIT),
	TAKEN(0x5566, 0, 0x0010, 2, LDX(BPF_H, 0, 1, 18), EXIT),
	TAKEN(0x05060708, 0, 0xc000, 2, LDX(BPF_DW, 0, 1, 56), EXIT),
	TAKEN(0x01020304, 0, 0x8000, 2, LDX(BPF_W, 0, 1, 60), EXIT),
	TAKEN(0x0102, 0, 0x8000, 2, LDX(BPF_H, 0, 1, 62), EXIT),
	TAKEN(0x01, 0, 0x8000, 2, LDX(BPF_B, 0, 1, 63), EXIT),
	TAKEN(69, 0, 0x00c1, 4, LDX(BPF_W, 0, 1, 0), LDX(BPF_DW, 2, 1, 24), ALU_X(BPF_ADD, 0, 2),
	      EXIT),
	/* Copies of the context: in another register, on the stack, the first one gone. */
	TAKEN(5, 0, 0x0001, 4, MOV_X(6, 1), MOV(1, 0), LDX(BPF_W, 0, 6, 0), EXIT),
	TAKEN(5, 8, 0x0001, 8, STX(BPF_DW, -8, 1), MOV(1, 0), FILL(BPF_DW, 2, -8),
	      LDX(BPF_W, 0, 2, 0), EXIT),
	TAKEN(5, 0, 0x0001, 3, MOV_X(1, 1), LDX(BPF_W, 0, 1, 0), EXIT),
	/* The stack: each size, both ends, from parts. */
	TAKEN(9, 8, 0, 6, ST(BPF_DW, -8, 9), FILL(BPF_DW, 0, -8), EXIT),
	TAKEN(9, 512, 0, 6, ST(BPF_DW, -512, 9), FILL(BPF_DW, 0, -512), EXIT),
	TAKEN(9, 512, 0, 6, ST(BPF_B, -512, 9), FILL(BPF_B, 0, -512), EXIT),
	TAKEN(9, 8, 0, 6, ST(BPF_B, -1, 9), FILL(BPF_B, 0, -1), EXIT),
	TAKEN(9, 16, 0, 6, ST(BPF_W, -12, 9), FILL(BPF_W, 0, -12), EXIT),
	TAKEN(0x00090008, 8, 0, 10, ST(BPF_H, -6, 9), ST(BPF_H, -8, 8), FILL(BPF_W, 0, -8), EXIT),
	TAKEN(1, 8, 0, 11, ST(BPF_W, -4, 2), ST(BPF_W, -8, 1), FILL(BPF_DW, 0, -8),
	      ALU(BPF_AND, 0, -1), EXIT),
	TAKEN(0xff, 8, 0, 6, ST(BPF_DW, -8, -1), FILL(BPF_B, 0, -3), EXIT),
	/* Over a pointer: what is written is there. */
	TAKEN(3, 8, 0, 10, STX(BPF_DW, -8, 1), ST(BPF_W, -8, 3), FILL(BPF_W, 0, -8), EXIT),
	TAKEN(3, 8, 0, 10, STX(BPF_DW, -8, 1), ST(BPF_DW, -8, 3), FILL(BPF_W, 0, -8), EXIT),
	TAKEN(5, 8, 1, 11, ST(BPF_DW, -8, 3), STX(BPF_DW, -8, 1), FILL(BPF_DW, 6, -8),
	      LDX(BPF_W, 0, 6, 0), EXIT),
	/* Written on both ways. */
	TAKEN(2, 8, 1, 9, LDX(BPF_W, 2, 1, 0), JMP(BPF_JEQ, 2, 5, 2), ST(BPF_DW, -8, 1), JA(1),
	      ST(BPF_DW, -8, 2), FILL(BPF_W, 0, -8), EXIT),
	TAKEN(2, 8, 1, 12, LDX(BPF_W, 2, 1, 0), ST(BPF_W, -8, 2), JMP(BPF_JEQ, 2, 5, 1),
	      ST(BPF_W, -4, 1), FILL(BPF_W, 0, -8), EXIT),
	/* Set on both ways; the same pointer on both ways. */
	TAKEN(1, 0, 1, 4, LDX(BPF_W, 2, 1, 0), JMP(BPF_JNE, 2, 5, 2), MOV(0, 1), EXIT, MOV(0, 2),
	      EXIT),
	TAKEN(5, 0, 1, 5, LDX(BPF_W, 2, 1, 0), JMP(BPF_JNE, 2, 5, 1), MOV_X(1, 1),
	      LDX(BPF_W, 0, 1, 0), EXIT),
	/* The longest way is not the one to the last exit. */
	TAKEN(1, 0, 1, 7, LDX(BPF_W, 2, 1, 0), MOV(0, 1), JMP(BPF_JEQ, 2, 5, 4), MOV(2, 1),
	      MOV(2, 1), MOV(2, 1), EXIT, EXIT),
	/* A jump to the next, twice the same target, a long way. */
	TAKEN(1, 0, 0, 3, MOV(0, 1), JA(0), EXIT),
	TAKEN(1, 0, 0, 3, MOV(0, 1), JMP(BPF_JEQ, 0, 1, 0), EXIT),
	TAKEN(1, 0, 0, 4, MOV(0, 1), JMP(BPF_JEQ, 0, 1, 1), JMP32(BPF_JEQ, 0, 1, 0), EXIT),
	TAKEN(1, 0, 0, 10, MOV(0, 1), JMP(BPF_JEQ, 0, 1, 7), MOV(2, 1), MOV(2, 1), MOV(2, 1),
	      MOV(2, 1), MOV(2, 1), MOV(2, 1), MOV(0, 2), EXIT),
	/* Tables. */
	TAKEN(1, 0, 1, 3 + SECMAP_COST_LOOKUP, LDX(BPF_W, 2, 1, 0), TABLE(1, TABLE_BITS), CALL(1),
	      EXIT),
	TAKEN(4, 0, 1, 4 + SECMAP_COST_LOOKUP, LDX(BPF_W, 2, 1, 0), MOV(3, 9), TABLE(1, TABLE_HASH),
	      CALL(2), EXIT),
	TAKEN(9, 0, 0, 4 + SECMAP_COST_LOOKUP, MOV(2, 4), MOV(3, 9), TABLE(1, TABLE_SET), CALL(2),
	      EXIT),
	TAKEN(9, 0, 0, 4 + SECMAP_COST_LOOKUP, MOV(2, 5), MOV(3, 9), TABLE(1, TABLE_BPF), CALL(2),
	      EXIT),
	TAKEN(1, 8, 0, 10 + 2 * SECMAP_COST_LOOKUP, TABLE(6, TABLE_BITS), STX(BPF_DW, -8, 6),
	      MOV(2, 1), MOV_X(1, 6), CALL(1), MOV_X(2, 0), FILL(BPF_DW, 1, -8), CALL(1), EXIT),
	TAKEN(1, 0, 1, 4 + SECMAP_COST_LOOKUP, LDX(BPF_W, 2, 1, 0), TABLE(1, TABLE_BITS),
	      JMP(BPF_JEQ, 2, 0, 0), CALL(1), EXIT),
	/* What a call leaves. */
	TAKEN(5, 0, 1, 6 + SECMAP_COST_LOOKUP, MOV_X(9, 1), MOV(2, 0), TABLE(1, TABLE_BITS),
	      CALL(1), LDX(BPF_W, 0, 9, 0), MOV(1, 0), EXIT),
	/* A table that is not looked into, one that is forgotten where ways meet. */
	TAKEN(7, 0, 0, 3, TABLE(5, TABLE_BPF), MOV(0, 7), EXIT),
	TAKEN(7, 0, 1, 6, LDX(BPF_W, 2, 1, 0), TABLE(3, 0), JMP(BPF_JEQ, 2, 0, 2), TABLE(3, 1),
	      MOV(0, 7), EXIT),
	/* Division by a register that is 0, shifts by one that is too large: defined. */
	TAKEN(0, 0, 0, 7, MOV(0, 7), MOV(2, 0), ALU_X(BPF_DIV, 0, 2), EXIT),
	TAKEN(7, 0, 0, 7, MOV(0, 7), MOV(2, 0), ALU_X(BPF_MOD, 0, 2), EXIT),
	TAKEN(14, 0, 0, 4, MOV(0, 7), MOV(2, 65), ALU_X(BPF_LSH, 0, 2), EXIT),
	TAKEN(14, 0, 0, 4, MOV(0, 7), MOV(2, 33), ALU32_X(BPF_LSH, 0, 2), EXIT),
	TAKEN(0x0700, 0, 0, 3, MOV(0, 7), END(BPF_TO_BE, 0, 16), EXIT),
	TAKEN(7, 0, 0, 3, MOV(0, 7), END(BPF_TO_LE, 0, 64), EXIT),
	TAKEN(-7U, 0, 0, 3, MOV(0, 7), ALU(BPF_NEG, 0, 0), EXIT),
};

/* clang-format on */

static void test_taken(void **state)
{
	struct secmap_verify_facts facts;
	struct secmap_why why;
	u32 i, value;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		const struct taken *one = &taken[i];
		u32 len = length(one->insns, 0);
		struct secmap_interpreter run = program_interpreter(one->insns, len, NULL);

		if (verify(one->insns, len, &facts, &why))
			fail_msg("program %u: %s", i, why.text);
		if (facts.stack != one->facts.stack || facts.fields != one->facts.fields ||
		    facts.cost != one->facts.cost)
			fail_msg("program %u: stack %u, fields %#x, cost %u", i, facts.stack,
				 facts.fields, facts.cost);
		if (secmap_interpret(&run, &call, &value, &why))
			fail_msg("program %u runs: %s", i, why.text);
		if (value != (u32)one->value)
			fail_msg("program %u: %#x", i, value);
	}
	program_tables_free();
	printf("%zu programs that are taken\n", ARRAY_SIZE(taken));
}

/* All that there is, by its number. */
static const u8 opcodes[] = {
	/* ALU64, K and X; no X of neg, no end */
	0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77,
	0x7f, 0x87, 0x97, 0x9f, 0xa7, 0xaf, 0xb7, 0xbf, 0xc7, 0xcf,
	/* ALU, and end */
	0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74,
	0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0xb4, 0xbc, 0xc4, 0xcc, 0xd4, 0xdc,
	/* JMP: ja, call, exit, and the comparisons */
	0x05, 0x85, 0x95, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x55, 0x5d, 0x65, 0x6d,
	0x75, 0x7d, 0xa5, 0xad, 0xb5, 0xbd, 0xc5, 0xcd, 0xd5, 0xdd,
	/* JMP32 */
	0x16, 0x1e, 0x26, 0x2e, 0x36, 0x3e, 0x46, 0x4e, 0x56, 0x5e, 0x66, 0x6e, 0x76, 0x7e, 0xa6,
	0xae, 0xb6, 0xbe, 0xc6, 0xce, 0xd6, 0xde,
	/* LDX, ST, STX: word, half-word, byte, double word; LD_IMM64 */
	0x61, 0x69, 0x71, 0x79, 0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0x18
};

/* Of all opcodes these are there, and the others are refused as such. */
static void test_opcodes(void **state)
{
	struct secmap_verify_facts facts;
	struct secmap_why why;
	char text[64];
	u32 code;

	(void)state;
	for (code = 0; code < 256; code++) {
		const struct bpf_insn insns[] = { INSN(code, 0, 0, 0, 0), EXIT };
		bool there = memchr(opcodes, code, sizeof(opcodes));

		verify(insns, 2, &facts, &why);
		snprintf(text, sizeof(text), "insn 0: opcode 0x%02x is not of the subset", code);
		if (!strcmp(why.text, text) == there)
			fail_msg("opcode 0x%02x: %s", code, why.text);
	}
}

static void test_lengths(void **state)
{
	static struct bpf_insn insns[SECMAP_LIMIT_INSNS + 1];
	struct secmap_verify_facts facts = { 0 };
	u8 types[SECMAP_LIMIT_TABLES + 1] = { 0 };
	struct secmap_why why;
	u32 i;

	(void)state;
	for (i = 0; i < SECMAP_LIMIT_INSNS; i++)
		insns[i] = (struct bpf_insn)MOV(0, 1);
	insns[SECMAP_LIMIT_INSNS - 1] = (struct bpf_insn)EXIT;
	insns[SECMAP_LIMIT_INSNS] = (struct bpf_insn)EXIT;
	assert_int_equal(verify(insns, SECMAP_LIMIT_INSNS, &facts, &why), 0);
	assert_int_equal(facts.cost, SECMAP_LIMIT_INSNS);
	assert_int_equal(verify(insns, SECMAP_LIMIT_INSNS + 1, &facts, &why), -EINVAL);
	assert_string_equal(why.text, "a program of 4097 instructions is not 1 ... 4096");
	assert_int_equal(verify(insns, 0, &facts, &why), -EINVAL);
	assert_string_equal(why.text, "a program of 0 instructions is not 1 ... 4096");

	/* The last table that can be named, and no more tables than that. */
	insns[0] = (struct bpf_insn){ .code = 0x18, .dst_reg = 1, .src_reg = 5, .imm = 255 };
	insns[1] = (struct bpf_insn){ 0 };
	insns[2] = (struct bpf_insn)MOV(2, 0);
	insns[3] = (struct bpf_insn)CALL(1);
	insns[4] = (struct bpf_insn)EXIT;
	assert_int_equal(secmap_verify(insns, 5, types, SECMAP_LIMIT_TABLES, &facts, &why), 0);
	types[255] = SECMAP_TABLE_HASH;
	assert_int_equal(secmap_verify(insns, 5, types, SECMAP_LIMIT_TABLES, &facts, &why),
			 -EINVAL);
	assert_string_equal(why.text, "insn 3: r1: holds table 255, not a bitmap");
	/* A type that nobody knows is good for nothing. */
	types[255] = 4;
	assert_int_equal(secmap_verify(insns, 5, types, SECMAP_LIMIT_TABLES, &facts, &why),
			 -EINVAL);
	assert_int_equal(secmap_verify(insns, 5, types, 257, &facts, &why), -EINVAL);
	assert_string_equal(why.text, "257 tables are above the limit of 256");
	assert_int_equal(kernel.live, 0);
}

/* What a look-up costs goes by the table; of two ways the dearer one counts. */
static void test_trie(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 2, 1, 0), MOV(3, 0), JMP(BPF_JEQ, 2, 0, 4),
		TABLE(1, 0),	     CALL(2),	EXIT,
		TABLE(1, 1),	     CALL(2),	EXIT,
	};
	static const u8 pairs[][2] = {
		{ SECMAP_TABLE_BPF_TRIE, SECMAP_TABLE_HASH },
		{ SECMAP_TABLE_BPF, SECMAP_TABLE_BPF_TRIE },
		{ SECMAP_TABLE_BPF, SECMAP_TABLE_HASH },
	};
	struct secmap_verify_facts facts;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(secmap_verify(insns, ARRAY_SIZE(insns), pairs[i], 2, &facts, NULL),
				 0);
		assert_int_equal(facts.cost, 5 + (i < 2 ? SECMAP_COST_TRIE : SECMAP_COST_LOOKUP));
	}
}

/* Each allocation fails once; nothing is left behind, and the facts are not touched. */
static void test_memory(void **state)
{
	static const struct bpf_insn insns[] = { MOV(0, 0), JA(0), EXIT };
	struct secmap_verify_facts facts = { 1, 2, 3 };
	struct secmap_why why;
	size_t n;

	(void)state;
	for (n = 1;; n++) {
		int err;

		kernel_reset();
		kernel.fail_at = n;
		err = verify(insns, 3, &facts, &why);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_string_equal(why.text, "no memory for 3 instructions");
		assert_true(facts.stack == 1 && facts.fields == 2 && facts.cost == 3);
	}
	assert_int_equal(n, 3);
	kernel_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_taken),
		cmocka_unit_test(test_opcodes),	 cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_trie),	 cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
