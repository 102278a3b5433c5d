// SPDX-License-Identifier: GPL-2.0-only
/* Tables that are made of others: against a naive array, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "seed.h"
#include "table.h"

/* Keys are below it, so that a naive array says what is there. */
#define SPACE 600

static u64 keys[SPACE], values[SPACE], removed[SPACE];

static struct secmap_table *table_of(u32 type, u32 room, u32 count, const u64 *with_values)
{
	struct secmap_table_spec spec = {
		.type = type,
		.max_entries = room,
		.count = count,
		.keys = keys,
		.values = with_values,
	};
	struct secmap_table *table = secmap_table_create(&spec, NULL);

	assert_false(IS_ERR(table));
	return table;
}

struct naive {
	bool there[SPACE];
	u64 value[SPACE];
};

static void same(const struct secmap_table *table, const struct naive *naive)
{
	u32 key, count = 0;

	for (key = 0; key < SPACE; key++) {
		u64 value = 1;

		assert_int_equal(secmap_table_has(table, key), naive->there[key]);
		if (!naive->there[key])
			continue;
		count++;
		assert_true(secmap_table_get(table, key, &value));
		assert_true(value == naive->value[key]);
	}
	assert_int_equal(secmap_table_count(table), count);
}

/* Some keys that are there, or are not, each once. */
static u32 draw(const struct naive *naive, bool there, u64 *to, u32 most)
{
	u32 key, count = 0;

	for (key = 0; key < SPACE && count < most; key++)
		if (naive->there[key] == there && seed_once_in(3))
			to[count++] = key;
	return count;
}

static void change(struct secmap_table **table, struct naive *naive, bool valued)
{
	struct secmap_table_change change = { .remove = removed, .keys = keys };
	struct secmap_table *next;
	u32 i;

	change.whole = seed_once_in(10);
	if (!change.whole)
		change.remove_count = draw(naive, true, removed, seed_below(SPACE));
	change.count = draw(naive, false, keys, seed_below(100));
	/* Some that are there, too, and stay. */
	for (i = 0; i < SPACE && change.count < SPACE; i++) {
		bool goes = false;
		u32 j;

		for (j = 0; j < change.remove_count; j++)
			goes = goes || removed[j] == i;
		if (naive->there[i] && !goes && seed_once_in(5))
			keys[change.count++] = i;
	}
	for (i = 0; i < change.count; i++)
		values[i] = seed_next();
	change.values = valued && seed_once_in(2) ? values : NULL;
	next = secmap_table_create_changed(*table, SPACE, &change, NULL);
	assert_false(IS_ERR(next));
	same(*table, naive);
	if (change.whole)
		memset(naive->there, 0, sizeof(naive->there));
	for (i = 0; i < change.remove_count; i++)
		naive->there[removed[i]] = false;
	for (i = 0; i < change.count; i++) {
		naive->there[keys[i]] = true;
		naive->value[keys[i]] = change.values ? values[i] : 0;
	}
	same(next, naive);
	secmap_table_free(*table);
	*table = next;
}

static void test_model(void **state)
{
	static struct naive naive;
	u32 kind, i;

	(void)state;
	seed_start("changed tables against an array");
	for (kind = 0; kind < 3; kind++) {
		u32 type = kind ? SECMAP_TABLE_HASH : SECMAP_TABLE_BITMAP;
		struct secmap_table *table = table_of(type, SPACE, 0, NULL);

		memset(&naive, 0, sizeof(naive));
		for (i = 0; i < 300; i++)
			change(&table, &naive, kind == 2);
		assert_int_equal(secmap_table_type(table), type);
		secmap_table_free(table);
	}
}

/* Refused with this errno and sentence; nothing stays, and the table is what it was. */
static void refused(const struct secmap_table *table, struct secmap_table_change change, int err,
		    const char *text)
{
	static const u64 none;
	size_t live = kernel.live;
	struct secmap_why why = { "" };
	struct secmap_table *next;

	change.keys = change.keys ?: &none;
	change.remove = change.remove ?: &none;
	next = secmap_table_create_changed(table, 4, &change, &why);
	assert_true(IS_ERR(next));
	assert_string_equal(why.text, text);
	assert_int_equal(PTR_ERR(next), err);
	assert_int_equal(kernel.live, live);
	assert_int_equal(PTR_ERR(secmap_table_create_changed(table, 4, &change, NULL)), err);
	assert_int_equal(secmap_table_count(table), 3);
}

static void test_refusals(void **state)
{
	static const u64 twins[] = { 9, 1, 9 }, some[] = { 1, 2, 7 }, more[] = { 0, 3, 5 };
	struct secmap_table *table;
	u32 type;

	(void)state;
	for (type = SECMAP_TABLE_BITMAP; type <= SECMAP_TABLE_HASH; type++) {
		keys[0] = 1;
		keys[1] = 2;
		keys[2] = 3;
		table = table_of(type, 4, 3, NULL);
		refused(table, (struct secmap_table_change){ .count = 3, .keys = twins }, -EEXIST,
			"keys[2]: key 0x9 is given twice");
		refused(table, (struct secmap_table_change){ .remove_count = 3, .remove = twins },
			-EEXIST, "remove[2]: key 0x9 is given twice");
		refused(table, (struct secmap_table_change){ .remove_count = 3, .remove = some },
			-ENOENT, "remove[2]: key 0x7 is not in the table");
		refused(table,
			(struct secmap_table_change){
				.remove_count = 2, .remove = some, .count = 2, .keys = twins },
			-EEXIST, "remove[0]: key 0x1 is in keys, too");
		refused(table, (struct secmap_table_change){ .count = 3, .keys = more }, -ENOSPC,
			"it would hold 5 keys, above its max_entries 4");
		if (type == SECMAP_TABLE_BITMAP) {
			refused(table, (struct secmap_table_change){ .count = 1, .keys = twins },
				-EINVAL, "keys[0]: bit 9 is outside of max_entries 4");
			refused(table,
				(struct secmap_table_change){
					.count = 1, .keys = more, .values = more },
				-EINVAL, "a bitmap has no values");
		}
		secmap_table_free(table);
	}
}

/* Each allocation fails once; then nothing is left of it. */
static void test_no_memory(void **state)
{
	static const u64 one[] = { 1 }, two[] = { 8 };
	const struct secmap_table_change change = {
		.remove_count = 1, .remove = one, .count = 1, .keys = two, .values = two
	};
	struct secmap_table *table, *next;
	size_t at, live;

	(void)state;
	keys[0] = 1;
	table = table_of(SECMAP_TABLE_HASH, 4, 1, NULL);
	live = kernel.live;
	for (at = 1;; at++) {
		struct secmap_why why = { "" };

		kernel_reset();
		kernel.fail_at = at;
		next = secmap_table_create_changed(table, 4, &change, &why);
		if (!IS_ERR(next))
			break;
		assert_int_equal(PTR_ERR(next), -ENOMEM);
		assert_memory_equal(why.text, "no memory for ", 14);
		assert_int_equal(kernel.live, live);
	}
	/* Two to look keys up in, the list, and the table. */
	assert_int_equal(at, 5);
	kernel_reset();
	secmap_table_free(next);
	secmap_table_free(table);
}

static int nothing_left(void **state)
{
	(void)state;
	return kernel.live != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, nothing_left);
}
