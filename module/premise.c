// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Premises: what follows from conditions that hold.
 *
 * Of each argument the bits that are known are kept, and of (argument & mask) bounds are made when
 * they are asked for. rules_build.c makes ranges of three forms: one value, all from 0 on, and
 * their opposites; so no range wraps.
 */
#include "kernel.h"
#include "lookup.h"
#include "premise.h"
#include "table.h"

/* Looks between two offers to let others run; a power of two. */
#define PREMISES_BREATH 4096U

/* (argument & mask), from the first to the last value. */
struct bounds {
	u64 low;
	u64 high;
};

/**
 * secmap_premises_look() - take one look from the budget
 * @premises: whose budget it is
 *
 * Context: may sleep.
 * Return: false if there is none left.
 */
bool secmap_premises_look(struct secmap_premises *premises)
{
	if (!premises->budget)
		return false;
	if (!(--premises->budget % PREMISES_BREATH)) {
		cond_resched();
		/* Who is being killed gets no answer any more. */
		if (secmap_is_dying())
			premises->budget = 0;
	}
	return true;
}

/**
 * secmap_premises_begin() - know nothing yet
 * @premises: @budget stays
 * @abi: SECMAP_ABI_* of the calls: arguments of i386 are 32 bits wide
 */
void secmap_premises_begin(struct secmap_premises *premises, u32 abi)
{
	u32 i;

	premises->count = 0;
	premises->derived_count = 0;
	for (i = 0; i < RULES_ARGS; i++) {
		premises->known[i] = abi == SECMAP_ABI_I386 ? ~(u64)U32_MAX : 0;
		premises->value[i] = 0;
	}
}

/* The last value of a range; all that are below are in it, or it is the only one. */
static u64 range_last(const struct rules_step *range)
{
	return range->low + range->span;
}

/* All bits that a number up to @last can have. */
static u64 bits_up_to(u64 last)
{
	u64 bits = last;
	u32 shift;

	for (shift = 1; shift < 64; shift *= 2)
		bits |= bits >> shift;
	return bits;
}

/**
 * secmap_premises_add() - one condition more that holds
 * @premises: where it goes
 * @step: the condition; must outlive them
 *
 * Return: false if it contradicts what is known. Others may, too: secmap_premises_clash().
 */
bool secmap_premises_add(struct secmap_premises *premises, const struct rules_step *step)
{
	u64 known = 0, value = 0;
	bool agrees;

	if (premises->count < PREMISES_MAX)
		premises->steps[premises->count++] = step;
	if (step->kind == RULES_RANGE && rules_step_expects(step)) {
		known = step->span ? step->mask & ~bits_up_to(range_last(step)) : step->mask;
		value = step->span ? 0 : step->low;
	}
	agrees = !((value ^ premises->value[step->arg]) & known & premises->known[step->arg]) &&
		 !(value & ~known);
	premises->known[step->arg] |= known;
	premises->value[step->arg] |= value & known;
	return agrees;
}

/**
 * secmap_premises_add_opposite() - one condition more that does not hold
 * @premises: where it goes
 * @step: the condition
 *
 * Return: as secmap_premises_add().
 */
bool secmap_premises_add_opposite(struct secmap_premises *premises, const struct rules_step *step)
{
	struct rules_step *opposite;

	/* It is not needed: only less follows. */
	if (premises->derived_count == PREMISES_DERIVED)
		return true;
	opposite = &premises->derived[premises->derived_count++];
	*opposite = *step;
	rules_step_lead(opposite, !rules_step_expects(step), 1);
	return secmap_premises_add(premises, opposite);
}

/* (argument & mask) is not @value. */
static void bounds_leave_out(struct bounds *bounds, u64 value)
{
	if (bounds->low == value && value != U64_MAX)
		bounds->low++;
	else if (bounds->high == value && value)
		bounds->high--;
}

/* What a range says of (argument & @mask). */
static void bounds_narrow(struct bounds *bounds, u64 mask, const struct rules_step *range)
{
	u64 last = range_last(range);

	if (rules_step_expects(range)) {
		/* Of fewer bits comes no greater number. */
		if (!range->low && !(mask & ~range->mask) && last < bounds->high)
			bounds->high = last;
		return;
	}
	/* And of more no smaller one. */
	if (!range->low && !(range->mask & ~mask) && last != U64_MAX && last + 1 > bounds->low)
		bounds->low = last + 1;
	if (!range->span && range->mask == mask)
		bounds_leave_out(bounds, range->low);
}

/* Empty, @low above @high, if no arguments are as the premises have it. */
static struct bounds bounds_of(struct secmap_premises *premises, u32 arg, u64 mask)
{
	struct bounds bounds = {
		.low = premises->value[arg] & mask,
		.high = (premises->value[arg] | ~premises->known[arg]) & mask,
	};
	u32 i;

	for (i = 0; i < premises->count; i++) {
		const struct rules_step *step = premises->steps[i];

		if (step->arg == arg && step->kind == RULES_RANGE && secmap_premises_look(premises))
			bounds_narrow(&bounds, mask, step);
	}
	return bounds;
}

static u32 say_range(struct secmap_premises *premises, const struct rules_step *range)
{
	struct bounds bounds = bounds_of(premises, range->arg, range->mask);
	u64 last = range_last(range);
	u32 i;

	if (bounds.low > bounds.high)
		return PREMISES_HOLDS | PREMISES_FAILS;
	if (bounds.low >= range->low && bounds.high <= last)
		return PREMISES_HOLDS;
	if (bounds.high < range->low || bounds.low > last)
		return PREMISES_FAILS;
	for (i = 0; i < premises->count; i++) {
		const struct rules_step *step = premises->steps[i];

		if (step->arg == range->arg && step->kind == RULES_RANGE &&
		    step->mask == range->mask && step->low == range->low &&
		    step->span == range->span)
			return rules_step_expects(step) ? PREMISES_HOLDS : PREMISES_FAILS;
	}
	return 0;
}

