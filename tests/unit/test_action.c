// SPDX-License-Identifier: GPL-2.0-only
/* Actions, which of two is stricter, and whose call it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "kernel.h"
#include "rules.h"
#include "verdict.h"

/* Strictest first, as seccomp(2) lists them. */
static const struct {
	u32 action;
	u32 bit;
} actions[] = {
	{ SECCOMP_RET_KILL_PROCESS, SECMAP_ACTION_KILL_PROCESS },
	{ SECCOMP_RET_KILL_THREAD, SECMAP_ACTION_KILL_THREAD },
	{ SECCOMP_RET_TRAP, SECMAP_ACTION_TRAP },
	{ SECCOMP_RET_ERRNO, SECMAP_ACTION_ERRNO },
	{ SECCOMP_RET_USER_NOTIF, SECMAP_ACTION_USER_NOTIF },
	{ SECCOMP_RET_TRACE, SECMAP_ACTION_TRACE },
	{ SECCOMP_RET_LOG, SECMAP_ACTION_LOG },
	{ SECCOMP_RET_ALLOW, SECMAP_ACTION_ALLOW },
};

static void test_bits(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(actions); i++) {
		assert_int_equal(secmap_action_bit(actions[i].action), actions[i].bit);
		assert_int_equal(secmap_action_bit(actions[i].action | 0xffff), actions[i].bit);
	}
}

/* All 65536 values of the action's half: eight are known, no other is. */
static void test_unknown(void **state)
{
	u32 known = 0, high, i;

	(void)state;
	for (high = 0; high <= 0xffff; high++) {
		u32 action = high << 16 | 1;
		u32 bit = 0;

		for (i = 0; i < ARRAY_SIZE(actions); i++)
			if (actions[i].action == high << 16)
				bit = actions[i].bit;
		known += bit != 0;
		assert_int_equal(secmap_action_bit(action), bit);
		assert_int_equal(secmap_action_check(action), bit ? 0 : -EOPNOTSUPP);
	}
	assert_int_equal(known, ARRAY_SIZE(actions));
}

/* All data of ERRNO; other actions may have any. */
static void test_data(void **state)
{
	u32 data, i;

	(void)state;
	for (data = 0; data <= SECCOMP_RET_DATA; data++) {
		bool restarts = data >= 512 && data <= 516;

		assert_int_equal(secmap_action_check(SECCOMP_RET_ERRNO | data),
				 restarts ? -EINVAL : 0);
	}
	for (i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i].action != SECCOMP_RET_ERRNO)
			for (data = 510; data < 520; data++)
				assert_int_equal(secmap_action_check(actions[i].action | data), 0);
}

static void test_stricter(void **state)
{
	size_t a, b;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(actions); a++) {
		for (b = 0; b < ARRAY_SIZE(actions); b++) {
			u32 one = actions[a].action, other = actions[b].action;

			assert_int_equal(secmap_verdict_stricter(one, other), a < b);
			assert_int_equal(secmap_verdict_stricter(one | 0xffff, other), a < b);
			assert_int_equal(secmap_verdict_stricter(one, other | 0xffff), a < b);
		}
	}
}

/* Newest first, as a stack is judged: the strictest wins, of equals the newest one. */
static u32 combine(const u32 *verdicts, size_t count)
{
	u32 kept = SECCOMP_RET_ALLOW;
	size_t i;

	for (i = 0; i < count; i++)
		if (secmap_verdict_stricter(verdicts[i], kept))
			kept = verdicts[i];
	return kept;
}

static void test_combine(void **state)
{
	const u32 errnos[] = { SECCOMP_RET_ERRNO | 5, SECCOMP_RET_ERRNO | 1, SECCOMP_RET_LOG };
	const u32 mixed[] = { SECCOMP_RET_LOG, SECCOMP_RET_ERRNO | 9, SECCOMP_RET_KILL_PROCESS,
			      SECCOMP_RET_KILL_THREAD, SECCOMP_RET_ALLOW };
	const u32 allows[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW };

	(void)state;
	assert_int_equal(combine(errnos, ARRAY_SIZE(errnos)), SECCOMP_RET_ERRNO | 5);
	assert_int_equal(combine(mixed, ARRAY_SIZE(mixed)), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(combine(mixed, 2), SECCOMP_RET_ERRNO | 9);
	assert_int_equal(combine(allows, ARRAY_SIZE(allows)), SECCOMP_RET_ALLOW);
}

static void test_where(void **state)
{
	static const struct {
		u32 arch, raw;
		u32 abi, nr;
	} calls[] = {
		{ AUDIT_ARCH_X86_64, 0, SECMAP_ABI_X86_64, 0 },
		{ AUDIT_ARCH_X86_64, 1023, SECMAP_ABI_X86_64, 1023 },
		{ AUDIT_ARCH_X86_64, 1024, SECMAP_ABI_X86_64, 1024 },
		{ AUDIT_ARCH_X86_64, 0x3fffffff, SECMAP_ABI_X86_64, 0x3fffffff },
		{ AUDIT_ARCH_X86_64, 0x40000000, SECMAP_ABI_X32, 0 },
		{ AUDIT_ARCH_X86_64, 0x40000000 + 1023, SECMAP_ABI_X32, 1023 },
		{ AUDIT_ARCH_X86_64, 0x40000000 + 1024, SECMAP_ABI_X32, 1024 },
		{ AUDIT_ARCH_X86_64, 0x7fffffff, SECMAP_ABI_X32, 0x3fffffff },
		{ AUDIT_ARCH_X86_64, 0x80000000, SECMAP_ABI_X32, 0x40000000 },
		{ AUDIT_ARCH_X86_64, 0xc0000000, SECMAP_ABI_X32, 0x80000000 },
		{ AUDIT_ARCH_X86_64, (u32)-2, SECMAP_ABI_X32, 0xbffffffe },
		{ AUDIT_ARCH_X86_64, (u32)-1, SECMAP_ABI_X86_64, (u32)-1 },
		{ AUDIT_ARCH_I386, 0, SECMAP_ABI_I386, 0 },
		{ AUDIT_ARCH_I386, 1023, SECMAP_ABI_I386, 1023 },
		{ AUDIT_ARCH_I386, 0x40000000, SECMAP_ABI_I386, 0x40000000 },
		{ AUDIT_ARCH_I386, (u32)-1, SECMAP_ABI_I386, (u32)-1 },
		{ AUDIT_ARCH_AARCH64, 0, SECMAP_ABI_COUNT, 0 },
		{ AUDIT_ARCH_AARCH64, 0x40000000, SECMAP_ABI_COUNT, 0x40000000 },
		{ 0, (u32)-1, SECMAP_ABI_COUNT, (u32)-1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct secmap_where where = secmap_where(calls[i].arch, calls[i].raw);

		assert_int_equal(where.abi, calls[i].abi);
		assert_int_equal(where.nr, calls[i].nr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),	cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_data),	cmocka_unit_test(test_stricter),
		cmocka_unit_test(test_combine), cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
