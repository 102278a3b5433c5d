// SPDX-License-Identifier: GPL-2.0-only
/* Recordings: what is noted is there, once it is too much that is told, and nothing gets lost. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel.h"

/* The file itself: which values come into each other's way is nobody else's to see. */
#include "../../module/recording.c"

#define MOST SECMAP_LIMIT_RECORDED_VALUES

static const struct secmap_where here = { .abi = SECMAP_ABI_X86_64, .nr = 16 };

static struct secmap_recording *created(const struct secmap_recorder_set *sets, u32 count)
{
	struct secmap_recording *made = secmap_recording_create(sets, count);

	assert_false(IS_ERR(made));
	return made;
}

static struct secmap_recorder_set set(u32 abi, u32 nr, u32 args)
{
	return (struct secmap_recorder_set){ sizeof(struct secmap_recorder_set), abi, nr, args };
}

static struct secmap_recorder_read calls(const struct secmap_recording *of)
{
	struct secmap_recorder_read read = { 0 };

	secmap_recording_calls(of, &read);
	return read;
}

/* The values of the first set, and what else is said of it. */
static u64 *values(const struct secmap_recording *of, u32 *count, u32 *overflow)
{
	u32 words;
	u64 *found = secmap_recording_values(of, 0, count, &words, overflow);

	assert_false(IS_ERR(found));
	return found;
}

static void note(struct secmap_recording *in, struct secmap_where where, u64 first)
{
	const __u64 args[6] = { first, ~first, 3, 4, 5, 6 };

	secmap_recording_note(in, where, args);
}

static void test_calls(void **state)
{
	static const struct secmap_where others[] = {
		{ SECMAP_ABI_COUNT, 1 },
		{ SECMAP_ABI_X86_64, SECMAP_NR_MAX },
		{ SECMAP_ABI_I386, U32_MAX },
	};
	struct secmap_recording *made = created(NULL, 0);
	u32 abi, nr, i;

	(void)state;
	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++)
		for (nr = 0; nr < SECMAP_NR_MAX; nr++)
			if ((nr + abi) % 3 == 0)
				note(made, (struct secmap_where){ abi, nr }, 0);
	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++)
		for (nr = 0; nr < SECMAP_NR_MAX; nr++)
			assert_int_equal(calls(made).out_calls[abi][nr / 64] >> (nr % 64) & 1,
					 (nr + abi) % 3 == 0);
	assert_int_equal(calls(made).out_other, 0);
	secmap_recording_free(made);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		made = created(NULL, 0);
		note(made, others[i], 0);
		assert_int_equal(calls(made).out_other, 1);
		for (nr = 0; nr < SECMAP_NR_WORDS; nr++)
			assert_int_equal(calls(made).out_calls[0][nr], 0);
		secmap_recording_free(made);
	}
}

static void test_arguments(void **state)
{
	const struct secmap_recorder_set all = set(here.abi, here.nr, 0b100011);
	struct secmap_recording *made = created(&all, 1);
	u32 count, words, overflow;
	u64 *found;

	(void)state;
	note(made, here, 7);
	note(made, here, 7);
	note(made, (struct secmap_where){ here.abi, here.nr + 1 }, 8);
	note(made, (struct secmap_where){ SECMAP_ABI_I386, here.nr }, 9);
	found = secmap_recording_values(made, 0, &count, &words, &overflow);
	assert_int_equal(count, 1);
	assert_int_equal(words, 3);
	assert_int_equal(overflow, 0);
	assert_true(found[0] == 7 && found[1] == ~7ULL && found[2] == 6);
	secmap_release(found);
	assert_int_equal(PTR_ERR(secmap_recording_values(made, 1, &count, &words, &overflow)),
			 -EINVAL);
	secmap_recording_free(made);
}

