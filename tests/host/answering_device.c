// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Preloaded into secmapctl: ioctl() answers in the module's place. SHIM_FAIL is
 * "number:errno:times": that ioctl fails so often. SHIM_ABI is the version of the
 * ABI that INFO tells, SHIM_LOG the text of a refused policy. Where SHIM_SEALED is set
 * every policy is sealed; SHIM_DEPTH is how many the caller carries. SHIM_COUNTS is
 * what was counted of policy 8, then the only one: "abi:nr:rule:action:count;" for each;
 * SHIM_NAME is its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <secmap/secmap.h>

static int failing(unsigned long request)
{
	static unsigned int done;
	unsigned int number, error, times;
	const char *chosen = getenv("SHIM_FAIL");

	if (!chosen || sscanf(chosen, "%u:%u:%u", &number, &error, &times) != 3)
		return 0;
	if (number != (request & 0xff) || done++ >= times)
		return 0;
	return (int)error;
}

static int new_descriptor(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void refuse(__u64 log, __u32 size)
{
	const char *text = getenv("SHIM_LOG");

	if (text && log)
		snprintf((char *)(unsigned long)log, size, "%s", text);
}

static void tell_counts(struct secmap_policy_stats *stats)
{
	struct secmap_count *to = (void *)(unsigned long)stats->counts, count = { 0 };
	const char *next = getenv("SHIM_COUNTS");
	unsigned long long number;

	for (; next && *next; next = strchr(next, ';') + 1) {
		if (sscanf(next, "%u:%u:%u:%u:%llu;", &count.abi, &count.nr, &count.rule,
			   &count.action, &number) != 5)
			abort();
		count.count = number;
		if (stats->out_count < stats->count)
			to[stats->out_count] = count;
		stats->out_count++;
	}
	stats->out_on = 1;
}

static int next_policy(struct secmap_policy_next *next)
{
	if (!getenv("SHIM_COUNTS"))
		return 0;
	if (next->id >= 8) {
		errno = ENOENT;
		return -1;
	}
	next->out_id = 8;
	return 0;
}

static int answer(unsigned long request, void *record)
{
	switch (request) {
	case SECMAP_IOC_INFO: {
		struct secmap_info *info = record;

		info->out_abi_version = (unsigned int)atoi(getenv("SHIM_ABI"));
		info->out_actions = SECMAP_ACTION_KILL_PROCESS | SECMAP_ACTION_ERRNO |
				    SECMAP_ACTION_LOG | SECMAP_ACTION_ALLOW;
		return 0;
	}
	case SECMAP_IOC_POLICY_INFO: {
		struct secmap_policy_info *info = record;

		info->out_actions = SECMAP_ACTION_TRAP | SECMAP_ACTION_TRACE | SECMAP_ACTION_ALLOW;
		info->out_sealed = getenv("SHIM_SEALED") != NULL;
		info->out_counted = getenv("SHIM_COUNTS") != NULL;
		info->out_id = 8;
		info->out_stacks = getenv("SHIM_COUNTS") ? 2 : 0;
		if (getenv("SHIM_NAME"))
			strncpy(info->out_name, getenv("SHIM_NAME"), sizeof(info->out_name) - 1);
		return 0;
	}
	case SECMAP_IOC_TASK_INFO: {
		struct secmap_task_info *info = record;
		const char *depth = getenv("SHIM_DEPTH");

		info->out_depth = depth ? (unsigned int)atoi(depth) : 0;
		return 0;
	}
	case SECMAP_IOC_POLICY_COUNT: {
		struct secmap_policy_count *count = record;

		count->out_tasks = 3;
		count->out_stacks = 2;
		return 0;
	}
	case SECMAP_IOC_POLICY_STATS:
		tell_counts(record);
		return 0;
	case SECMAP_IOC_POLICY_NEXT:
		return next_policy(record);
	case SECMAP_IOC_POLICY_CREATE:
		((struct secmap_policy_create *)record)->out_id = 9;
		return new_descriptor();
	case SECMAP_IOC_TABLE_CREATE:
	case SECMAP_IOC_POLICY_BY_ID:
	case SECMAP_IOC_RECORDER_CREATE:
		return new_descriptor();
	default:
		return 0;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	void *record;
	va_list arguments;
	int error = failing(request);

	(void)fd;
	va_start(arguments, request);
	record = va_arg(arguments, void *);
	va_end(arguments);
	if (!error)
		return answer(request, record);
	if (request == SECMAP_IOC_POLICY_CREATE)
		refuse(((struct secmap_policy_create *)record)->log,
		       ((struct secmap_policy_create *)record)->log_size);
	if (request == SECMAP_IOC_POLICY_REPLACE)
		refuse(((struct secmap_policy_replace *)record)->log,
		       ((struct secmap_policy_replace *)record)->log_size);
	errno = error;
	return -1;
}
