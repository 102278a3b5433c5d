// SPDX-License-Identifier: GPL-2.0-only
/* Random programs of classic BPF, and calls for them. */
#include "program.h"
#include "seed.h"

#define SLOTS 4 /* most programs use so many */

/* A constant that calls have, too. */
static u32 random_constant(void)
{
	static const u32 archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, 0x40000000 };

	switch (seed_below(4)) {
	case 0:
		return archs[seed_below(ARRAY_SIZE(archs))];
	case 1:
		return seed_edge();
	default:
		return seed_below(6);
	}
}

static u32 random_skip(u32 follow)
{
	u32 most = follow - 1 < 255 ? follow - 1 : 255;

	/* Mostly near: or the program is soon at its end. */
	if (!seed_once_in(8) && most > 3)
		most = 3;
	return seed_below(most + 1);
}

static struct sock_filter random_load(void)
{
	static const u16 codes[] = { BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LD | BPF_W | BPF_LEN,
				     BPF_LDX | BPF_W | BPF_LEN };
	u32 word = seed_once_in(2) ? seed_below(2) : seed_below(16);

	if (seed_once_in(3))
		return (struct sock_filter)BPF_STMT(codes[seed_below(ARRAY_SIZE(codes))],
						    random_constant());
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, word * 4);
}

static struct sock_filter random_memory(void)
{
	static const u16 codes[] = { BPF_ST, BPF_STX, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM };
	u32 slot = seed_once_in(8) ? seed_below(BPF_MEMWORDS) : seed_below(SLOTS);

	return (struct sock_filter)BPF_STMT(codes[seed_below(ARRAY_SIZE(codes))], slot);
}

static struct sock_filter random_alu(void)
{
	static const u16 ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,
				   BPF_AND, BPF_LSH, BPF_RSH, BPF_NEG, BPF_XOR };
	u16 op = ops[seed_below(ARRAY_SIZE(ops))];
	u32 k = random_constant();

	if (seed_once_in(6))
		return (struct sock_filter)BPF_STMT(
			BPF_MISC | (seed_once_in(2) ? BPF_TAX : BPF_TXA), k);
	if (op != BPF_NEG && seed_once_in(2))
		return (struct sock_filter)BPF_STMT(BPF_ALU | op | BPF_X, k);
	if (op == BPF_DIV && !k)
		k = 3;
	if (op == BPF_LSH || op == BPF_RSH)
		k %= 32;
	return (struct sock_filter)BPF_STMT(BPF_ALU | op, k);
}

static struct sock_filter random_jump(u32 follow)
{
	static const u16 ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	u16 code = BPF_JMP | ops[seed_below(ARRAY_SIZE(ops))];

	if (seed_once_in(6))
		return (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, random_skip(follow));
	if (seed_once_in(4))
		code |= BPF_X;
	return (struct sock_filter)BPF_JUMP(code, random_constant(), random_skip(follow),
					    random_skip(follow));
}

static struct sock_filter random_return(void)
{
	if (seed_once_in(3))
		return (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, seed_next());
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, seed_next());
}

void program_random(struct sock_filter *filter, u32 len)
{
	u32 stored = seed_below(SLOTS + 1), pc;

	for (pc = 0; pc < len - 1; pc++) {
		u32 what = seed_below(16);

		if (pc < stored * 2 && len > stored * 4)
			filter[pc] = pc % 2 ? (struct sock_filter)BPF_STMT(BPF_ST, pc / 2) :
					      random_load();
		else if (what < 4)
			filter[pc] = random_load();
		else if (what < 6)
			filter[pc] = random_memory();
		else if (what < 10)
			filter[pc] = random_alu();
		else if (what < 15)
			filter[pc] = random_jump(len - pc - 1);
		else
			filter[pc] = random_return();
	}
	filter[pc] = random_return();
}

void program_break(struct sock_filter *filter, u32 len)
{
	struct sock_filter *insn = &filter[seed_below(len)];

	switch (seed_below(5)) {
	case 0:
		insn->code ^= 1U << seed_below(seed_once_in(8) ? 16 : 8);
		break;
	case 1:
		insn->k = seed_edge();
		break;
	case 2:
		insn->jt = seed_next();
		break;
	case 3:
		insn->jf = seed_below(len + 2);
		break;
	default:
		*insn = filter[seed_below(len)];
		break;
	}
}

struct sock_filter *program_copy(const struct sock_filter *filter, u32 len)
{
	struct sock_filter *copy = malloc(len * sizeof(*copy));

	if (!copy)
		abort();
	memcpy(copy, filter, len * sizeof(*copy));
	return copy;
}

void program_call(struct seccomp_data *call)
{
	u32 i;

	*call = (struct seccomp_data){
		.nr = seed_once_in(8) ? random_constant() : seed_below(6),
		.arch = seed_once_in(8) ? random_constant() :
			seed_once_in(2) ? AUDIT_ARCH_I386 :
					  AUDIT_ARCH_X86_64,
		.instruction_pointer = seed_next(),
	};
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		call->args[i] = seed_once_in(2) ? seed_edge() :
						  random_constant() | (u64)random_constant() << 32;
}
