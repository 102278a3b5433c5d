// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Prediction: a program is run with the number and the ABI of a call, and nothing else. What
 * comes from its arguments, or from its place in the program, is unknown, and so is what is
 * computed from that. Where the program's way depends on it we give up.
 */
#include "insn.h"
#include "kernel.h"
#include "predict.h"

/* Where values are: in slots of the memory, in A, in X. */
#define PREDICT_A BPF_MEMWORDS
#define PREDICT_X (BPF_MEMWORDS + 1)

struct predict {
	u32 values[BPF_MEMWORDS + 2];
	u32 known;  /* a bit for each value */
	u32 number; /* likewise: it is the call's, as it was loaded */
};

static bool predict_knows(const struct predict *state, u32 place)
{
	return state->known & 1U << place;
}

static bool predict_is_number(const struct predict *state, u32 place)
{
	return state->number & 1U << place;
}

static void predict_learn(struct predict *state, u32 place, u32 value)
{
	state->values[place] = value;
	state->known |= 1U << place;
	state->number &= ~(1U << place);
}

static void predict_forget(struct predict *state, u32 place)
{
	state->known &= ~(1U << place);
	state->number &= ~(1U << place);
}

static void predict_copy(struct predict *state, u32 to, u32 from)
{
	if (predict_knows(state, from))
		predict_learn(state, to, state->values[from]);
	else
		predict_forget(state, to);
	if (predict_is_number(state, from))
		state->number |= 1U << to;
}

/* LD and LDX */
static void predict_load(struct predict *state, const struct sock_filter *insn,
			 const struct seccomp_data *data)
{
	u32 to = BPF_CLASS(insn->code) == BPF_LD ? PREDICT_A : PREDICT_X;

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		if (insn->k == offsetof(struct seccomp_data, nr)) {
			predict_learn(state, to, data->nr);
			state->number |= 1U << to;
		} else if (insn->k == offsetof(struct seccomp_data, arch)) {
			predict_learn(state, to, data->arch);
		} else {
			predict_forget(state, to);
		}
		break;
	case BPF_LEN:
		predict_learn(state, to, sizeof(*data));
		break;
	case BPF_MEM:
		predict_copy(state, to, insn->k);
		break;
	default: /* BPF_IMM */
		predict_learn(state, to, insn->k);
		break;
	}
}

/* The operand of ALU and JMP, if it is known. */
static bool predict_operand(const struct predict *state, const struct sock_filter *insn,
			    u32 *operand)
{
	if (!insn_has_x(insn)) {
		*operand = insn->k;
		return true;
	}
	*operand = state->values[PREDICT_X];
	return predict_knows(state, PREDICT_X);
}

/**
 * secmap_predict_cbpf() - is what a program returns the same whatever the arguments are?
 * @filter: a valid program, not translated by secmap_cbpf_check()
 * @len: number of its instructions
 * @arch: AUDIT_ARCH_* of the calls
 * @nr: their number, as in struct seccomp_data
 * @last: from @nr up to this number it is the same, or cannot be told either
 * @action: what it returns for all of them, if it is the same
 *
 * It tells of at least the calls of which seccomp(2) can tell that they are allowed. Takes at
 * most @len steps; no lock, no sleep, no allocation.
 *
 * Return: whether it is; false if it cannot be told.
 */
bool secmap_predict_cbpf(const struct sock_filter *filter, u32 len, u32 arch, u32 nr, u32 *last,
			 u32 *action)
{
	const struct seccomp_data data = { .nr = nr, .arch = arch };
	struct predict state = { .known = 1U << PREDICT_A | 1U << PREDICT_X };
	const u32 *a = &state.values[PREDICT_A];
	u32 pc, operand;
	bool told;

	*last = U32_MAX;
	for (pc = 0; pc < len; pc++) {
		const struct sock_filter *insn = &filter[pc];

		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
		case BPF_LDX:
			predict_load(&state, insn, &data);
			break;
		case BPF_ST:
			predict_copy(&state, insn->k, PREDICT_A);
			break;
		case BPF_STX:
			predict_copy(&state, insn->k, PREDICT_X);
			break;
		case BPF_ALU:
			if (predict_is_number(&state, PREDICT_A) ||
			    (insn_has_x(insn) && predict_is_number(&state, PREDICT_X)))
				*last = nr;
			told = predict_operand(&state, insn, &operand);
			if (insn_divides(insn) && !(told && operand)) {
				*action = 0;
				return told;
			}
			if (told && predict_knows(&state, PREDICT_A))
				predict_learn(&state, PREDICT_A, insn_compute(insn, *a, operand));
			else
				predict_forget(&state, PREDICT_A);
			break;
		case BPF_JMP:
			if (BPF_OP(insn->code) == BPF_JA) {
				pc += insn->k;
				break;
			}
			told = predict_operand(&state, insn, &operand);
			if (!told || !predict_knows(&state, PREDICT_A))
				return false;
			if (insn_has_x(insn) && predict_is_number(&state, PREDICT_X))
				*last = nr;
			else if (predict_is_number(&state, PREDICT_A))
				*last = min(*last, insn_same_branch(insn, *a, operand));
			pc += insn_branch(insn, *a, operand);
			break;
		case BPF_RET:
			told = BPF_RVAL(insn->code) != BPF_A || predict_knows(&state, PREDICT_A);
			if (BPF_RVAL(insn->code) == BPF_A && predict_is_number(&state, PREDICT_A))
				*last = nr;
			*action = BPF_RVAL(insn->code) == BPF_A ? *a : insn->k;
			return told;
		default: /* BPF_MISC */
			if (BPF_MISCOP(insn->code) == BPF_TAX)
				predict_copy(&state, PREDICT_X, PREDICT_A);
			else
				predict_copy(&state, PREDICT_A, PREDICT_X);
			break;
		}
	}
	return false;
}
