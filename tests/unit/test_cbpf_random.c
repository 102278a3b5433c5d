// SPDX-License-Identifier: GPL-2.0-only
/* Classic BPF against the reference: random programs, refused or run as it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "cbpf.h"
#include "decoded.h"
#include "kernel.h"
#include "program.h"
#include "seed.h"

#define PROGRAMS 100000
#define LONG	 40 /* programs of up to SECMAP_LIMIT_INSNS */
#define CALLS	 8  /* each */

static struct sock_filter program[SECMAP_LIMIT_INSNS];
static struct decoded decoded[SECMAP_LIMIT_INSNS];

/* What this run has met. */
static struct {
	u32 valid, invalid, broken_valid, zero;
	u32 returned[16]; /* values, by their last four bits */
} seen;

static void run_calls(const struct sock_filter *filter, u32 len)
{
	struct seccomp_data *call = malloc(sizeof(*call));
	u32 i;

	for (i = 0; i < CALLS; i++) {
		u32 ours, theirs;

		program_call(call);
		ours = secmap_cbpf_run(filter, len, call);
		theirs = decoded_run(decoded, call);
		if (ours != theirs)
			fail_msg("%u instructions: %#x, not %#x", len, ours, theirs);
		seen.zero += !ours;
		seen.returned[ours % 16]++;
	}
	free(call);
}

/* Valid, or not, as the reference says; if it is, it runs as the reference does. */
static bool judge(u32 len)
{
	struct sock_filter *filter = program_copy(program, len);
	bool valid = decode(program, len, decoded);
	struct secmap_why why = { "" };
	int err = secmap_cbpf_valid(filter, len, &why);

	if (err != (valid ? 0 : -EINVAL))
		fail_msg("%u instructions: %d, %s", len, err, why.text);
	assert_int_equal(!why.text[0], valid);
	assert_int_equal(kernel.live, 0);
	if (valid) {
		run_calls(filter, len);
		/* It changes the program: last. */
		assert_int_equal(secmap_cbpf_check(filter, len), 0);
	}
	free(filter);
	return valid;
}

static void test_random(void **state)
{
	u32 i, len;

	(void)state;
	seed_start("programs against the reference");
	for (i = 0; i < PROGRAMS; i++) {
		len = 1 + seed_below(seed_once_in(4) ? 64 : 16);
		program_random(program, len);
		if (judge(len))
			seen.valid++;
		else
			seen.invalid++;
		program_break(program, len);
		seen.broken_valid += judge(len);
	}
	for (i = 0; i < LONG; i++) {
		len = SECMAP_LIMIT_INSNS - seed_below(seed_once_in(2) ? 4 : 3000);
		program_random(program, len);
		judge(len);
	}
	printf("%u valid, %u not; changed: %u valid; %u returned 0\n", seen.valid, seen.invalid,
	       seen.broken_valid, seen.zero);
	assert_true(seen.valid > PROGRAMS / 4 && seen.invalid > PROGRAMS / 100);
	assert_true(seen.broken_valid > PROGRAMS / 10 && seen.broken_valid < PROGRAMS);
	for (i = 0; i < ARRAY_SIZE(seen.returned); i++)
		assert_true(seen.returned[i] > PROGRAMS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
