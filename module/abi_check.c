// SPDX-License-Identifier: GPL-2.0-only
/* Every record of the ABI: its size, and that it is the sum of its members. */
#include <linux/bpf.h>
#include <linux/build_bug.h>
#include <linux/filter.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <secmap/secmap.h>

/* Each record's size, and where its last member ends: no hole there. */
static_assert(sizeof(struct secmap_info) == 96);
static_assert(offsetofend(struct secmap_info, out_pad) == 96);
static_assert(sizeof(struct secmap_table_create) == 80);
static_assert(offsetofend(struct secmap_table_create, out_pad) == 80);
static_assert(sizeof(struct secmap_table_update) == 72);
static_assert(offsetofend(struct secmap_table_update, out_stacks) == 72);
static_assert(sizeof(struct secmap_table_seal) == 16);
static_assert(offsetofend(struct secmap_table_seal, pad) == 16);
static_assert(sizeof(struct secmap_table_by_id) == 16);
static_assert(offsetofend(struct secmap_table_by_id, pad) == 16);
static_assert(sizeof(struct secmap_table_next) == 16);
static_assert(offsetofend(struct secmap_table_next, out_id) == 16);
static_assert(sizeof(struct secmap_table_info) == 80);
static_assert(offsetofend(struct secmap_table_info, out_name) == 80);
static_assert(sizeof(struct secmap_table_read) == 40);
static_assert(offsetofend(struct secmap_table_read, out_pad) == 40);
static_assert(sizeof(struct secmap_cond) == 32);
static_assert(offsetofend(struct secmap_cond, mask) == 32);
static_assert(sizeof(struct secmap_rule) == 16);
static_assert(offsetofend(struct secmap_rule, cond_count) == 16);
static_assert(sizeof(struct secmap_abi) == 56);
static_assert(offsetofend(struct secmap_abi, conds) == 56);
static_assert(sizeof(struct secmap_policy_create) == 104);
static_assert(offsetofend(struct secmap_policy_create, out_pad) == 104);
static_assert(sizeof(struct secmap_policy_by_id) == 16);
static_assert(offsetofend(struct secmap_policy_by_id, pad) == 16);
static_assert(sizeof(struct secmap_policy_next) == 16);
static_assert(offsetofend(struct secmap_policy_next, out_id) == 16);
static_assert(sizeof(struct secmap_policy_info) == 168);
static_assert(offsetofend(struct secmap_policy_info, out_counted) == 152);
static_assert(offsetofend(struct secmap_policy_info, tables) == 168);
static_assert(sizeof(struct secmap_policy_filter) == 32);
static_assert(offsetofend(struct secmap_policy_filter, out_pad) == 32);
static_assert(sizeof(struct secmap_verdict) == 8);
static_assert(offsetofend(struct secmap_verdict, rule) == 8);
static_assert(sizeof(struct secmap_policy_test) == 40);
static_assert(offsetofend(struct secmap_policy_test, verdicts) == 40);
static_assert(sizeof(struct secmap_policy_replace) == 40);
static_assert(offsetofend(struct secmap_policy_replace, out_stacks) == 24);
static_assert(offsetofend(struct secmap_policy_replace, log) == 40);
static_assert(sizeof(struct secmap_policy_seal) == 16);
static_assert(offsetofend(struct secmap_policy_seal, pad) == 16);
static_assert(sizeof(struct secmap_policy_count) == 24);
static_assert(offsetofend(struct secmap_policy_count, out_stacks) == 24);
static_assert(sizeof(struct secmap_count) == 24);
static_assert(offsetofend(struct secmap_count, count) == 24);
static_assert(sizeof(struct secmap_policy_stats) == 32);
static_assert(offsetofend(struct secmap_policy_stats, out_on) == 32);
static_assert(sizeof(struct secmap_attach) == 40);
static_assert(offsetofend(struct secmap_attach, out_pad) == 40);
static_assert(sizeof(struct secmap_number) == 8);
static_assert(sizeof(struct secmap_attach_later) == 40);
static_assert(offsetofend(struct secmap_attach_later, out_pad) == 40);
static_assert(sizeof(struct secmap_detach) == 24);
static_assert(offsetofend(struct secmap_detach, out_pad) == 24);
static_assert(sizeof(struct secmap_task_info) == 40);
static_assert(offsetofend(struct secmap_task_info, out_waiting) == 40);
static_assert(sizeof(struct secmap_task) == 16);
static_assert(offsetofend(struct secmap_task, top_id) == 16);
static_assert(sizeof(struct secmap_task_list) == 32);
static_assert(offsetofend(struct secmap_task_list, tasks) == 32);

