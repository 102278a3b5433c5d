// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/* Classic BPF as seccomp(2) takes it: checked, translated for the kernel, and run. */
#include "cbpf.h"
#include "insn.h"
#include "kernel.h"

/* What can be wrong with an instruction, or must be known of it. */
enum cbpf_kind {
	CBPF_REFUSED,
	CBPF_PLAIN,  /* nothing */
	CBPF_DATA,   /* loads the word of struct seccomp_data at k */
	CBPF_LENGTH, /* loads its size */
	CBPF_LOAD,   /* loads slot k of the memory */
	CBPF_STORE,  /* stores to it */
	CBPF_DIVIDE, /* by k */
	CBPF_SHIFT,  /* by k */
	CBPF_JUMP,   /* over k instructions */
	CBPF_BRANCH, /* over jt or jf instructions */
	CBPF_RETURN,
};

/* The dialect. What BPF has beyond it: half-words, bytes, indexed loads, the remainder. */
static const u8 cbpf_kinds[] = {
	[BPF_LD | BPF_W | BPF_ABS] = CBPF_DATA,
	[BPF_LD | BPF_W | BPF_LEN] = CBPF_LENGTH,
	[BPF_LDX | BPF_W | BPF_LEN] = CBPF_LENGTH,
	[BPF_LD | BPF_IMM] = CBPF_PLAIN,
	[BPF_LDX | BPF_IMM] = CBPF_PLAIN,
	[BPF_LD | BPF_MEM] = CBPF_LOAD,
	[BPF_LDX | BPF_MEM] = CBPF_LOAD,
	[BPF_ST] = CBPF_STORE,
	[BPF_STX] = CBPF_STORE,
	[BPF_MISC | BPF_TAX] = CBPF_PLAIN,
	[BPF_MISC | BPF_TXA] = CBPF_PLAIN,

	[BPF_ALU | BPF_ADD | BPF_K] = CBPF_PLAIN,
	[BPF_ALU | BPF_ADD | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_SUB | BPF_K] = CBPF_PLAIN,
	[BPF_ALU | BPF_SUB | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_MUL | BPF_K] = CBPF_PLAIN,
	[BPF_ALU | BPF_MUL | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_DIV | BPF_K] = CBPF_DIVIDE,
	[BPF_ALU | BPF_DIV | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_OR | BPF_K] = CBPF_PLAIN,
	[BPF_ALU | BPF_OR | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_AND | BPF_K] = CBPF_PLAIN,
	[BPF_ALU | BPF_AND | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_XOR | BPF_K] = CBPF_PLAIN,
	[BPF_ALU | BPF_XOR | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_LSH | BPF_K] = CBPF_SHIFT,
	[BPF_ALU | BPF_LSH | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_RSH | BPF_K] = CBPF_SHIFT,
	[BPF_ALU | BPF_RSH | BPF_X] = CBPF_PLAIN,
	[BPF_ALU | BPF_NEG] = CBPF_PLAIN,

	[BPF_JMP | BPF_JA] = CBPF_JUMP,
	[BPF_JMP | BPF_JEQ | BPF_K] = CBPF_BRANCH,
	[BPF_JMP | BPF_JEQ | BPF_X] = CBPF_BRANCH,
	[BPF_JMP | BPF_JGT | BPF_K] = CBPF_BRANCH,
	[BPF_JMP | BPF_JGT | BPF_X] = CBPF_BRANCH,
	[BPF_JMP | BPF_JGE | BPF_K] = CBPF_BRANCH,
	[BPF_JMP | BPF_JGE | BPF_X] = CBPF_BRANCH,
	[BPF_JMP | BPF_JSET | BPF_K] = CBPF_BRANCH,
	[BPF_JMP | BPF_JSET | BPF_X] = CBPF_BRANCH,

	[BPF_RET | BPF_K] = CBPF_RETURN,
	[BPF_RET | BPF_A] = CBPF_RETURN,
};

static enum cbpf_kind cbpf_kind(const struct sock_filter *insn)
{
	return insn->code < ARRAY_SIZE(cbpf_kinds) ? cbpf_kinds[insn->code] : CBPF_REFUSED;
}

/* Is this the offset of a word in struct seccomp_data? */
static bool cbpf_is_word(u32 offset)
{
	return offset < sizeof(struct seccomp_data) && offset % sizeof(u32) == 0;
}

