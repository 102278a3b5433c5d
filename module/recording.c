// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Recordings: a bit for each number of each ABI; and, for calls that are chosen, the arguments that
 * they were made with, as a bounded set. Nothing is ever taken out, so nothing can be lost: a set
 * that is full says so.
 *
 * Written by any number of processors at once, without a lock, and read meanwhile.
 */
#include "kernel.h"
#include "recording.h"

/* A set is a hash table that is never more than half full. */
#define SLOTS_SHIFT 9
#define SLOTS	    512U

/* The first word of a slot; behind it is one for each argument that is kept. */
enum { SLOT_FREE, SLOT_CLAIMED, SLOT_READY };

static_assert(SLOTS >> SLOTS_SHIFT == 1 && 2 * SECMAP_LIMIT_RECORDED_VALUES <= SLOTS);

/**
 * struct recording_set - the arguments of one call
 * @slots: SLOTS times @stride words
 * @seed: a random number, so that nobody can choose arguments that begin at the same slot
 * @count: of slots that are used, or are going to be
 * @stride: words in a slot
 * @args: which arguments, a bit each
 * @overflow: there were more than SECMAP_LIMIT_RECORDED_VALUES
 */
struct recording_set {
	u64 *slots;
	u64 seed;
	atomic_t count;
	u32 stride;
	u32 args;
	u32 overflow;
};

/**
 * struct secmap_recording - what has been recorded
 * @calls: a bit for each number
 * @other: a call of another ABI was made, or one with a number from SECMAP_NR_MAX on
 * @set_of: the set of a number, counted from 1; 0: none
 * @set_count: length of @sets
 * @sets: behind them are their slots
 *
 * @set_of and all of @sets but what is in them are immutable.
 */
struct secmap_recording {
	unsigned long calls[SECMAP_ABI_COUNT][SECMAP_NR_MAX / BITS_PER_LONG];
	u32 other;
	u16 set_of[SECMAP_ABI_COUNT][SECMAP_NR_MAX];
	u32 set_count;
	struct recording_set sets[];
};

static_assert(SECMAP_LIMIT_RECORDED_SETS <= U16_MAX);

static u32 stride_of(u32 args)
{
	u32 i, stride = 1;

	for (i = 0; i < RECORDING_ARGS; i++)
		stride += args >> i & 1;
	return stride;
}

static int check_set(const struct secmap_recorder_set *set)
{
	if (set->abi >= SECMAP_ABI_COUNT)
		return -EOPNOTSUPP;
	if (set->nr >= SECMAP_NR_MAX || !set->args || set->args >> RECORDING_ARGS)
		return -EINVAL;
	return 0;
}

/* As secmap_recording_create(). @slots: where the first set's are. */
static int fill_sets(struct secmap_recording *recording, const struct secmap_recorder_set *sets,
		     u64 *slots)
{
	u32 i;

	for (i = 0; i < recording->set_count; i++) {
		u16 *set_of = &recording->set_of[sets[i].abi][sets[i].nr];
		struct recording_set *set = &recording->sets[i];

		if (*set_of)
			return -EEXIST;
		*set_of = i + 1;
		set->seed = secmap_random();
		set->args = sets[i].args;
		set->stride = stride_of(set->args);
		set->slots = slots;
		slots += SLOTS * set->stride;
	}
	return 0;
}

/**
 * secmap_recording_create() - an empty recording
 * @sets: calls whose arguments are to be recorded
 * @count: how many, at most SECMAP_LIMIT_RECORDED_SETS
 *
 * Return: the recording, or
 * * -EOPNOTSUPP: no such ABI
 * * -EINVAL: no such number or argument, or no argument at all
 * * -EEXIST: a call twice
 * * -ENOMEM
 */
struct secmap_recording *secmap_recording_create(const struct secmap_recorder_set *sets, u32 count)
{
	struct secmap_recording *recording;
	size_t head, words = 0;
	int err;
	u32 i;

	for (i = 0; i < count; i++) {
		err = check_set(&sets[i]);
		if (err)
			return ERR_PTR(err);
		words += SLOTS * stride_of(sets[i].args);
	}
	head = struct_size(recording, sets, count);
	recording = secmap_alloc(head + words * sizeof(u64));
	if (!recording)
		return ERR_PTR(-ENOMEM);
	recording->set_count = count;
	err = fill_sets(recording, sets, (u64 *)&recording->sets[count]);
	if (!err)
		return recording;
	secmap_recording_free(recording);
	return ERR_PTR(err);
}

void secmap_recording_free(struct secmap_recording *recording)
{
	secmap_release(recording);
}