/* Can (argument & @mask) be @key? */
static bool key_fits(const struct secmap_premises *premises, u32 arg, u64 mask,
		     const struct bounds *bounds, u64 key)
{
	return !(key & ~mask) && key >= bounds->low && key <= bounds->high &&
	       !((key ^ premises->value[arg]) & premises->known[arg] & mask);
}

/* What keys of a table that fit are in another one: PREMISES_HOLDS: all; FAILS: none. */
static u32 say_keys(struct secmap_premises *premises, u32 arg, u64 mask,
		    const struct bounds *bounds, const struct secmap_table *of,
		    const struct secmap_table *in)
{
	u32 said = PREMISES_HOLDS | PREMISES_FAILS;
	size_t cursor = 0;
	bool found;
	u64 key;

	while (said && secmap_table_next(of, &cursor, &key, &found)) {
		if (!secmap_premises_look(premises))
			return 0;
		if (found && key_fits(premises, arg, mask, bounds, key))
			said &= secmap_table_has(in, key) ? PREMISES_HOLDS : PREMISES_FAILS;
	}
	return said;
}

/* What another table that holds @is, or does not, says of this one. */
static u32 say_by_table(struct secmap_premises *premises, const struct bounds *bounds,
			const struct rules_step *is, const struct rules_step *step)
{
	if (is->table == step->table)
		return rules_step_expects(is) ? PREMISES_HOLDS : PREMISES_FAILS;
	if (rules_step_expects(is))
		return say_keys(premises, step->arg, step->mask, bounds, is->table, step->table);
	/* If each of its keys is one of those that it is not, it is none of them. */
	if (say_keys(premises, step->arg, step->mask, bounds, step->table, is->table) &
	    PREMISES_HOLDS)
		return PREMISES_FAILS;
	return 0;
}

/* Is every value within the bounds a key? So few that they are counted. */
static bool all_are_keys(struct secmap_premises *premises, const struct rules_step *step,
			 const struct bounds *bounds)
{
	u64 key = bounds->low;

	if (bounds->high - bounds->low >= SECMAP_LIMIT_BITMAP_BITS)
		return false;
	do {
		if (!secmap_premises_look(premises))
			return false;
		if (key_fits(premises, step->arg, step->mask, bounds, key) &&
		    !secmap_table_has(step->table, key))
			return false;
	} while (key++ != bounds->high);
	return true;
}

/* Is there a key that it could be? */
static bool key_left(struct secmap_premises *premises, const struct rules_step *step,
		     const struct bounds *bounds)
{
	size_t cursor = 0;
	bool found;
	u64 key;

	while (secmap_table_next(step->table, &cursor, &key, &found))
		if (!secmap_premises_look(premises) ||
		    (found && key_fits(premises, step->arg, step->mask, bounds, key)))
			return true;
	return false;
}

static u32 say_table(struct secmap_premises *premises, const struct rules_step *step)
{
	struct bounds bounds = bounds_of(premises, step->arg, step->mask);
	u32 said = 0, i;

	if (bounds.low > bounds.high)
		return PREMISES_HOLDS | PREMISES_FAILS;
	if (!key_left(premises, step, &bounds))
		return PREMISES_FAILS;
	for (i = 0; i < premises->count; i++) {
		const struct rules_step *is = premises->steps[i];

		if (is->arg == step->arg && is->kind != RULES_RANGE && is->mask == step->mask)
			said |= say_by_table(premises, &bounds, is, step);
	}
	if (!said && all_are_keys(premises, step, &bounds))
		said = PREMISES_HOLDS;
	return said;
}

/**
 * secmap_premises_say() - does a condition hold?
 * @premises: what is known
 * @step: the condition
 *
 * Context: may sleep.
 * Return: PREMISES_HOLDS, PREMISES_FAILS, both, or 0: that does not follow from them.
 */
u32 secmap_premises_say(struct secmap_premises *premises, const struct rules_step *step)
{
	u32 said;

	if (!secmap_premises_look(premises))
		return 0;
	said = step->kind == RULES_RANGE ? say_range(premises, step) : say_table(premises, step);
	if (said == PREMISES_HOLDS || said == PREMISES_FAILS)
		return rules_step_expects(step) ? said : said ^ (PREMISES_HOLDS | PREMISES_FAILS);
	return said;
}

/**
 * secmap_premises_clash() - do they contradict each other?
 * @premises: none of them was refused by secmap_premises_add()
 *
 * Context: may sleep.
 * Return: true: no arguments are as they have it; false: that could not be found out.
 */
bool secmap_premises_clash(struct secmap_premises *premises)
{
	u32 i;

	for (i = 0; i < premises->count; i++)
		if (secmap_premises_say(premises, premises->steps[i]) & PREMISES_FAILS)
			return true;
	return false;
}

/**
 * secmap_premises_same_keys() - have two tables the same keys?
 * @premises: whose budget it is
 * @one: a table
 * @other: a table
 *
 * Context: may sleep.
 * Return: true if they have; false, also where the budget is used up.
 */
bool secmap_premises_same_keys(struct secmap_premises *premises, const struct secmap_table *one,
			       const struct secmap_table *other)
{
	const struct secmap_table *tables[] = { one, other };
	size_t cursor;
	bool found;
	u64 key;
	u32 i;

	for (i = 0; one != other && i < ARRAY_SIZE(tables); i++)
		for (cursor = 0; secmap_table_next(tables[i], &cursor, &key, &found);)
			if (!secmap_premises_look(premises) ||
			    (found && !secmap_table_has(tables[!i], key)))
				return false;
	return true;
}