/**
 * secmap_cbpf_check() - hold a program to the dialect, and translate it for the kernel
 * @filter: the program, which the kernel's own checks of classic BPF have passed
 * @len: number of its instructions
 *
 * A bpf_aux_classic_check_t for bpf_prog_create_from_user(). A load of a word of struct
 * seccomp_data becomes the one instruction that only this dialect has, and the length a
 * constant. secmap_cbpf_valid() refuses the same programs, and more, with a reason.
 *
 * Return: 0, or -EINVAL; the program may be half translated then.
 */
int secmap_cbpf_check(struct sock_filter *filter, unsigned int len)
{
	struct sock_filter *insn;

	for (insn = filter; insn < filter + len; insn++) {
		switch (cbpf_kind(insn)) {
		case CBPF_REFUSED:
			return -EINVAL;
		case CBPF_DATA:
			if (!cbpf_is_word(insn->k))
				return -EINVAL;
			insn->code = BPF_LDX | BPF_W | BPF_ABS;
			break;
		case CBPF_LENGTH:
			insn->code = BPF_CLASS(insn->code) | BPF_IMM;
			insn->k = sizeof(struct seccomp_data);
			break;
		default:
			break;
		}
	}
	return 0;
}

/* The program that is being looked at, and where in it we are, for the sentence. */
struct cbpf_place {
	const struct sock_filter *filter;
	u32 len;
	u32 pc;
	struct secmap_why *why;
};