/* Those of the arguments that are kept, and where to begin to look for them. */
static u32 pick(const struct recording_set *set, const __u64 *args, u64 *picked)
{
	u64 hash = set->seed;
	u32 i, n = 0;

	for (i = 0; i < RECORDING_ARGS; i++) {
		if (!(set->args >> i & 1))
			continue;
		picked[n++] = args[i];
		hash = (hash ^ args[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return (hash * 0x9e3779b97f4a7c15ULL) >> (64 - SLOTS_SHIFT);
}

/* Has the slot these arguments? One that is just being written counts as if it had others. */
static bool slot_has(const struct recording_set *set, const u64 *slot, const u64 *picked)
{
	/* Pairs with slot_fill(): then its values are there. */
	return smp_load_acquire(slot) == SLOT_READY &&
	       !memcmp(slot + 1, picked, (set->stride - 1) * sizeof(u64));
}

/* Return: whether the slot was free. */
static bool slot_fill(const struct recording_set *set, u64 *slot, const u64 *picked)
{
	if (READ_ONCE(*slot) != SLOT_FREE || cmpxchg(slot, SLOT_FREE, SLOT_CLAIMED) != SLOT_FREE)
		return false;
	memcpy(slot + 1, picked, (set->stride - 1) * sizeof(u64));
	/* Pairs with slot_has() and secmap_recording_values(). */
	smp_store_release(slot, SLOT_READY);
	return true;
}

/* May one more be put in? */
static bool set_has_room(struct recording_set *set)
{
	if (atomic_inc_return(&set->count) <= (int)SECMAP_LIMIT_RECORDED_VALUES)
		return true;
	WRITE_ONCE(set->overflow, 1);
	return false;
}

/*
 * Two who record the same for the first time at once may do so in two slots: nobody waits for the
 * other one. Who reads gets it twice; and a set that is as good as full may say that it overflows.
 */
static void set_note(struct recording_set *set, const __u64 *args)
{
	u64 picked[RECORDING_ARGS];
	bool reserved = false;
	u32 at, i;

	/* Then it says nothing any more, and nobody looks through it for nothing. */
	if (READ_ONCE(set->overflow))
		return;
	at = pick(set, args, picked);
	for (i = 0; i < SLOTS; i++, at = (at + 1) % SLOTS) {
		u64 *slot = &set->slots[at * set->stride];

		if (slot_has(set, slot, picked)) {
			if (reserved)
				atomic_dec(&set->count);
			return;
		}
		if (READ_ONCE(*slot) != SLOT_FREE)
			continue;
		if (!reserved && !set_has_room(set))
			return;
		reserved = true;
		if (slot_fill(set, slot, picked))
			return;
	}
}

/**
 * secmap_recording_note() - a call is made
 * @recording: where that is recorded
 * @where: its ABI and number
 * @args: its six arguments
 *
 * Context: any; in the probe. Waits for nobody, allocates nothing; a call that is there already
 * stores nothing.
 */
void secmap_recording_note(struct secmap_recording *recording, struct secmap_where where,
			   const __u64 *args)
{
	u32 abi = where.abi, nr = where.nr, set;

	if (abi >= SECMAP_ABI_COUNT || nr >= SECMAP_NR_MAX) {
		if (!READ_ONCE(recording->other))
			WRITE_ONCE(recording->other, 1);
		return;
	}
	nr = array_index_nospec(nr, SECMAP_NR_MAX);
	set = recording->set_of[abi][nr];
	if (set)
		set_note(&recording->sets[set - 1], args);
	if (!test_bit(nr, recording->calls[abi]))
		set_bit(nr, recording->calls[abi]);
}

/**
 * secmap_recording_calls() - which calls were made
 * @recording: the recording
 * @to: its outputs out_calls and out_other are filled in
 */
void secmap_recording_calls(const struct secmap_recording *recording,
			    struct secmap_recorder_read *to)
{
	static_assert(sizeof(recording->calls) == sizeof(to->out_calls));
	memcpy(to->out_calls, recording->calls, sizeof(to->out_calls));
	to->out_other = READ_ONCE(recording->other);
}

/**
 * secmap_recording_values() - the arguments of one set
 * @recording: the recording
 * @set: which one
 * @count: how many there are
 * @words: and of how many arguments each
 * @overflow: whether there were more, that are not there
 *
 * Context: may sleep.
 * Return: the values for secmap_release(), -EINVAL: no such set, or -ENOMEM.
 */
u64 *secmap_recording_values(const struct secmap_recording *recording, u32 set, u32 *count,
			     u32 *words, u32 *overflow)
{
	const struct recording_set *from;
	u64 *values;
	u32 i, n;

	if (set >= recording->set_count)
		return ERR_PTR(-EINVAL);
	from = &recording->sets[array_index_nospec(set, recording->set_count)];
	n = from->stride - 1;
	values = secmap_alloc(SECMAP_LIMIT_RECORDED_VALUES * n * sizeof(u64));
	if (!values)
		return ERR_PTR(-ENOMEM);
	*count = 0;
	*words = n;
	for (i = 0; i < SLOTS && *count < SECMAP_LIMIT_RECORDED_VALUES; i++) {
		const u64 *slot = &from->slots[i * from->stride];

		/* Pairs with slot_fill(). */
		if (smp_load_acquire(slot) == SLOT_READY)
			memcpy(&values[(*count)++ * n], slot + 1, n * sizeof(u64));
	}
	*overflow = READ_ONCE(from->overflow);
	return values;
}
