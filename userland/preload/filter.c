// SPDX-License-Identifier: LGPL-2.1-or-later
/* What can be told of a classic BPF program by looking at it. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "../../module/insn.h"
#include "filter.h"
#include "kernel.h"

#define PAGE	    4096UL
#define SIGSET_SIZE 8UL

/*
 * rt_sigprocmask(2) copies the set and only then looks at what to do with it, so that with an
 * operation that does not exist it is EFAULT or EINVAL, and nothing else happens. Hardly a
 * filter denies it, as the C library needs it everywhere; where one does, the memory counts as
 * readable.
 */
static bool word_readable(unsigned long at)
{
	return kernel_call(SYS_rt_sigprocmask, (unsigned long)-1, at, 0, SIGSET_SIZE, 0) != -EFAULT;
}

bool secmap_memory_readable(const void *start, unsigned long size)
{
	unsigned long at = (unsigned long)start;
	unsigned long last = at + size - SIGSET_SIZE;

	/* No set at all is no error. */
	if (!start || last < at)
		return false;
	for (; at < last; at = (at | (PAGE - 1)) + 1)
		if (!word_readable(at))
			return false;
	return word_readable(last);
}

static bool is_trace(uint32_t value)
{
	return (value & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE;
}

/* A program that returns a computed value counts if any constant of it could be this one. */
bool secmap_filter_traces(const struct sock_fprog *program)
{
	bool constant = false, computed = false;
	unsigned int i;

	for (i = 0; i < program->len; i++) {
		const struct sock_filter *insn = &program->filter[i];

		if (insn->code == (BPF_RET | BPF_A))
			computed = true;
		if (!is_trace(insn->k))
			continue;
		if (insn->code == (BPF_RET | BPF_K))
			return true;
		constant = true;
	}
	return computed && constant;
}

struct machine {
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
};

static uint32_t load(const struct sock_filter *insn, const struct machine *state,
		     const struct seccomp_data *call)
{
	uint32_t word;

	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		if (insn->k > sizeof(*call) - sizeof(word))
			return 0;
		memcpy(&word, (const char *)call + insn->k, sizeof(word));
		return word;
	case BPF_MEM:
		return state->memory[insn->k % BPF_MEMWORDS];
	case BPF_LEN:
		return sizeof(*call);
	default: /* BPF_IMM */
		return insn->k;
	}
}

/*
 * What the program answers. The module or the kernel checks it, not this: here it only must not
 * be able to do harm, whatever is in it and even if it changes meanwhile. No memory is asked for,
 * as for module/cbpf.c, since a filter that is there already may deny that.
 */
static uint32_t answer(const struct sock_fprog *program, const struct seccomp_data *call)
{
	struct machine state = { 0 };
	unsigned long pc;

	for (pc = 0; pc < program->len; pc++) {
		const struct sock_filter insn = program->filter[pc];
		uint32_t operand = insn_has_x(&insn) ? state.x : insn.k;

		switch (BPF_CLASS(insn.code)) {
		case BPF_LD:
			state.a = load(&insn, &state, call);
			break;
		case BPF_LDX:
			state.x = load(&insn, &state, call);
			break;
		case BPF_ST:
			state.memory[insn.k % BPF_MEMWORDS] = state.a;
			break;
		case BPF_STX:
			state.memory[insn.k % BPF_MEMWORDS] = state.x;
			break;
		case BPF_ALU:
			if (insn_divides(&insn) && !operand)
				return SECCOMP_RET_KILL_THREAD;
			state.a = insn_compute(&insn, state.a, operand);
			break;
		case BPF_JMP:
			pc += BPF_OP(insn.code) == BPF_JA ? insn.k :
							    insn_branch(&insn, state.a, operand);
			break;
		case BPF_RET:
			return BPF_RVAL(insn.code) == BPF_A ? state.a : insn.k;
		default: /* BPF_MISC */
			if (BPF_MISCOP(insn.code) == BPF_TAX)
				state.x = state.a;
			else
				state.a = state.x;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

bool secmap_filter_allows_ioctl(const struct sock_fprog *program, unsigned long request)
{
	/* Number and address are any; the place of the instruction is not known to be constant. */
	const struct seccomp_data call = {
		.nr = SYS_ioctl,
		.arch = AUDIT_ARCH_X86_64,
		.args = { 1000, request, (unsigned long)&call },
	};
	uint32_t action = answer(program, &call) & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