/* As secmap_refuse(), the sentence beginning with the instruction. */
static __printf(2, 3) int refuse(const struct cbpf_place *place, const char *fmt, ...)
{
	u32 code = place->filter[place->pc].code;
	struct secmap_why *why = place->why;
	va_list args;
	int length;

	if (!why)
		return -EINVAL;
	length = snprintf(why->text, sizeof(why->text),
			  "instruction %u, opcode 0x%02x: ", place->pc, code);
	va_start(args, fmt);
	vsnprintf(why->text + length, sizeof(why->text) - length, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* All jumps are forward; they must leave an instruction to go on with. */
static int cbpf_check_skip(const struct cbpf_place *place, u32 skip)
{
	u32 follow = place->len - place->pc - 1;

	if (skip >= follow)
		return refuse(place, "jumps over %u instructions, but only %u follow", skip,
			      follow);
	return 0;
}

/* An instruction by itself: what is wrong wherever it is. */
static int cbpf_check_insn(const struct cbpf_place *place)
{
	const struct sock_filter *insn = &place->filter[place->pc];
	int err;

	switch (cbpf_kind(insn)) {
	case CBPF_REFUSED:
		return refuse(place, "seccomp(2) has no such instruction");
	case CBPF_DATA:
		if (!cbpf_is_word(insn->k))
			return refuse(place, "struct seccomp_data has no word at offset %u",
				      insn->k);
		return 0;
	case CBPF_LOAD:
	case CBPF_STORE:
		if (insn->k >= BPF_MEMWORDS)
			return refuse(place, "memory slot %u is above %u", insn->k,
				      BPF_MEMWORDS - 1);
		return 0;
	case CBPF_DIVIDE:
		if (!insn->k)
			return refuse(place, "divides by 0");
		return 0;
	case CBPF_SHIFT:
		if (insn->k >= 32)
			return refuse(place, "shifts by %u, which is above 31", insn->k);
		return 0;
	case CBPF_JUMP:
		return cbpf_check_skip(place, insn->k);
	case CBPF_BRANCH:
		err = cbpf_check_skip(place, insn->jt);
		return err ? err : cbpf_check_skip(place, insn->jf);
	default:
		return 0;
	}
}

/*
 * No slot is loaded that some way to the load has not stored to. As in the kernel, a
 * return does not end a way: what stands behind it counts as reached from there, too.
 * What cannot be reached at all may load anything.
 *
 * @lacks: by instruction, the slots that some jump to it has not stored to; all 0
 */
static int cbpf_check_slots(struct cbpf_place *place, u16 *lacks)
{
	u16 lack = U16_MAX;

	for (place->pc = 0; place->pc < place->len; place->pc++) {
		const struct sock_filter *insn = &place->filter[place->pc];
		u16 *behind = &lacks[place->pc] + 1;

		lack |= lacks[place->pc];
		switch (cbpf_kind(insn)) {
		case CBPF_STORE:
			lack &= ~(1U << insn->k);
			break;
		case CBPF_LOAD:
			if (lack & 1U << insn->k)
				return refuse(place, "memory slot %u may not have been stored to",
					      insn->k);
			break;
		case CBPF_JUMP:
			behind[insn->k] |= lack;
			lack = 0;
			break;
		case CBPF_BRANCH:
			behind[insn->jt] |= lack;
			behind[insn->jf] |= lack;
			lack = 0;
			break;
		default:
			break;
		}
	}
	return 0;
}

/**
 * secmap_cbpf_valid() - would seccomp(2) take this program?
 * @filter: the program
 * @len: number of its instructions
 * @why: where the reason goes, or NULL
 *
 * The kernel's own checks of classic BPF, and those of seccomp's dialect. Called in process
 * context: allocates.
 *
 * Return:
 * * 0		- it would
 * * -EINVAL	- it would not; @why names the instruction, counted from 0, and its opcode
 * * -ENOMEM	- no memory
 */
int secmap_cbpf_valid(const struct sock_filter *filter, u32 len, struct secmap_why *why)
{
	struct cbpf_place place = { .filter = filter, .len = len, .why = why };
	u16 *lacks;
	int err;

	if (!len || len > SECMAP_LIMIT_INSNS)
		return secmap_refuse(why, -EINVAL, "a program of %u instructions is not 1 ... %u",
				     len, SECMAP_LIMIT_INSNS);
	for (place.pc = 0; place.pc < len; place.pc++) {
		err = cbpf_check_insn(&place);
		if (err)
			return err;
	}
	place.pc = len - 1;
	if (cbpf_kind(&filter[place.pc]) != CBPF_RETURN)
		return refuse(&place, "the last instruction is not a return");

	lacks = secmap_alloc(len * sizeof(*lacks));
	if (!lacks)
		return secmap_refuse(why, -ENOMEM, "no memory for %u instructions", len);
	err = cbpf_check_slots(&place, lacks);
	secmap_release(lacks);
	return err;
}

/* What an instruction of class LD or LDX loads. */
static u32 cbpf_load(const struct sock_filter *insn, const u32 *slots,
		     const struct seccomp_data *data)
{
	u32 word;

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		memcpy(&word, (const u8 *)data + insn->k, sizeof(word));
		return word;
	case BPF_LEN:
		return sizeof(*data);
	case BPF_MEM:
		return slots[insn->k];
	default: /* BPF_IMM */
		return insn->k;
	}
}

/**
 * secmap_cbpf_run() - what a program returns for a call
 * @filter: the program: valid, and not translated by secmap_cbpf_check()
 * @len: number of its instructions
 * @data: the call
 *
 * The module has the kernel run programs; this is for those who do not have it at hand.
 * A division by X when that is 0 ends the program with 0, which is KILL_THREAD.
 *
 * Return: SECCOMP_RET_* with its data, or whatever else it returns.
 */
u32 secmap_cbpf_run(const struct sock_filter *filter, u32 len, const struct seccomp_data *data)
{
	u32 slots[BPF_MEMWORDS] = { 0 };
	u32 a = 0, x = 0, pc;

	for (pc = 0; pc < len; pc++) {
		const struct sock_filter *insn = &filter[pc];
		u32 operand = insn_has_x(insn) ? x : insn->k;

		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
			a = cbpf_load(insn, slots, data);
			break;
		case BPF_LDX:
			x = cbpf_load(insn, slots, data);
			break;
		case BPF_ST:
			slots[insn->k] = a;
			break;
		case BPF_STX:
			slots[insn->k] = x;
			break;
		case BPF_ALU:
			if (insn_divides(insn) && !operand)
				return 0;
			a = insn_compute(insn, a, operand);
			break;
		case BPF_JMP:
			pc += BPF_OP(insn->code) == BPF_JA ? insn->k :
							     insn_branch(insn, a, operand);
			break;
		case BPF_RET:
			return BPF_RVAL(insn->code) == BPF_A ? a : insn->k;
		default: /* BPF_MISC */
			if (BPF_MISCOP(insn->code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
	}
	/* A valid program ends with a return. Fail closed: KILL_THREAD. */
	return 0;
}