static void test_as_many_as_fit(void **state)
{
	const struct secmap_recorder_set one = set(here.abi, here.nr, 1);
	struct secmap_recording *made = created(&one, 1);
	u32 count, overflow, i, j;
	bool seen[MOST] = { 0 };
	u64 *found;

	(void)state;
	for (j = 0; j < 2; j++)
		for (i = 0; i < MOST; i++)
			note(made, here, i * 0x100000001ULL);
	found = values(made, &count, &overflow);
	assert_int_equal(count, MOST);
	assert_int_equal(overflow, 0);
	for (i = 0; i < count; i++) {
		assert_true((u32)found[i] < MOST && found[i] >> 32 == (u32)found[i]);
		assert_false(seen[(u32)found[i]]);
		seen[(u32)found[i]] = true;
	}
	secmap_release(found);
	note(made, here, 12345678);
	secmap_release(values(made, &count, &overflow));
	assert_int_equal(overflow, 1);
	assert_int_equal(count, MOST);
	secmap_recording_free(made);
}

static void test_refused(void **state)
{
	const struct {
		struct secmap_recorder_set set;
		int err;
	} cases[] = {
		{ set(SECMAP_ABI_COUNT, 1, 1), -EOPNOTSUPP },
		{ set(0, SECMAP_NR_MAX, 1), -EINVAL },
		{ set(0, 1, 0), -EINVAL },
		{ set(0, 1, 1 << 6), -EINVAL },
		{ set(0, 1, 0x80000001), -EINVAL },
	};
	const struct secmap_recorder_set twice[] = { set(1, 2, 1), set(1, 2, 2) };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(PTR_ERR(secmap_recording_create(&cases[i].set, 1)), cases[i].err);
	assert_int_equal(PTR_ERR(secmap_recording_create(twice, 2)), -EEXIST);
	kernel_reset();
	kernel.fail_at = 1;
	assert_int_equal(PTR_ERR(secmap_recording_create(twice, 1)), -ENOMEM);
	kernel_reset();
	assert_int_equal(kernel.live, 0);
}

#define THREADS 4
#define EACH	24
#define ROUNDS	2000

static struct secmap_recording *shared[ROUNDS];
static u64 own_values[THREADS][EACH];
static pthread_barrier_t barrier;

/* For each thread values of its own, which begin where those of the others do. */
static void choose_values(void)
{
	const struct recording_set first = { .args = 1 };
	u32 i, thread;
	u64 value = 1, picked[6];

	for (i = 0; i < EACH; i++)
		for (thread = 0; thread < THREADS; thread++) {
			while (pick(&first, &value, picked) != i * 20)
				value++;
			own_values[thread][i] = value++;
		}
}

/* All record what is theirs, and what is everybody's, and begin each round together. */
static void *record(void *number)
{
	u64 own = (uintptr_t)number;
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (i = 0; i < EACH; i++) {
			note(shared[round], here, own_values[own][i]);
			note(shared[round], here, (u64)i << 48);
			note(shared[round], (struct secmap_where){ 0, i * 8 + own }, 0);
		}
	}
	return NULL;
}

static bool is_there(const u64 *found, u32 count, u64 value)
{
	while (count--)
		if (found[count] == value)
			return true;
	return false;
}

static void test_many_at_once(void **state)
{
	const struct secmap_recorder_set one = set(here.abi, here.nr, 1);
	pthread_t threads[THREADS];
	u32 round, count, overflow;
	uintptr_t own;
	u64 *found, i;

	(void)state;
	choose_values();
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (round = 0; round < ROUNDS; round++)
		shared[round] = created(&one, 1);
	for (own = 0; own < THREADS; own++)
		pthread_create(&threads[own], NULL, record, (void *)own);
	for (own = 0; own < THREADS; own++)
		pthread_join(threads[own], NULL);
	for (round = 0; round < ROUNDS; round++) {
		found = values(shared[round], &count, &overflow);
		/* One that several had at once may be there several times. */
		assert_int_equal(overflow, 0);
		for (own = 0; own < THREADS; own++)
			for (i = 0; i < EACH; i++) {
				u64 nr = i * 8 + own;

				assert_true(is_there(found, count, own_values[own][i]));
				assert_true(is_there(found, count, i << 48));
				assert_true(shared[round]->calls[0][nr / 64] >> (nr % 64) & 1);
			}
		secmap_release(found);
		secmap_recording_free(shared[round]);
	}
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),	       cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_as_many_as_fit), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
