/* SPDX-License-Identifier: GPL-2.0-only */
/* Random programs of classic BPF, and calls for them. */
#ifndef _TESTS_UNIT_PROGRAM_H
#define _TESTS_UNIT_PROGRAM_H

#include "kernel.h"

/*
 * A program of @len instructions. Most are valid: each instruction is, but a slot may be
 * loaded that was not stored to.
 */
void program_random(struct sock_filter *filter, u32 len);

/* Some bits of one of its instructions are turned, or one is put in another's place. */
void program_break(struct sock_filter *filter, u32 len);

/* In memory of just that size, so that the address sanitizer sees what lies beyond. */
struct sock_filter *program_copy(const struct sock_filter *filter, u32 len);

/* A call at whose values these programs like to branch. */
void program_call(struct seccomp_data *call);

#endif
