/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as the pure files see it in unit tests: user space's, except that memory
 * can run out and is counted, random numbers can be chosen, and an index that is not
 * in its bounds is a failure even where array_index_nospec() would hide it. What several
 * processors change at once is the compiler's.
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

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_inc_return(atomic_t *value)
{
	return __atomic_add_fetch(&value->counter, 1, __ATOMIC_SEQ_CST);
}

static inline void atomic_dec(atomic_t *value)
{
	__atomic_sub_fetch(&value->counter, 1, __ATOMIC_SEQ_CST);
}

#define READ_ONCE(x)		     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	     __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define smp_load_acquire(at)	     __atomic_load_n(at, __ATOMIC_ACQUIRE)
#define smp_store_release(at, value) __atomic_store_n(at, value, __ATOMIC_RELEASE)

#define cmpxchg(at, old, new)                                                         \
	({                                                                            \
		__typeof__(*(at)) __old = (old);                                      \
                                                                                      \
		__atomic_compare_exchange_n(at, &__old, new, false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                        \
		__old;                                                                \
	})

static inline void set_bit(unsigned long nr, unsigned long *bits)
{
	__atomic_or_fetch(&bits[nr / BITS_PER_LONG], 1UL << (nr % BITS_PER_LONG), __ATOMIC_RELAXED);
}

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
