// SPDX-License-Identifier: GPL-2.0-only
/* Memory and random numbers for the pure files in unit tests. */
#include "kernel.h"
#include "seed.h"

struct kernel_state kernel;

void kernel_reset(void)
{
	kernel = (struct kernel_state){ .live = kernel.live };
}

void *secmap_alloc(size_t bytes)
{
	void *memory;

	if (++kernel.allocs == kernel.fail_at)
		return NULL;
	memory = plain_alloc(bytes);
	if (!memory)
		abort();
	kernel.live++;
	return memory;
}

void secmap_release(const void *memory)
{
	if (!memory)
		return;
	kernel.live--;
	plain_release(memory);
}

u64 secmap_random(void)
{
	size_t n = kernel.randoms++;

	return kernel.random ? kernel.random(n) : seed_next();
}
