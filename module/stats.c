// SPDX-License-Identifier: GPL-2.0-only
/* Statistics: create, count, read, free. */
#include "stats.h"

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>

/*
 * Two processors never write to one line. The kernel's own per-CPU memory would do that as well,
 * but it comes in pieces of at most 32 KiB.
 */
static size_t bytes_each(const struct secmap_stats *stats)
{
	return ALIGN(secmap_tally_size(&stats->tally) * sizeof(u64), SMP_CACHE_BYTES);
}

/**
 * secmap_stats_create() - counters, all 0
 * @rules: of the policy that is to be counted; NULL: it is a program
 *
 * Context: may sleep. Charged to the current task's cgroup.
 * Return: the counters, or NULL: no memory.
 */
struct secmap_stats *secmap_stats_create(const struct secmap_rules *rules)
{
	struct secmap_stats *stats;
	int cpu;

	stats = kzalloc(struct_size(stats, counts, nr_cpu_ids), GFP_KERNEL_ACCOUNT);
	if (!stats)
		return NULL;
	stats->tally = secmap_tally_of(rules);
	for_each_possible_cpu(cpu) {
		stats->counts[cpu] =
			kvzalloc_node(bytes_each(stats), GFP_KERNEL_ACCOUNT, cpu_to_node(cpu));
		if (!stats->counts[cpu]) {
			secmap_stats_free(stats);
			return NULL;
		}
		cond_resched();
	}
	return stats;
}

/**
 * secmap_stats_free() - the end of counters
 * @stats: that no probe can find any more, or NULL
 *
 * Context: may sleep.
 */
void secmap_stats_free(struct secmap_stats *stats)
{
	int cpu;

	if (!stats)
		return;
	for_each_possible_cpu(cpu)
		kvfree(stats->counts[cpu]);
	kfree(stats);
}

/**
 * secmap_stats_add() - a policy has said something
 * @stats: the policy's
 * @abi: of the call that it has said it of
 * @verdict: what it has said
 *
 * Context: in the probe, preemption off. Nothing that interrupts it makes system calls.
 */
void secmap_stats_add(struct secmap_stats *stats, u32 abi, struct secmap_verdict verdict)
{
	u32 place = secmap_tally_place(&stats->tally, abi, verdict);
	u64 *count;

	if (place >= secmap_tally_size(&stats->tally))
		return;
	count = &stats->counts[smp_processor_id()][place];
	WRITE_ONCE(*count, *count + 1);
}

/**
 * secmap_stats_count() - what one counter says
 * @stats: the counters
 * @place: which one, below secmap_tally_size()
 * @cpu: of this processor, a possible one; or SECMAP_STATS_SUM
 *
 * Return: so many.
 */
u64 secmap_stats_count(const struct secmap_stats *stats, u32 place, int cpu)
{
	u64 sum = 0;

	if (cpu != SECMAP_STATS_SUM)
		return READ_ONCE(stats->counts[cpu][place]);
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(stats->counts[cpu][place]);
	return sum;
}

/**
 * secmap_stats_read() - what was counted
 * @stats: the counters
 * @rules: as secmap_stats_create()
 * @to: where those above 0 go
 * @room: how many fit there
 *
 * Context: may sleep.
 * Return: how many there are, whether they fit or not.
 */
u32 secmap_stats_read(const struct secmap_stats *stats, const struct secmap_rules *rules,
		      struct secmap_count *to, u32 room)
{
	u32 place, found = 0;

	for (place = 0; place < secmap_tally_size(&stats->tally); place++) {
		u64 sum = secmap_stats_count(stats, place, SECMAP_STATS_SUM);

		cond_resched();
		if (!sum)
			continue;
		if (found < room) {
			to[found] = secmap_tally_tell(&stats->tally, rules, place);
			to[found].count = sum;
		}
		found++;
	}
	return found;
}

/**
 * secmap_stats_bytes() - what counters take
 * @stats: the counters
 *
 * Return: bytes.
 */
size_t secmap_stats_bytes(const struct secmap_stats *stats)
{
	return struct_size(stats, counts, nr_cpu_ids) + num_possible_cpus() * bytes_each(stats);
}
