// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctl table and its one dispatcher. */
#include "dev.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "flag.h"
#include "hook.h"
#include "limits.h"
#include "task.h"
#include "user.h"
#include "verdict.h"

static ushort mode = 0666;
module_param(mode, ushort, 0444);
MODULE_PARM_DESC(mode, "Permissions of /dev/secmap (default: 0666, as seccomp(2) is open to all)");

/* An administrator: now, and when the device was opened. */
bool secmap_may_administer(const struct secmap_request *request)
{
	return capable(CAP_SYS_ADMIN) &&
	       file_ns_capable(request->device, &init_user_ns, CAP_SYS_ADMIN);
}

bool secmap_is_filtered(void)
{
	struct secmap_stack *stack = secmap_task_stack(current);

	secmap_stack_put(stack);
	return stack;
}

/*
 * Privileged or not, whoever is filtered does not loosen what tasks carry: his own stack he
 * would, and through another task all the same.
 */
bool secmap_may_loosen(const struct secmap_request *request)
{
	return !secmap_is_filtered() && secmap_may_administer(request);
}

/* An error in place of the file is the request's result. */
int secmap_file_error(struct secmap_request *request)
{
	int err = PTR_ERR_OR_ZERO(request->file);

	if (err)
		request->file = NULL;
	return err;
}

/**
 * ioctl_info() - INFO
 * @request: the record, see uapi
 *
 * Return: 0.
 */
static int ioctl_info(struct secmap_request *request)
{
	struct secmap_info *info = request->record;
	u32 ebpf = secmap_ebpf_loading();

	secmap_hook_try();
	*info = (struct secmap_info){
		.size = info->size,
		.out_abi_version = SECMAP_ABI_VERSION,
		.out_features = SECMAP_FEATURE_MAPS | SECMAP_FEATURE_CBPF | SECMAP_FEATURE_TSYNC |
				SECMAP_FEATURE_LISTENER | SECMAP_FEATURE_REPLACE |
				SECMAP_FEATURE_TIGHTEN | SECMAP_FEATURE_RECORD |
				SECMAP_FEATURE_COMPLAIN | SECMAP_FEATURE_STATS |
				SECMAP_FEATURE_PHASE | SECMAP_FEATURE_UPDATE |
				(ebpf == SECMAP_EBPF_OFF ? 0 : SECMAP_FEATURE_EBPF),
		.out_actions = SECMAP_ACTIONS,
		.out_enosys_actions = SECMAP_ACTION_TRACE,
		.out_skip = secmap_hook_skip(),
		.out_stack_max = SECMAP_LIMIT_STACK,
		.out_rules_max = SECMAP_LIMIT_RULES,
		.out_conds_max = SECMAP_LIMIT_RULE_CONDS,
		.out_cost_max = SECMAP_LIMIT_COST,
		.out_stack_cost_max = SECMAP_LIMIT_STACK_COST,
		.out_tables_max = SECMAP_LIMIT_TABLES,
		.out_bitmap_max = SECMAP_LIMIT_BITMAP_BITS,
		.out_hash_max = SECMAP_LIMIT_HASH_ENTRIES,
		.out_test_max = SECMAP_LIMIT_TEST_CALLS,
		.out_objects_max = SECMAP_LIMIT_OBJECTS,
		.out_insns_max = SECMAP_LIMIT_INSNS,
		.out_stack_insns_max = SECMAP_LIMIT_STACK_INSNS,
		.out_ebpf = ebpf,
		.out_selective = secmap_flag_selective(),
	};
	return 0;
}

/**
 * struct command - an entry of the ioctl table
 * @run: does it: 0, a negative errno, or a positive result of its own, and the record is not
 *	written back then; NULL: there is none of this number
 * @flags: the ones that it knows
 * @least: the size that was published first
 * @known: the size that this module knows
 * @outputs: from here on there are only outputs,
 * @outputs_end: up to here; 0: up to its end
 */
struct command {
	int (*run)(struct secmap_request *request);
	u32 flags;
	u32 least;
	u32 known;
	u32 outputs;
	u32 outputs_end;
};

