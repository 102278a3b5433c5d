// SPDX-License-Identifier: GPL-2.0-only
/* Tables: against a naive set, at their bounds, and with bad luck. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "seed.h"

/* The file itself: the longest probe is asserted, and that is nobody else's to see. */
#include "../../module/table.c"

#define MOST SECMAP_LIMIT_HASH_ENTRIES

static u64 keys[MOST + 1], values[MOST + 1], sorted[MOST + 1];

static int compare(const void *a, const void *b)
{
	u64 one = *(const u64 *)a, other = *(const u64 *)b;

	return one < other ? -1 : one > other;
}

/* The naive set: a sorted list. */
static bool is_sorted_key(u32 count, u64 key)
{
	return bsearch(&key, sorted, count, sizeof(key), compare);
}

/* Drops keys that were drawn twice. */
static u32 without_twins(u32 count)
{
	u32 i, n = 0;

	qsort(keys, count, sizeof(keys[0]), compare);
	for (i = 0; i < count; i++)
		if (!i || keys[i] != keys[n - 1])
			keys[n++] = keys[i];
	memcpy(sorted, keys, n * sizeof(keys[0]));
	/* In no order, as they come from users. */
	for (i = n; i > 1; i--) {
		u32 other = seed_below(i);

		swap(keys[i - 1], keys[other]);
	}
	return n;
}

static struct secmap_table *hash(u32 count, const u64 *with_values)
{
	struct secmap_table_spec spec = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = max(count, 1U),
		.count = count,
		.keys = keys,
		.values = with_values,
	};
	struct secmap_table *table = secmap_table_create(&spec, NULL);

	assert_false(IS_ERR(table));
	return table;
}

/* Where a key lies, counted from home; the walk meets no empty slot. */
static u32 distance(const struct secmap_table *table, u64 key)
{
	size_t home = lookup_home(table, key), at;

	for (at = home; table->keys[at] != key; at++)
		assert_true(table->keys[at] != table->empty);
	return at - home;
}

static void check_layout(const struct secmap_table *table, u32 count)
{
	size_t slots = table_slots(table), at, used = 0, home = 0;
	u32 longest = 0;

	for (at = 0; at < slots; at++) {
		u64 key = table->keys[at];

		if (key == table->empty)
			continue;
		used++;
		assert_true(lookup_home(table, key) >= home);
		home = lookup_home(table, key);
		longest = max(longest, distance(table, key) + 1);
	}
	assert_int_equal(used, count);
	assert_int_equal(table->probes, max(longest, 1U));
	assert_true(table->probes <= SECMAP_LIMIT_PROBES);
	/* Of few keys, as many slots as it takes; of some, four each. */
	assert_true(slots - SECMAP_LIMIT_PROBES >=
		    (count > TABLE_FEW && count <= TABLE_SMALL ? 4 : 2) * (size_t)count);
	assert_true(table->keys[slots - 1] == table->empty);
}

static void check_key(const struct secmap_table *table, u32 count, u64 key)
{
	u64 value = 0xdead;
	bool there = is_sorted_key(count, key);

	assert_int_equal(secmap_table_has(table, key), there);
	assert_int_equal(secmap_table_get(table, key, &value), there);
	if (!there)
		assert_true(value == 0xdead);
}

static void check_hash(u32 count, bool with_values)
{
	struct secmap_table *table = hash(count, with_values ? values : NULL);
	u32 i;

	assert_int_equal(secmap_table_type(table), SECMAP_TABLE_HASH);
	assert_true(secmap_table_bytes(table) >= count * (with_values ? 32ULL : 16ULL));
	check_layout(table, count);
	for (i = 0; i < count; i++) {
		u64 value = ~values[i];

		assert_true(secmap_table_has(table, keys[i]));
		assert_true(secmap_table_get(table, keys[i], &value));
		assert_true(value == (with_values ? values[i] : 0));
	}
	for (i = 0; i < count && i < 4096; i++) {
		check_key(table, count, keys[i] - 1);
		check_key(table, count, keys[i] + 1);
		check_key(table, count, keys[i] ^ 1ULL << seed_below(64));
	}
	for (i = 0; i < 1000; i++)
		check_key(table, count, seed_edge());
	check_key(table, count, 0);
	check_key(table, count, U64_MAX);
	check_key(table, count, table->empty);
	secmap_table_free(table);
	assert_int_equal(kernel.live, 0);
}

