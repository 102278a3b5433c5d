/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs: classic BPF as seccomp(2) takes it, and eBPF as verify.c takes it, made native by the
 * kernel. Immutable.
 */
#ifndef _SECMAP_PROGRAM_H
#define _SECMAP_PROGRAM_H

#include <linux/filter.h>

#include "live.h"
#include "rules.h"

/* Different actions that are told of without running the program; the rest is run. */
#define SECMAP_PROGRAM_ACTIONS 255

/**
 * struct secmap_told - what is known about a program without running it
 * @index: per ABI and number: one more than the place in @actions of what the program returns
 *	whatever the rest of the call is; 0: it has to be run
 * @actions: different ones
 * @count: of @actions
 */
struct secmap_told {
	u8 index[SECMAP_ABI_COUNT][SECMAP_NR_MAX];
	u32 actions[SECMAP_PROGRAM_ACTIONS];
	u32 count;
};

/**
 * struct secmap_program - a program
 * @prog: the kernel's, owned
 * @told: what is known about it
 * @cost: eBPF: of its dearest way
 * @len: eBPF: length of @insns
 * @insns: eBPF: as they were handed over, owned; NULL for classic BPF
 * @lives: eBPF: by index, its tables that are maps of bpf(2); @map is NULL in the others; owned
 * @live_count: length of @lives
 */
struct secmap_program {
	struct bpf_prog *prog;
	struct secmap_told told;
	u32 cost;
	u32 len;
	struct bpf_insn *insns;
	u32 live_count;
	struct secmap_live lives[];
};

/**
 * struct secmap_program_spec - what an eBPF program is made of; nothing of it is kept
 * @insns: not verified yet
 * @len: how many, 1 ... SECMAP_LIMIT_INSNS
 * @table_count: length of @tables and @lives
 * @tables: they outlive the program; NULL where there is a map of bpf(2)
 * @lives: these maps; references are taken
 */
struct secmap_program_spec {
	const struct bpf_insn *insns;
	u32 len;
	u32 table_count;
	const struct secmap_table *const *tables;
	const struct secmap_live *lives;
};

struct secmap_program *secmap_program_create_cbpf(u64 filter, u16 len);
struct secmap_program *secmap_program_create_ebpf(const struct secmap_program_spec *spec,
						  struct secmap_why *why);
void secmap_program_free(struct secmap_program *program);
const void *secmap_program_filter(const struct secmap_program *program, u32 *len);
size_t secmap_program_bytes(const struct secmap_program *program);
bool secmap_program_constant(const struct secmap_program *program, struct secmap_where where,
			     u32 *action);

static inline bool secmap_program_is_ebpf(const struct secmap_program *program)
{
	return program->insns;
}

/* How many instructions there are in the kernel's translation: what seccomp(2) counts. */
static inline u32 secmap_program_len(const struct secmap_program *program)
{
	return program->prog->len;
}

/**
 * secmap_program_run() - what a program returns for a call
 * @program: the program
 * @call: the call
 *
 * Context: the task does not migrate. No sleep, no lock, no store that others read.
 * Return: SECCOMP_RET_* with its data, or whatever else it returns.
 */
static inline u32 secmap_program_run(const struct secmap_program *program,
				     const struct seccomp_data *call)
{
	return bpf_prog_run(program->prog, call);
}

#endif