/* In the order of their numbers. */
static const struct command commands[] = {
	[_IOC_NR(SECMAP_IOC_INFO)] = {
		.run = ioctl_info,
		.least = offsetofend(struct secmap_info, out_pad),
		.known = sizeof(struct secmap_info),
		.outputs = offsetof(struct secmap_info, out_abi_version),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_CREATE)] = {
		.run = secmap_ioctl_table_create,
		.least = offsetofend(struct secmap_table_create, out_pad),
		.known = sizeof(struct secmap_table_create),
		.outputs = offsetof(struct secmap_table_create, out_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_CREATE)] = {
		.run = secmap_ioctl_policy_create,
		.least = offsetofend(struct secmap_policy_create, out_pad),
		.known = sizeof(struct secmap_policy_create),
		.outputs = offsetof(struct secmap_policy_create, out_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_BY_ID)] = {
		.run = secmap_ioctl_policy_by_id,
		.least = offsetofend(struct secmap_policy_by_id, pad),
		.known = sizeof(struct secmap_policy_by_id),
		.outputs = sizeof(struct secmap_policy_by_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_NEXT)] = {
		.run = secmap_ioctl_policy_next,
		.flags = SECMAP_NEXT_OWN,
		.least = offsetofend(struct secmap_policy_next, out_id),
		.known = sizeof(struct secmap_policy_next),
		.outputs = offsetof(struct secmap_policy_next, out_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_INFO)] = {
		.run = secmap_ioctl_policy_info,
		.least = offsetofend(struct secmap_policy_info, out_counted),
		.known = sizeof(struct secmap_policy_info),
		.outputs = offsetof(struct secmap_policy_info, out_kind),
		.outputs_end = offsetof(struct secmap_policy_info, count),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_TEST)] = {
		.run = secmap_ioctl_policy_test,
		.least = offsetofend(struct secmap_policy_test, verdicts),
		.known = sizeof(struct secmap_policy_test),
		.outputs = sizeof(struct secmap_policy_test),
	},
	[_IOC_NR(SECMAP_IOC_ATTACH)] = {
		.run = secmap_ioctl_attach,
		.flags = SECMAP_ATTACH_TSYNC | SECMAP_ATTACH_LOG | SECMAP_ATTACH_SPEC_ALLOW |
			 SECMAP_ATTACH_NEW_LISTENER | SECMAP_ATTACH_TSYNC_ESRCH |
			 SECMAP_ATTACH_WAIT_KILLABLE_RECV | SECMAP_ATTACH_FILTER |
			 SECMAP_ATTACH_STRICT | SECMAP_ATTACH_COMPLAIN | SECMAP_ATTACH_RECORD,
		.least = offsetofend(struct secmap_attach, out_pad),
		.known = sizeof(struct secmap_attach),
		.outputs = offsetof(struct secmap_attach, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_DETACH)] = {
		.run = secmap_ioctl_detach,
		.least = offsetofend(struct secmap_detach, out_pad),
		.known = sizeof(struct secmap_detach),
		.outputs = offsetof(struct secmap_detach, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_TASK_INFO)] = {
		.run = secmap_ioctl_task_info,
		.least = offsetofend(struct secmap_task_info, out_pad),
		.known = sizeof(struct secmap_task_info),
		.outputs = offsetof(struct secmap_task_info, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_TASK_LIST)] = {
		.run = secmap_ioctl_task_list,
		.least = offsetofend(struct secmap_task_list, tasks),
		.known = sizeof(struct secmap_task_list),
		.outputs = sizeof(struct secmap_task_list),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_FILTER)] = {
		.run = secmap_ioctl_policy_filter,
		.least = offsetofend(struct secmap_policy_filter, out_pad),
		.known = sizeof(struct secmap_policy_filter),
		.outputs = offsetof(struct secmap_policy_filter, out_count),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_REPLACE)] = {
		.run = secmap_ioctl_policy_replace,
		.flags = SECMAP_REPLACE_TIGHTEN,
		.least = offsetofend(struct secmap_policy_replace, out_stacks),
		.known = sizeof(struct secmap_policy_replace),
		.outputs = offsetof(struct secmap_policy_replace, out_tasks),
		.outputs_end = offsetof(struct secmap_policy_replace, log_size),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_SEAL)] = {
		.run = secmap_ioctl_policy_seal,
		.least = offsetofend(struct secmap_policy_seal, pad),
		.known = sizeof(struct secmap_policy_seal),
		.outputs = sizeof(struct secmap_policy_seal),
	},
	[_IOC_NR(SECMAP_IOC_RECORDER_CREATE)] = {
		.run = secmap_ioctl_recorder_create,
		.least = offsetofend(struct secmap_recorder_create, out_values_max),
		.known = sizeof(struct secmap_recorder_create),
		.outputs = offsetof(struct secmap_recorder_create, out_policy_id),
	},
	[_IOC_NR(SECMAP_IOC_RECORDER_READ)] = {
		.run = secmap_ioctl_recorder_read,
		.flags = SECMAP_RECORDER_WAIT,
		.least = offsetofend(struct secmap_recorder_read, out_calls),
		.known = sizeof(struct secmap_recorder_read),
		.outputs = offsetof(struct secmap_recorder_read, out_count),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_COUNT)] = {
		.run = secmap_ioctl_policy_count,
		.least = offsetofend(struct secmap_policy_count, out_stacks),
		.known = sizeof(struct secmap_policy_count),
		.outputs = offsetof(struct secmap_policy_count, out_tasks),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_STATS)] = {
		.run = secmap_ioctl_policy_stats,
		.least = offsetofend(struct secmap_policy_stats, out_on),
		.known = sizeof(struct secmap_policy_stats),
		.outputs = offsetof(struct secmap_policy_stats, out_count),
	},
	[_IOC_NR(SECMAP_IOC_ATTACH_LATER)] = {
		.run = secmap_ioctl_attach_later,
		.flags = SECMAP_ATTACH_LOG | SECMAP_ATTACH_MADE,
		.least = offsetofend(struct secmap_attach_later, out_pad),
		.known = sizeof(struct secmap_attach_later),
		.outputs = offsetof(struct secmap_attach_later, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_UPDATE)] = {
		.run = secmap_ioctl_table_update,
		.flags = SECMAP_UPDATE_WHOLE,
		.least = offsetofend(struct secmap_table_update, out_stacks),
		.known = sizeof(struct secmap_table_update),
		.outputs = offsetof(struct secmap_table_update, out_entries),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_SEAL)] = {
		.run = secmap_ioctl_table_seal,
		.least = offsetofend(struct secmap_table_seal, pad),
		.known = sizeof(struct secmap_table_seal),
		.outputs = sizeof(struct secmap_table_seal),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_BY_ID)] = {
		.run = secmap_ioctl_table_by_id,
		.least = offsetofend(struct secmap_table_by_id, pad),
		.known = sizeof(struct secmap_table_by_id),
		.outputs = sizeof(struct secmap_table_by_id),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_NEXT)] = {
		.run = secmap_ioctl_table_next,
		.least = offsetofend(struct secmap_table_next, out_id),
		.known = sizeof(struct secmap_table_next),
		.outputs = offsetof(struct secmap_table_next, out_id),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_INFO)] = {
		.run = secmap_ioctl_table_info,
		.least = offsetofend(struct secmap_table_info, out_name),
		.known = sizeof(struct secmap_table_info),
		.outputs = offsetof(struct secmap_table_info, out_type),
	},
	[_IOC_NR(SECMAP_IOC_TABLE_READ)] = {
		.run = secmap_ioctl_table_read,
		.least = offsetofend(struct secmap_table_read, out_pad),
		.known = sizeof(struct secmap_table_read),
		.outputs = offsetof(struct secmap_table_read, out_count),
	},
};