/* How keys of real users, and of unreal ones, lie. */
static u32 draw_keys(u32 kind, u32 count)
{
	u64 start = seed_edge(), step = seed_edge() | 1, shift = seed_below(64);
	u32 i;

	for (i = 0; i < count; i++) {
		switch (kind) {
		case 0:
			keys[i] = seed_next();
			break;
		case 1:
			keys[i] = seed_edge();
			break;
		case 2: /* adjacent, over the end too */
			keys[i] = start + i;
			break;
		case 3: /* arithmetic progression */
			keys[i] = start + i * step;
			break;
		case 4: /* the same in the upper bits only */
			keys[i] = (u64)i << shift;
			break;
		default: /* several progressions */
			keys[i] = (u64)(i % 7) * start + (i / 7) * step;
		}
		values[i] = seed_next();
	}
	return without_twins(count);
}

#define KEY_KINDS 6

static void test_hash_model(void **state)
{
	static const u32 counts[] = { 0,   1,	2,   3,	  4,	5,    7,    8,	   9,
				      15,  16,	17,  31,  32,	33,   63,   64,	   65,
				      100, 255, 256, 257, 1000, 1024, 4096, 10000, 65536 };
	u32 i, kind;

	(void)state;
	seed_start("hash maps against a set");
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		for (kind = 0; kind < KEY_KINDS; kind++)
			check_hash(draw_keys(kind, counts[i]), seed_once_in(2));
	for (i = 0; i < 2000; i++)
		check_hash(draw_keys(seed_below(KEY_KINDS), seed_below(300)), seed_once_in(2));
}

/* As many keys as there may be. */
static void test_hash_most(void **state)
{
	(void)state;
	seed_start("the largest hash maps");
	check_hash(draw_keys(3, MOST), true);
	check_hash(draw_keys(0, MOST), false);
}

static void test_hash_ends(void **state)
{
	(void)state;
	seed_start("keys 0 and ~0");
	keys[0] = sorted[0] = 0;
	keys[1] = sorted[1] = U64_MAX;
	check_hash(1, false);
	check_hash(2, true);
	keys[0] = sorted[0] = U64_MAX;
	check_hash(1, true);
}

static struct secmap_table *bitmap(u32 bits, u32 count)
{
	struct secmap_table_spec spec = {
		.type = SECMAP_TABLE_BITMAP,
		.max_entries = bits,
		.count = count,
		.keys = keys,
	};
	struct secmap_table *table = secmap_table_create(&spec, NULL);

	assert_false(IS_ERR(table));
	return table;
}

static void check_bitmap(u32 bits)
{
	struct secmap_table *table;
	u32 count = seed_below(bits) + 1, i;

	for (i = 0; i < count; i++)
		keys[i] = seed_below(bits);
	count = without_twins(count);
	table = bitmap(bits, count);
	assert_int_equal(secmap_table_type(table), SECMAP_TABLE_BITMAP);
	assert_true(secmap_table_bytes(table) >= (bits + 7) / 8);
	for (i = 0; i < count; i++) {
		u64 value = 1;

		assert_true(secmap_table_has(table, keys[i]));
		assert_true(secmap_table_get(table, keys[i], &value));
		assert_true(value == 0);
	}
	for (i = 0; i < bits && i < 2000; i++)
		check_key(table, count, seed_below(bits));
	check_key(table, count, bits - 1);
	check_key(table, count, bits);
	check_key(table, count, bits + 1ULL);
	check_key(table, count, U32_MAX);
	check_key(table, count, 1ULL << 32);
	check_key(table, count, U64_MAX);
	for (i = 0; i < 1000; i++)
		check_key(table, count, seed_edge());
	secmap_table_free(table);
	assert_int_equal(kernel.live, 0);
}

static void test_bitmap_model(void **state)
{
	static const u32 sizes[] = { 1,
				     2,
				     63,
				     64,
				     65,
				     127,
				     128,
				     129,
				     1000,
				     4096,
				     65536,
				     SECMAP_LIMIT_BITMAP_BITS - 1,
				     SECMAP_LIMIT_BITMAP_BITS };
	u32 i;

	(void)state;
	seed_start("bitmaps against a set");
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		check_bitmap(sizes[i]);
	for (i = 0; i < 500; i++)
		check_bitmap(1 + seed_below(500));
	secmap_table_free(bitmap(1, 0));
	secmap_table_free(NULL);
}

/* Refused with this errno and sentence, with and without a place for it; nothing stays. */
static void refused(const struct secmap_table_spec *spec, int err, const char *text)
{
	size_t live = kernel.live;
	struct secmap_why why = { "" };
	struct secmap_table *table = secmap_table_create(spec, &why);

	assert_true(IS_ERR(table));
	assert_string_equal(why.text, text);
	assert_int_equal(PTR_ERR(table), err);
	assert_int_equal(kernel.live, live);
	table = secmap_table_create(spec, NULL);
	assert_int_equal(PTR_ERR(table), err);
	assert_int_equal(kernel.live, live);
}

