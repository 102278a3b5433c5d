/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs: classic BPF as seccomp(2) takes it, made native by the kernel. Immutable. */
#ifndef _SECMAP_PROGRAM_H
#define _SECMAP_PROGRAM_H

#include <linux/filter.h>

#include "rules.h"

/**
 * struct secmap_program - a program and what is known about it without running it
 * @prog: the kernel's, owned
 * @allowed: per ABI, the numbers that it allows whatever the rest of the call is
 */
struct secmap_program {
	struct bpf_prog *prog;
	unsigned long allowed[SECMAP_ABI_COUNT][SECMAP_NR_MAX / BITS_PER_LONG];
};

struct secmap_program *secmap_program_create(u64 filter, u16 len);
void secmap_program_free(struct secmap_program *program);
const struct sock_filter *secmap_program_filter(const struct secmap_program *program, u32 *len);
size_t secmap_program_bytes(const struct secmap_program *program);

/* How many instructions there are in the kernel's translation: what seccomp(2) counts. */
static inline u32 secmap_program_len(const struct secmap_program *program)
{
	return program->prog->len;
}

/* Context: the task does not migrate. No sleep, no lock, no store that others read. */
static inline u32 secmap_program_run(const struct secmap_program *program,
				     const struct seccomp_data *call)
{
	return bpf_prog_run(program->prog, call);
}

#endif
