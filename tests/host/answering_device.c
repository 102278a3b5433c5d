// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Preloaded into secmapctl: ioctl() answers in the module's place. SHIM_FAIL is
 * "number:errno:times": that ioctl fails so often. SHIM_ABI is the version of the
 * ABI that INFO tells, SHIM_LOG the text of a refused policy. Where SHIM_SEALED is set
 * every policy is sealed; SHIM_DEPTH is how many the caller carries.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

static void refuse(const struct secmap_policy_create *policy)
{
	const char *log = getenv("SHIM_LOG");

	if (log)
		snprintf((char *)(unsigned long)policy->log, policy->log_size, "%s", log);
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
		return 0;
	}
	case SECMAP_IOC_TASK_INFO: {
		struct secmap_task_info *info = record;
		const char *depth = getenv("SHIM_DEPTH");

		info->out_depth = depth ? (unsigned int)atoi(depth) : 0;
		return 0;
	}
	case SECMAP_IOC_TABLE_CREATE:
	case SECMAP_IOC_POLICY_CREATE:
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
		refuse(record);
	errno = error;
	return -1;
}