static void test_refusals(void **state)
{
	static const u64 twins[] = { 0, 7, U64_MAX, 3, U64_MAX };
	static const u64 bits[] = { 0, 63, 64, 5, 63 };
	static const u64 far[] = { 1ULL << 32 };

	(void)state;
	refused(&(struct secmap_table_spec){ .type = 2, .max_entries = 1 }, -EOPNOTSUPP,
		"type 2 is unknown");
	refused(&(struct secmap_table_spec){ .type = U32_MAX }, -EOPNOTSUPP,
		"type 4294967295 is unknown");
	refused(&(struct secmap_table_spec){ .type = SECMAP_TABLE_HASH }, -EINVAL,
		"max_entries is 0");
	refused(&(struct secmap_table_spec){ .type = SECMAP_TABLE_BITMAP }, -EINVAL,
		"max_entries is 0");
	refused(&(struct secmap_table_spec){ .type = SECMAP_TABLE_HASH,
					     .max_entries = SECMAP_LIMIT_HASH_ENTRIES + 1 },
		-E2BIG, "max_entries 1048577 is above the limit of 1048576");
	refused(&(struct secmap_table_spec){ .type = SECMAP_TABLE_BITMAP,
					     .max_entries = SECMAP_LIMIT_BITMAP_BITS + 1 },
		-E2BIG, "max_entries 1048577 is above the limit of 1048576");
	refused(
		&(struct secmap_table_spec){
			.type = SECMAP_TABLE_HASH, .max_entries = 2, .count = 3, .keys = bits },
		-EINVAL, "count 3 is above max_entries 2");
	refused(&(struct secmap_table_spec){ .type = SECMAP_TABLE_BITMAP,
					     .max_entries = 100,
					     .count = 1,
					     .keys = bits,
					     .values = bits },
		-EINVAL, "a bitmap has no values");
	refused(
		&(struct secmap_table_spec){
			.type = SECMAP_TABLE_BITMAP, .max_entries = 64, .count = 3, .keys = bits },
		-EINVAL, "keys[2]: bit 64 is outside of max_entries 64");
	refused(
		&(struct secmap_table_spec){
			.type = SECMAP_TABLE_BITMAP, .max_entries = 64, .count = 1, .keys = far },
		-EINVAL, "keys[0]: bit 4294967296 is outside of max_entries 64");
	refused(
		&(struct secmap_table_spec){
			.type = SECMAP_TABLE_BITMAP, .max_entries = 65, .count = 5, .keys = bits },
		-EEXIST, "keys[4]: bit 63 is given twice");
	refused(
		&(struct secmap_table_spec){
			.type = SECMAP_TABLE_HASH, .max_entries = 5, .count = 5, .keys = twins },
		-EEXIST, "keys[4]: key 0xffffffffffffffff is given twice");
}

static void test_no_memory(void **state)
{
	struct secmap_table_spec spec = { .max_entries = 8, .count = 2, .keys = (u64[]){ 1, 2 } };

	(void)state;
	for (spec.type = 0; spec.type < 2; spec.type++) {
		struct secmap_why why = { "" };
		struct secmap_table *table;

		kernel_reset();
		kernel.fail_at = 1;
		table = secmap_table_create(&spec, &why);
		assert_int_equal(PTR_ERR(table), -ENOMEM);
		assert_string_equal(why.text, spec.type == SECMAP_TABLE_HASH ?
						      "no memory for 2 keys" :
						      "no memory for 8 bits");
		assert_int_equal(kernel.live, 0);
		assert_int_equal(kernel.allocs, 1);
	}
	kernel_reset();
}

/* Each key at home, but for one table in a million or so; however bad the luck, they fit. */
static void test_hash_few(void **state)
{
	u32 i, spread = 0;

	(void)state;
	seed_start("small hash maps");
	for (i = 0; i < 2000; i++) {
		u32 count = draw_keys(i % KEY_KINDS, 1 + i % TABLE_FEW);
		struct secmap_table *table = hash(count, NULL);

		check_layout(table, count);
		spread += table->probes == 1;
		secmap_table_free(table);
	}
	assert_in_range(spread, 1998, 2000);
}

/*
 * Bad luck. With this multiplier the keys 0, i, 2i ... multiply to 0, 1, 2 ..., so all
 * of them have the same home.
 */
#define BAD_MULTIPLIER 0x9e3779b97f4a7c15ULL

static size_t bad_tries;

/* Each try takes two: the multiplier, and what is in empty slots. */
static u64 bad_random(size_t n)
{
	if (n % 2)
		return 0x123456789abcdefULL;
	return n / 2 < bad_tries ? BAD_MULTIPLIER : seed_next();
}

