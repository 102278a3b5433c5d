// SPDX-License-Identifier: GPL-2.0-only
/* Every record of the ABI: its size, and that it is the sum of its members. */
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <secmap/secmap.h>

/* @last ends where the record does: together with the sizes, no hole at the end. */
#define CHECK(record, size, last)						\
	static_assert(sizeof(struct record) == (size));				\
	static_assert(offsetofend(struct record, last) == (size))

CHECK(secmap_info, 72, out_objects_max);
CHECK(secmap_table_create, 80, out_pad);
CHECK(secmap_cond, 32, mask);
CHECK(secmap_rule, 16, cond_count);
CHECK(secmap_abi, 56, conds);
CHECK(secmap_policy_create, 96, out_pad);
CHECK(secmap_policy_by_id, 16, pad);
CHECK(secmap_policy_next, 16, out_id);
CHECK(secmap_policy_info, 136, out_name);
CHECK(secmap_verdict, 8, rule);
CHECK(secmap_policy_test, 40, verdicts);
CHECK(secmap_attach, 24, out_pad);
CHECK(secmap_detach, 24, out_pad);
CHECK(secmap_task_info, 32, out_pad);
CHECK(secmap_task, 16, top_id);
CHECK(secmap_task_list, 32, tasks);

/* Where alignment could have made a hole in the middle. */
static_assert(offsetof(struct secmap_info, out_features) == 16);
static_assert(offsetof(struct secmap_table_create, keys) == 24);
static_assert(offsetof(struct secmap_cond, value) == 16);
static_assert(offsetof(struct secmap_abi, allow) == 32);
static_assert(offsetof(struct secmap_policy_create, abis) == 32);
static_assert(offsetof(struct secmap_policy_info, out_bytes) == 96);
static_assert(offsetof(struct secmap_policy_test, calls) == 24);
static_assert(offsetof(struct secmap_task_info, ids) == 16);
static_assert(offsetof(struct secmap_task_list, cursor) == 16);

/* Part of the ABI: never to be used for something else. */
static_assert(SECMAP_ABI_X86_64 == 0 && SECMAP_ABI_X32 == 1 && SECMAP_ABI_I386 == 2);
static_assert(SECMAP_OP_EQ == 0 && SECMAP_OP_NOT_IN == 8 && SECMAP_OP_COUNT == 9);

/* The probe masks numbers with it. */
static_assert((SECMAP_NR_MAX & (SECMAP_NR_MAX - 1)) == 0 && SECMAP_NR_MAX % 64 == 0);
