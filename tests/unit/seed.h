/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that can be had again: SECMAP_SEED in the environment. */
#ifndef _TESTS_UNIT_SEED_H
#define _TESTS_UNIT_SEED_H

#include "kernel.h"

/* For a test's beginning: takes the seed, or makes one, and prints it. */
void seed_start(const char *test);

/* The same, quietly. */
void seed_set(u64 seed);

u64 seed_next(void);

/* 0 ... below - 1 */
static inline u64 seed_below(u64 below)
{
	return seed_next() % below;
}

/* True once in @n times. */
static inline bool seed_once_in(u64 n)
{
	return !seed_below(n);
}

/* A value at which comparisons like to be wrong, or any value. */
u64 seed_edge(void);

#endif
