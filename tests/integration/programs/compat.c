// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * compat: a 32-bit program that makes every ioctl. Prints "name result", a line each; in the
 * end it is filtered, and says what its own calls return.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <secmap/secmap.h>

static int device;

static int request(const char *name, unsigned long number, void *record)
{
	int result;

	do
		result = ioctl(device, number, record);
	while (result < 0 && errno == EAGAIN);
	printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
	return result;
}

static __u64 address(const void *pointer)
{
	return (uintptr_t)pointer;
}

static int make_table(void)
{
	const __u64 keys[] = { 7, 1ULL << 30 };
	struct secmap_table_create table = {
		.size = sizeof(table),
		.type = SECMAP_TABLE_HASH,
		.max_entries = 2,
		.count = 2,
		.keys = address(keys),
	};

	return request("table_create", SECMAP_IOC_TABLE_CREATE, &table);
}

/* i386: getppid (64) fails with ENODATA, getpriority (96) of what is in the table with E2BIG. */
static int make_policy(int table_fd, __u32 *id)
{
	const __u64 allow[] = { ~0ULL, ~(1ULL << 32 | 1), ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL };
	const __s32 tables[] = { table_fd };
	const struct secmap_cond conds[] = {
		{ .size = sizeof(*conds), .arg = 1, .op = SECMAP_OP_IN, .width = 64, .mask = ~0ULL },
	};
	const struct secmap_rule rules[] = {
		{ .size = sizeof(*rules), .nr = 64, .action = SECCOMP_RET_ERRNO | ENODATA },
		{ .size = sizeof(*rules),
		  .nr = 96,
		  .action = SECCOMP_RET_ERRNO | E2BIG,
		  .cond_count = 1 },
	};
	const struct secmap_abi abis[] = {
		{ .size = sizeof(*abis),
		  .abi = SECMAP_ABI_I386,
		  .default_action = SECCOMP_RET_ALLOW,
		  .newer_from = SECMAP_NEWER_NONE,
		  .allow_words = 7,
		  .rule_count = 2,
		  .cond_count = 1,
		  .allow = address(allow),
		  .rules = address(rules),
		  .conds = address(conds) },
	};
	struct secmap_policy_create policy = {
		.size = sizeof(policy),
		.foreign_action = SECCOMP_RET_KILL_PROCESS,
		.abi_count = 1,
		.table_count = 1,
		.abis = address(abis),
		.tables = address(tables),
		.name = "compat",
	};
	int fd = request("policy_create", SECMAP_IOC_POLICY_CREATE, &policy);

	*id = policy.out_id;
	return fd;
}

static void ask(int policy_fd, __u32 id)
{
	const struct seccomp_data calls[] = {
		{ .nr = 64, .arch = AUDIT_ARCH_I386 },
		{ .nr = 96, .arch = AUDIT_ARCH_I386, .args = { 0, 1ULL << 40 | 1ULL << 30 } },
	};
	struct secmap_verdict verdicts[2] = { { 0, 0 }, { 0, 0 } };
	struct secmap_policy_test test = {
		.size = sizeof(test),
		.policy_fd = policy_fd,
		.count = 2,
		.calls = address(calls),
		.verdicts = address(verdicts),
	};
	struct secmap_policy_info info = { .size = sizeof(info), .policy_fd = policy_fd };
	struct secmap_policy_by_id by_id = { .size = sizeof(by_id), .id = id };
	struct secmap_policy_next next = { .size = sizeof(next), .id = id - 1 };

	request("policy_test", SECMAP_IOC_POLICY_TEST, &test);
	printf("verdicts %#x,%u %#x,%u\n", verdicts[0].action, verdicts[0].rule, verdicts[1].action,
	       verdicts[1].rule);
	request("policy_info", SECMAP_IOC_POLICY_INFO, &info);
	printf("name %s rules %u id %s\n", info.out_name, info.out_rule_count[SECMAP_ABI_I386],
	       info.out_id == id ? "same" : "other");
	request("policy_by_id", SECMAP_IOC_POLICY_BY_ID, &by_id);
	request("policy_next", SECMAP_IOC_POLICY_NEXT, &next);
	printf("next %s\n", next.out_id == id ? "same" : "other");
}

static void look(const char *when)
{
	__u32 ids[2] = { 0, 0 };
	struct secmap_task tasks[4];
	struct secmap_task_info info = {
		.size = sizeof(info),
		.count = 2,
		.ids = address(ids),
	};
	struct secmap_task_list list = {
		.size = sizeof(list),
		.count = 4,
		.tasks = address(tasks),
	};

	request("task_info", SECMAP_IOC_TASK_INFO, &info);
	printf("%s depth %u\n", when, info.out_depth);
	request("task_list", SECMAP_IOC_TASK_LIST, &list);
	printf("%s list %u\n", when, list.out_count);
}

static void call(const char *name, long number, long first, long second)
{
	long result = syscall(number, first, second);

	printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
}

int main(void)
{
	struct secmap_info info = { .size = sizeof(info) };
	struct secmap_attach attach = { .size = sizeof(attach) };
	struct secmap_detach detach = { .size = sizeof(detach) };
	__u32 id = 0;

	device = open(SECMAP_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		return 1;
	request("info", SECMAP_IOC_INFO, &info);
	printf("version %u stack %u\n", info.out_abi_version, info.out_stack_max);
	attach.policy_fd = make_policy(make_table(), &id);
	ask(attach.policy_fd, id);
	look("before");
	request("attach", SECMAP_IOC_ATTACH, &attach);
	printf("attached %u\n", attach.out_depth);
	call("getppid", SYS_getppid, 0, 0);
	call("getpriority", SYS_getpriority, 0, 7);
	call("getpriority_self", SYS_getpriority, 0, 0);
	look("within");
	request("detach", SECMAP_IOC_DETACH, &detach);
	call("getppid", SYS_getppid, 0, 0);
	return 0;
}
