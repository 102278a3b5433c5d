/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program of secmap's subset of eBPF without the module, and believes nothing: each
 * register, each byte and each step is checked. For tests, fuzzers and libsecmap.
 */
#ifndef SECMAP_ENGINE_INTERPRETER_H
#define SECMAP_ENGINE_INTERPRETER_H

#include "ebpf.h"
#include "kernel.h"
#include "why.h"

/**
 * struct secmap_interpreter - a program, and what its BPF maps answer
 * @program: the program
 * @lookup: what looking into table @table, a BPF map, gives; NULL: @otherwise, always
 * @lookup_of: the first argument of @lookup
 */
struct secmap_interpreter {
	struct secmap_ebpf program;
	u64 (*lookup)(void *lookup_of, u32 table, u64 key, u64 otherwise);
	void *lookup_of;
};

/*
 * Return 0 and in @value what the program returns; -EFAULT with why ("insn 12: ...") if it does
 * what no verified program does.
 */
int secmap_interpret(const struct secmap_interpreter *interpreter, const struct seccomp_data *data,
		     u32 *value, struct secmap_why *why);

#endif
