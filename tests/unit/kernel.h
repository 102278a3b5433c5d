/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as the pure files see it in unit tests: user space's, except that memory
 * can run out and is counted, random numbers can be chosen, and an index that is not
 * in its bounds is a failure even where array_index_nospec() would hide it.
 */
#ifndef _TESTS_UNIT_KERNEL_H
#define _TESTS_UNIT_KERNEL_H

#define secmap_alloc   plain_alloc
#define secmap_release plain_release
#define secmap_random  plain_random
#include "../../userland/kernel/kernel.h"
#undef secmap_alloc
#undef secmap_release
#undef secmap_random

#undef array_index_nospec
#define array_index_nospec(index, size)              \
	({                                           \
		__typeof__(index) __index = (index); \
                                                     \
		if (__index >= (size))               \
			abort();                     \
		__index;                             \
	})

void *secmap_alloc(size_t bytes);
void secmap_release(const void *memory);
u64 secmap_random(void);

struct kernel_state {
	size_t live;		 /* pieces of memory that are allocated */
	size_t allocs;		 /* so many were asked for since kernel_reset() */
	size_t fail_at;		 /* the one to refuse: 1 is the next; 0: none */
	size_t randoms;		 /* random numbers since kernel_reset() */
	u64 (*random)(size_t n); /* where the nth comes from; NULL: from the seed */
};

extern struct kernel_state kernel;

/* Counts and hooks as in the beginning; what is live stays counted. */
void kernel_reset(void);

#endif