static void colliding_keys(u32 count)
{
	u64 inverse = BAD_MULTIPLIER;
	u32 i;

	/* Newton: each step doubles the bits that are right. */
	for (i = 0; i < 6; i++)
		inverse *= 2 - BAD_MULTIPLIER * inverse;
	assert_true(inverse * BAD_MULTIPLIER == 1);
	for (i = 0; i < count; i++)
		keys[i] = i * inverse;
	without_twins(count);
}

static void test_collisions(void **state)
{
	struct secmap_table_spec spec = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = 1000,
		.count = SECMAP_LIMIT_PROBES + 1,
		.keys = keys,
	};

	(void)state;
	seed_start("collisions");
	colliding_keys(spec.count);
	kernel_reset();
	kernel.random = bad_random;

	/* Few keys are tried in all sizes first, and lie one behind the other at last. */
	bad_tries = SIZE_MAX;
	colliding_keys(TABLE_FEW);
	check_hash(TABLE_FEW, false);
	assert_int_equal(kernel.randoms, 2 * (TABLE_ROOM_LAST_FEW * TABLE_TRIES + 1));
	kernel.randoms = 0;
	colliding_keys(spec.count);

	/* As many as a look-up may touch: they fit even so. */
	bad_tries = SIZE_MAX;
	spec.count--;
	check_hash(spec.count, false);
	assert_int_equal(kernel.randoms, 2);

	/* One more, and it is tried again. */
	spec.count++;
	for (bad_tries = 1; bad_tries < TABLE_TRIES; bad_tries++) {
		kernel.randoms = 0;
		check_hash(spec.count, false);
		assert_int_equal(kernel.randoms, 2 * (bad_tries + 1));
	}
	/* With more room, then. */
	for (; bad_tries < 2 * TABLE_TRIES; bad_tries++) {
		kernel.randoms = 0;
		kernel.allocs = 0;
		check_hash(spec.count, false);
		assert_int_equal(kernel.allocs, 2);
	}
	/* No such luck: refused, after a bounded number of tries. */
	bad_tries = SIZE_MAX;
	kernel.randoms = 0;
	kernel.allocs = 0;
	refused(&spec, -ENOSPC, "33 keys do not fit with at most 32 probes each");
	assert_int_equal(kernel.randoms, 2 * 2 * 2 * TABLE_TRIES);
	assert_int_equal(kernel.allocs, 2 * 2);
	kernel_reset();
}

/* A table whose first allocation is enough, but whose second is refused. */
static void test_collisions_no_memory(void **state)
{
	struct secmap_table_spec spec = {
		.type = SECMAP_TABLE_HASH,
		.max_entries = 1000,
		.count = SECMAP_LIMIT_PROBES + 1,
		.keys = keys,
	};
	struct secmap_table *table;

	(void)state;
	colliding_keys(spec.count);
	kernel_reset();
	kernel.random = bad_random;
	kernel.fail_at = 2;
	bad_tries = SIZE_MAX;
	table = secmap_table_create(&spec, NULL);
	assert_int_equal(PTR_ERR(table), -ENOMEM);
	assert_int_equal(kernel.live, 0);
	kernel_reset();
}

/* What stands in empty slots is drawn again when it is one of the keys. */
static u64 random_that_is_a_key(size_t n)
{
	static const u64 drawn[] = { 1, 0, 1, 5, 1, U64_MAX, 6ULL << 60 | 6, 77 };

	assert_true(n < ARRAY_SIZE(drawn));
	return drawn[n];
}

static void test_empty_is_a_key(void **state)
{
	struct secmap_table *table;

	(void)state;
	kernel_reset();
	kernel.random = random_that_is_a_key;
	keys[0] = 5;
	keys[1] = U64_MAX;
	keys[2] = 0;
	table = hash(3, NULL);
	assert_int_equal(kernel.randoms, 8);
	assert_true(table->empty == 77);
	/* Even numbers would throw bits of the keys away. */
	assert_true(table->multiplier == (6ULL << 60 | 7));
	assert_true(secmap_table_has(table, 0));
	assert_true(secmap_table_has(table, 5));
	assert_true(secmap_table_has(table, U64_MAX));
	assert_false(secmap_table_has(table, 77));
	secmap_table_free(table);
	kernel_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_model),     cmocka_unit_test(test_hash_most),
		cmocka_unit_test(test_hash_ends),      cmocka_unit_test(test_bitmap_model),
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_collisions),     cmocka_unit_test(test_collisions_no_memory),
		cmocka_unit_test(test_empty_is_a_key), cmocka_unit_test(test_hash_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
