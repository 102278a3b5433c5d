/* SPDX-License-Identifier: GPL-2.0-only */
/* Classic BPF, decoded: what the module's check and interpreter are compared with. */
#ifndef _TESTS_UNIT_DECODED_H
#define _TESTS_UNIT_DECODED_H

#include "kernel.h"

#define DECODED_OPCODES 41
#define DECODED_MAX	4096

/* A row of the dialect, written down as numbers and letters. */
struct decoded_opcode {
	u16 code;
	char kind; /* see decoded.c; small: A, or a constant; capital: X */
	char op;   /* of arithmetic and comparisons */
};

extern const struct decoded_opcode decoded_opcodes[DECODED_OPCODES];

/* An instruction that knows where it leads. */
struct decoded {
	const struct decoded_opcode *opcode;
	u32 k;
	const struct decoded *yes; /* what comes next; NULL: nothing */
	const struct decoded *no;  /* where a comparison fails */
	u32 lacks;		   /* slots that some way here has not stored to */
};

/* The row of an opcode, or NULL. */
const struct decoded_opcode *decoded_opcode(u16 code);

/* Decode a program; false: it is not valid. */
bool decode(const struct sock_filter *filter, u32 len, struct decoded *to);

u32 decoded_run(const struct decoded *first, const struct seccomp_data *call);

#endif