/* Every record starts so. */
struct record_head {
	u32 size;
	u32 flags;
};

static long finish(struct secmap_request *request, u64 to, size_t length)
{
	int err, fd;

	if (request->file && request->fd < 0) {
		request->fd = get_unused_fd_flags(O_CLOEXEC);
		if (request->fd < 0)
			return request->fd;
	}
	err = secmap_user_write(to, request->record, length);
	if (err || !request->file)
		return err;
	fd = request->fd;
	fd_install(fd, request->file);
	request->file = NULL;
	request->fd = -1;
	return fd;
}

/* What finish() has not used. */
static void drop(struct secmap_request *request)
{
	if (request->fd >= 0)
		put_unused_fd(request->fd);
	if (request->file)
		fput(request->file);
	kfree(request->record);
}

/**
 * dispatch() - the one entry
 * @device: the open /dev/secmap
 * @nr: SECMAP_IOC_*
 * @argument: pointer to the record
 *
 * Return: what the command says, a new descriptor, 0, or
 * * -ENOTTY: no such command
 * * -EFAULT: the record cannot be read or written
 * * -EINVAL: it is shorter than it ever was; -E2BIG: it has something behind its end that
 *   this module does not know
 * * -EOPNOTSUPP: an unknown flag
 */
static long dispatch(struct file *device, unsigned int nr, unsigned long argument)
{
	struct secmap_request request = { .device = device, .fd = -1 };
	const struct command *command;
	struct record_head *head;
	long result;
	u32 size;

	if (_IOC_TYPE(nr) != SECMAP_IOC_TYPE || _IOC_NR(nr) >= ARRAY_SIZE(commands) ||
	    nr != _IO(SECMAP_IOC_TYPE, _IOC_NR(nr)))
		return -ENOTTY;
	command = &commands[array_index_nospec(_IOC_NR(nr), ARRAY_SIZE(commands))];
	if (!command->run)
		return -ENOTTY;
	if (secmap_user_read(&size, argument, sizeof(size)))
		return -EFAULT;
	if (size < command->least)
		return -EINVAL;
	if (size > SECMAP_LIMIT_RECORD)
		return -E2BIG;
	request.record = kzalloc(command->known, GFP_KERNEL);
	if (!request.record)
		return -ENOMEM;
	result = secmap_user_record(request.record, command->known, argument, size);
	if (result)
		goto drop;
	head = request.record;
	/* Another thread may have changed it in between. */
	head->size = size;
	result = -EOPNOTSUPP;
	if (head->flags & ~command->flags)
		goto drop;
	/* A record that cannot be written back is refused before anything has changed. */
	memset(request.record + command->outputs, 0,
	       (command->outputs_end ?: command->known) - command->outputs);
	result = secmap_user_write(argument, request.record, min(size, command->known));
	if (result)
		goto drop;
	result = command->run(&request);
	if (!result)
		result = finish(&request, argument, min(size, command->known));
drop:
	drop(&request);
	return result;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dispatch,
	/* Records are the same for every ABI; only the pointer itself differs. */
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "secmap",
	.fops = &fops,
};

int __init secmap_dev_init(void)
{
	device.mode = mode & 0777;
	return misc_register(&device);
}

/* The open ones hold the module, so there is none. */
void secmap_dev_exit(void)
{
	misc_deregister(&device);
}