static_assert(sizeof(struct secmap_recorder_set) == 16);
static_assert(offsetofend(struct secmap_recorder_set, args) == 16);
static_assert(sizeof(struct secmap_recorder_create) == 32);
static_assert(offsetofend(struct secmap_recorder_create, out_values_max) == 32);
static_assert(sizeof(struct secmap_recorder_read) == 424);
static_assert(offsetofend(struct secmap_recorder_read, out_calls) == 424);

/* Where alignment could have made a hole in the middle. */
static_assert(offsetof(struct secmap_info, out_features) == 16);
static_assert(offsetof(struct secmap_table_create, keys) == 24);
static_assert(offsetof(struct secmap_table_update, remove) == 24);
static_assert(offsetof(struct secmap_table_info, out_bytes) == 40);
static_assert(offsetof(struct secmap_table_read, keys) == 16);
static_assert(offsetof(struct secmap_cond, value) == 16);
static_assert(offsetof(struct secmap_abi, allow) == 32);
static_assert(offsetof(struct secmap_policy_create, abis) == 32);
static_assert(offsetof(struct secmap_policy_info, out_bytes) == 96);
static_assert(offsetof(struct secmap_policy_filter, filter) == 16);
static_assert(offsetof(struct secmap_policy_test, calls) == 24);
static_assert(offsetof(struct secmap_count, count) == 16);
static_assert(offsetof(struct secmap_policy_stats, counts) == 16);
static_assert(offsetof(struct secmap_attach, filter) == 24);
static_assert(offsetof(struct secmap_attach_later, calls) == 24);
static_assert(offsetof(struct secmap_task_info, ids) == 16);
static_assert(offsetof(struct secmap_task_list, cursor) == 16);
static_assert(offsetof(struct secmap_recorder_create, sets) == 16);
static_assert(offsetof(struct secmap_recorder_read, values) == 16);
static_assert(offsetof(struct secmap_recorder_read, out_calls) == 40);

/* Part of the ABI: never to be used for something else. */
static_assert(SECMAP_ABI_X86_64 == 0 && SECMAP_ABI_X32 == 1 && SECMAP_ABI_I386 == 2);
static_assert(SECMAP_OP_EQ == 0 && SECMAP_OP_NOT_IN == 8 && SECMAP_OP_COUNT == 9);
static_assert(SECMAP_POLICY_MAPS == 0 && SECMAP_POLICY_CBPF == 1 && SECMAP_POLICY_EBPF == 2);
static_assert(SECMAP_HELPER_TEST_BIT == 1 && SECMAP_HELPER_LOOKUP == 2);

/* POLICY_FILTER writes either. */
static_assert(sizeof(struct sock_filter) == 8 && sizeof(struct bpf_insn) == 8);

/* Where seccomp(2) has the flag as well. */
static_assert(SECMAP_ATTACH_TSYNC == SECCOMP_FILTER_FLAG_TSYNC);
static_assert(SECMAP_ATTACH_LOG == SECCOMP_FILTER_FLAG_LOG);
static_assert(SECMAP_ATTACH_SPEC_ALLOW == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
static_assert(SECMAP_ATTACH_NEW_LISTENER == SECCOMP_FILTER_FLAG_NEW_LISTENER);
static_assert(SECMAP_ATTACH_TSYNC_ESRCH == SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
static_assert(SECMAP_ATTACH_WAIT_KILLABLE_RECV == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

/* The probe masks numbers with it. */
static_assert((SECMAP_NR_MAX & (SECMAP_NR_MAX - 1)) == 0);
static_assert(SECMAP_NR_WORDS * 64 == SECMAP_NR_MAX);
