// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers that can be had again. */
#include "seed.h"

static u64 state;

void seed_start(const char *test)
{
	const char *given = getenv("SECMAP_SEED");
	u64 seed = given ? strtoull(given, NULL, 0) : plain_random();

	printf("%s: SECMAP_SEED=%#llx\n", test, seed);
	fflush(stdout);
	seed_set(seed);
}

void seed_set(u64 seed)
{
	state = seed;
}

/* splitmix64 */
u64 seed_next(void)
{
	u64 x = state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

u64 seed_edge(void)
{
	switch (seed_below(4)) {
	case 0:
		return seed_below(4);
	case 1:
		/* Around a power of two, both ends included. */
		return (seed_once_in(32) ? 0 : 1ULL << seed_below(64)) + seed_below(3) - 1;
	case 2:
		return seed_next() & U32_MAX;
	default:
		return seed_next() >> seed_below(64);
	}
}
