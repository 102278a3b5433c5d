// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctl table and its one dispatcher. The only file that touches user memory. */
#include "dev.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "hook.h"
#include "limits.h"
#include "policy.h"
#include "task.h"
#include "verdict.h"

static ushort mode = 0666;
module_param(mode, ushort, 0444);
MODULE_PARM_DESC(mode, "Permissions of /dev/secmap (default: 0666, as seccomp(2) is open to all)");

/**
 * struct request - one ioctl under way
 * @device: the open /dev/secmap
 * @record: the record, zero behind what user space gave; written back on success
 * @file: what a new descriptor shall stand for, or NULL; the dispatcher installs it when
 *	the record has been written back
 */
struct request {
	struct file *device;
	void *record;
	struct file *file;
};

/* An administrator: now, and when the device was opened. */
static bool may_administer(const struct request *request)
{
	return capable(CAP_SYS_ADMIN) &&
	       file_ns_capable(request->device, &init_user_ns, CAP_SYS_ADMIN);
}

/* Room for what a record points to. Charged: the copying may block on user memory for long. */
static void *alloc_array(u32 count, size_t size)
{
	return kvcalloc(max(count, 1U), size, GFP_KERNEL_ACCOUNT);
}

/* Copy @count u64 or s32 or other plain values. */
static void *copy_array(u64 from, u32 count, size_t size)
{
	void *array = alloc_array(count, size);

	if (!array)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(array, u64_to_user_ptr(from), count * size))
		return array;
	kvfree(array);
	return ERR_PTR(-EFAULT);
}

/*
 * Copy an array of records, each starting with its size, into one of @known bytes each.
 * @least is the size that was published first.
 */
static void *copy_records(u64 from, u32 count, size_t least, size_t known)
{
	u8 *records = alloc_array(count, known);
	const u8 __user *at = u64_to_user_ptr(from);
	int err = -ENOMEM;
	u32 i, size;

	if (!records)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++, at += size) {
		err = -EFAULT;
		if (get_user(size, (const u32 __user *)at))
			goto free;
		err = -EINVAL;
		if (size < least)
			goto free;
		err = -E2BIG;
		if (size > SECMAP_LIMIT_RECORD)
			goto free;
		err = copy_struct_from_user(records + i * known, known, at, size);
		if (err)
			goto free;
		cond_resched();
	}
	return records;

free:
	kvfree(records);
	return ERR_PTR(err);
}

/**
 * ioctl_info() - INFO
 * @request: the record, see uapi
 *
 * Return: 0.
 */
static int ioctl_info(struct request *request)
{
	struct secmap_info *info = request->record;

	secmap_hook_try();
	*info = (struct secmap_info){
		.size = info->size,
		.out_abi_version = SECMAP_ABI_VERSION,
		.out_features = SECMAP_FEATURE_MAPS,
		.out_actions = SECMAP_ACTIONS,
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
	};
	return 0;
}

/**
 * ioctl_table_create() - TABLE_CREATE
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or
 * * -EOPNOTSUPP: an unknown type
 * * -EINVAL: padding, @max_entries 0, @count above it, a bit outside the bitmap, values
 *   for a bitmap, a bad name
 * * -E2BIG: SECMAP_LIMIT_BITMAP_BITS or SECMAP_LIMIT_HASH_ENTRIES
 * * -EEXIST: a key is there twice
 * * -EFAULT, -ENOSPC, -ENOMEM
 */
static int ioctl_table_create(struct request *request)
{
	struct secmap_table_create *create = request->record;
	struct secmap_table_spec spec = {
		.type = create->type,
		.max_entries = create->max_entries,
		.count = create->count,
	};
	u64 *keys = NULL, *values = NULL;
	struct secmap_set *set;
	int err;

	if (create->pad || !secmap_object_valid_name(create->name))
		return -EINVAL;
	if (create->count > max(SECMAP_LIMIT_BITMAP_BITS, SECMAP_LIMIT_HASH_ENTRIES))
		return -E2BIG;
	keys = copy_array(create->keys, create->count, sizeof(*keys));
	if (IS_ERR(keys))
		return PTR_ERR(keys);
	if (create->values) {
		values = copy_array(create->values, create->count, sizeof(*values));
		err = PTR_ERR_OR_ZERO(values);
		if (err)
			goto free_keys;
	}
	spec.keys = keys;
	spec.values = values;
	set = secmap_set_create(&spec, create->name);
	err = PTR_ERR_OR_ZERO(set);
	if (err)
		goto free_values;
	create->out_id = set->object.id;
	request->file = secmap_object_file(&set->object);
	err = PTR_ERR_OR_ZERO(request->file);

free_values:
	kvfree(values);
free_keys:
	kvfree(keys);
	return err;
}

static void free_section(struct secmap_abi_spec *section)
{
	kvfree(section->allow);
	kvfree(section->rules);
	kvfree(section->conds);
}

/* The arrays of one ABI section; what was copied is the caller's to free. */
static int copy_section(struct secmap_abi_spec *section)
{
	const struct secmap_abi *abi = &section->abi;
	void *array;

	if (abi->allow_words > SECMAP_NR_MAX / 64 || abi->rule_count > SECMAP_LIMIT_RULES ||
	    abi->cond_count > SECMAP_LIMIT_SECTION_CONDS)
		return -E2BIG;
	array = copy_array(abi->allow, abi->allow_words, sizeof(u64));
	if (IS_ERR(array))
		return PTR_ERR(array);
	section->allow = array;
	array = copy_records(abi->rules, abi->rule_count, sizeof(struct secmap_rule),
			     sizeof(struct secmap_rule));
	if (IS_ERR(array))
		return PTR_ERR(array);
	section->rules = array;
	array = copy_records(abi->conds, abi->cond_count, sizeof(struct secmap_cond),
			     sizeof(struct secmap_cond));
	if (IS_ERR(array))
		return PTR_ERR(array);
	section->conds = array;
	return 0;
}

/* The tables that a policy names: a reference each in @sets, @spec->table_count of them. */
static int find_sets(const struct secmap_policy_create *create, struct secmap_rules_spec *spec,
		     struct secmap_set **sets)
{
	s32 *fds = copy_array(create->tables, create->table_count, sizeof(*fds));
	u32 i;

	if (IS_ERR(fds))
		return PTR_ERR(fds);
	for (i = 0; i < create->table_count; i++) {
		struct secmap_set *set =
			secmap_set_of(secmap_object_by_fd(fds[i], SECMAP_OBJECT_TABLE));

		if (IS_ERR(set)) {
			kvfree(fds);
			return PTR_ERR(set);
		}
		sets[i] = set;
		spec->table_count = i + 1;
	}
	kvfree(fds);
	return 0;
}

static int build_policy(struct request *request, struct secmap_abi_spec *sections,
			struct secmap_set **sets, struct secmap_why *why)
{
	struct secmap_policy_create *create = request->record;
	struct secmap_rules_spec spec = {
		.foreign_action = create->foreign_action,
		.abi_count = create->abi_count,
		.abis = sections,
	};
	struct secmap_policy *policy;
	u32 i;
	int err;

	for (i = 0; i < create->abi_count; i++) {
		err = copy_section(&sections[i]);
		if (err)
			return secmap_refuse(why, err, "abis[%u]: an array in it, or its size", i);
	}
	err = find_sets(create, &spec, sets);
	if (err) {
		secmap_refuse(why, err, "tables[%u]: not the descriptor of a table",
			      spec.table_count);
		goto put_sets;
	}
	policy = secmap_policy_create(&spec, sets, create->name, why);
	err = PTR_ERR_OR_ZERO(policy);
	if (err)
		goto put_sets;
	create->out_id = policy->object.id;
	request->file = secmap_object_file(&policy->object);
	err = PTR_ERR_OR_ZERO(request->file);

put_sets:
	for (i = 0; i < spec.table_count; i++)
		secmap_object_put(&sets[i]->object);
	return err;
}

/* Hand the reason of @err over, if it is wanted, and pass @err on. */
static int tell_why(const struct secmap_policy_create *create, struct secmap_why *why, int err)
{
	size_t length = min_t(size_t, strlen(why->text) + 1, create->log_size);

	if (!err || !length)
		return err;
	why->text[length - 1] = '\0';
	return copy_to_user(u64_to_user_ptr(create->log), why->text, length) ? -EFAULT : err;
}

/**
 * ioctl_policy_create() - POLICY_CREATE
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or
 * * -EOPNOTSUPP: an unknown kind, ABI, action or operator
 * * -EINVAL: padding, an inconsistent section, a bad name
 * * -E2BIG: one of the limits of struct secmap_info
 * * -EEXIST: an ABI is there twice
 * * -EBADF, -EBADFD: a table's descriptor
 * * -EFAULT, -ENOSPC, -ENOMEM
 * Where a log is given, the reason is in it.
 */
static int ioctl_policy_create(struct request *request)
{
	struct secmap_policy_create *create = request->record;
	struct secmap_abi_spec sections[SECMAP_ABI_COUNT] = {};
	struct secmap_why why = {};
	struct secmap_set **sets;
	struct secmap_abi *abis;
	int err;
	u32 i;

	if (create->kind != SECMAP_POLICY_MAPS)
		return -EOPNOTSUPP;
	if (create->filter_len || create->filter || !create->abi_count || !create->log != !create->log_size)
		return -EINVAL;
	if (create->abi_count > SECMAP_ABI_COUNT || create->table_count > SECMAP_LIMIT_TABLES ||
	    create->log_size > SECMAP_LIMIT_LOG)
		return -E2BIG;
	if (!secmap_object_valid_name(create->name)) {
		err = secmap_refuse(&why, -EINVAL, "name: not [A-Za-z0-9_.-], or not terminated");
		return tell_why(create, &why, err);
	}
	abis = copy_records(create->abis, create->abi_count, sizeof(*abis), sizeof(*abis));
	if (IS_ERR(abis))
		return PTR_ERR(abis);
	for (i = 0; i < create->abi_count; i++)
		sections[i].abi = abis[i];
	kvfree(abis);
	sets = kcalloc(max(create->table_count, 1U), sizeof(*sets), GFP_KERNEL);
	if (!sets)
		return -ENOMEM;
	err = build_policy(request, sections, sets, &why);
	for (i = 0; i < create->abi_count; i++)
		free_section(&sections[i]);
	kfree(sets);
	return tell_why(create, &why, err);
}

/**
 * ioctl_policy_by_id() - POLICY_BY_ID
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or -EINVAL (padding), -EPERM, -ENOENT, -ENOMEM.
 */
static int ioctl_policy_by_id(struct request *request)
{
	struct secmap_policy_by_id *by_id = request->record;
	struct secmap_object *object;

	if (by_id->pad)
		return -EINVAL;
	if (!may_administer(request))
		return -EPERM;
	object = secmap_object_by_id(by_id->id, SECMAP_OBJECT_POLICY);
	if (IS_ERR(object))
		return PTR_ERR(object);
	request->file = secmap_object_file(object);
	return PTR_ERR_OR_ZERO(request->file);
}

/**
 * ioctl_policy_next() - POLICY_NEXT
 * @request: the record, see uapi
 *
 * Return: 0, -EPERM, or -ENOENT at the end.
 */
static int ioctl_policy_next(struct request *request)
{
	struct secmap_policy_next *next = request->record;

	if (!may_administer(request))
		return -EPERM;
	next->out_id = secmap_object_next_id(next->id, SECMAP_OBJECT_POLICY);
	return next->out_id ? 0 : -ENOENT;
}

/**
 * ioctl_policy_info() - POLICY_INFO
 * @request: the record, see uapi
 *
 * Return: 0, -EBADF, -EBADFD.
 */
static int ioctl_policy_info(struct request *request)
{
	struct secmap_policy_info *info = request->record;
	struct secmap_policy *policy;

	policy = secmap_policy_of(secmap_object_by_fd(info->policy_fd, SECMAP_OBJECT_POLICY));
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	secmap_policy_describe(policy, info);
	secmap_policy_put(policy);
	return 0;
}

static int test_calls(const struct secmap_policy *policy, const struct seccomp_data *calls,
		      struct secmap_verdict *verdicts, u32 count, u32 repeat)
{
	/* So many judgements cost as much as the worst call of a stack. */
	u32 breath = SECMAP_LIMIT_STACK_COST / (secmap_rules_facts(policy->rules)->cost + 1) + 1;
	u32 i, round, left = breath;

	for (i = 0; i < count; i++) {
		for (round = 0; round < repeat; round++) {
			verdicts[i] = secmap_rules_eval(policy->rules, &calls[i]);
			if (--left)
				continue;
			left = breath;
			if (signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return 0;
}

/**
 * ioctl_policy_test() - POLICY_TEST
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: padding
 * * -E2BIG: SECMAP_LIMIT_TEST_CALLS, SECMAP_LIMIT_TEST_REPEAT
 * * -EINTR: a signal came
 * * -EBADF, -EBADFD, -EFAULT, -ENOMEM
 */
static int ioctl_policy_test(struct request *request)
{
	struct secmap_policy_test *test = request->record;
	struct secmap_verdict *verdicts;
	struct secmap_policy *policy;
	struct seccomp_data *calls;
	int err;

	if (test->pad)
		return -EINVAL;
	if (test->count > SECMAP_LIMIT_TEST_CALLS || test->repeat > SECMAP_LIMIT_TEST_REPEAT)
		return -E2BIG;
	policy = secmap_policy_of(secmap_object_by_fd(test->policy_fd, SECMAP_OBJECT_POLICY));
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	calls = copy_array(test->calls, test->count, sizeof(*calls));
	err = PTR_ERR_OR_ZERO(calls);
	if (err)
		goto put;
	verdicts = alloc_array(test->count, sizeof(*verdicts));
	err = -ENOMEM;
	if (!verdicts)
		goto free;
	err = test_calls(policy, calls, verdicts, test->count, max(test->repeat, 1U));
	if (!err && copy_to_user(u64_to_user_ptr(test->verdicts), verdicts,
				 test->count * sizeof(*verdicts)))
		err = -EFAULT;
	kvfree(verdicts);
free:
	kvfree(calls);
put:
	secmap_policy_put(policy);
	return err;
}

/* The task with this id in the caller's pid namespace, with a reference; 0: the caller. */
static struct task_struct *find_task(s32 pid)
{
	struct task_struct *task;
	struct pid *id;

	if (pid == 0)
		return get_task_struct(current);
	id = find_get_pid(pid);
	task = get_pid_task(id, PIDTYPE_PID);
	put_pid(id);
	return task ?: ERR_PTR(-ESRCH);
}

static int attach_allowed(const struct request *request, s32 pid)
{
	if (pid)
		return may_administer(request) ? 0 : -EPERM;
	/* As seccomp(2): what one may do to oneself must not reach a set-user-id program. */
	if (task_no_new_privs(current) || ns_capable_noaudit(current_user_ns(), CAP_SYS_ADMIN))
		return 0;
	return -EACCES;
}

/**
 * ioctl_attach() - ATTACH
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: a negative pid
 * * -EBADF, -EBADFD: the policy's descriptor
 * * -EACCES: no_new_privs is not set; -EPERM: another task, and no administrator
 * * -EOPNOTSUPP: the policy has an action that is not carried out here
 * * -EAGAIN: the kernel is still being tested, or the task being created
 * * -ENOSYS: this kernel cannot skip a call
 * * -ESRCH: no such task, or it is exiting, or makes no calls
 * * -ENOSPC, -ENOMEM
 * Nothing has changed then.
 */
static int ioctl_attach(struct request *request)
{
	struct secmap_attach *attach = request->record;
	struct secmap_policy *policy;
	struct task_struct *task;
	int err;

	if (attach->pid < 0)
		return -EINVAL;
	policy = secmap_policy_of(secmap_object_by_fd(attach->policy_fd, SECMAP_OBJECT_POLICY));
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	err = attach_allowed(request, attach->pid);
	if (err)
		goto put_policy;
	err = -EOPNOTSUPP;
	if (secmap_rules_facts(policy->rules)->actions & ~SECMAP_ACTIONS)
		goto put_policy;
	err = -ENOSYS;
	if (secmap_hook_skip() == SECMAP_SKIP_BROKEN)
		goto put_policy;
	err = -EAGAIN;
	if (secmap_hook_skip() == SECMAP_SKIP_UNKNOWN) {
		secmap_hook_try();
		goto put_policy;
	}
	task = find_task(attach->pid);
	err = PTR_ERR_OR_ZERO(task);
	if (err)
		goto put_policy;
	err = secmap_task_attach(task, policy, &attach->out_depth);
	put_task_struct(task);
put_policy:
	secmap_policy_put(policy);
	return err;
}

/*
 * Privileged or not, whoever is filtered does not take filters off: his own he would, and
 * through another task all the same.
 */
static bool is_filtered(void)
{
	struct secmap_stack *stack = secmap_task_stack(current);

	secmap_stack_put(stack);
	return stack;
}

/**
 * ioctl_detach() - DETACH
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (a negative pid), -EPERM, -ESRCH, -ENOENT, -EAGAIN, -ENOMEM.
 */
static int ioctl_detach(struct request *request)
{
	struct secmap_detach *detach = request->record;
	struct task_struct *task;
	int err;

	if (detach->pid < 0)
		return -EINVAL;
	if (!may_administer(request) || is_filtered())
		return -EPERM;
	task = find_task(detach->pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = secmap_task_detach(task, detach->policy_id, &detach->out_depth);
	put_task_struct(task);
	return err;
}

/**
 * ioctl_task_info() - TASK_INFO
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (a negative pid), -EPERM, -ESRCH, -EFAULT.
 */
static int ioctl_task_info(struct request *request)
{
	struct secmap_task_info *info = request->record;
	u32 ids[SECMAP_LIMIT_STACK];
	struct secmap_stack *stack;
	struct task_struct *task;
	u32 i;

	if (info->pid < 0)
		return -EINVAL;
	if (info->pid && !may_administer(request))
		return -EPERM;
	task = find_task(info->pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	stack = secmap_task_stack(task);
	put_task_struct(task);
	info->out_depth = stack ? stack->depth : 0;
	for (i = 0; i < info->out_depth; i++)
		ids[i] = stack->policies[i]->object.id;
	secmap_stack_put(stack);
	if (copy_to_user(u64_to_user_ptr(info->ids), ids,
			 min(info->out_depth, info->count) * sizeof(*ids)))
		return -EFAULT;
	return 0;
}

/**
 * ioctl_task_list() - TASK_LIST
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (no room), -E2BIG (SECMAP_LIMIT_TASK_LIST), -EPERM, -ENOSPC (too
 * little room), -EFAULT, -ENOMEM.
 */
static int ioctl_task_list(struct request *request)
{
	struct secmap_task_list *list = request->record;
	struct secmap_task *tasks;
	size_t length;
	int err;

	if (!list->count)
		return -EINVAL;
	if (list->count > SECMAP_LIMIT_TASK_LIST)
		return -E2BIG;
	if (!may_administer(request))
		return -EPERM;
	tasks = alloc_array(list->count, sizeof(*tasks));
	if (!tasks)
		return -ENOMEM;
	err = secmap_task_list(tasks, list->count, &list->cursor, &list->out_count);
	length = list->out_count * sizeof(*tasks);
	if (!err && copy_to_user(u64_to_user_ptr(list->tasks), tasks, length))
		err = -EFAULT;
	kvfree(tasks);
	return err;
}

/**
 * struct command - an entry of the ioctl table
 * @run: does it
 * @least: the size that was published first
 * @known: the size that this module knows
 * @outputs: from here to its end there are only outputs
 */
struct command {
	int (*run)(struct request *request);
	u32 least;
	u32 known;
	u32 outputs;
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
		.run = ioctl_table_create,
		.least = offsetofend(struct secmap_table_create, out_pad),
		.known = sizeof(struct secmap_table_create),
		.outputs = offsetof(struct secmap_table_create, out_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_CREATE)] = {
		.run = ioctl_policy_create,
		.least = offsetofend(struct secmap_policy_create, out_pad),
		.known = sizeof(struct secmap_policy_create),
		.outputs = offsetof(struct secmap_policy_create, out_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_BY_ID)] = {
		.run = ioctl_policy_by_id,
		.least = offsetofend(struct secmap_policy_by_id, pad),
		.known = sizeof(struct secmap_policy_by_id),
		.outputs = sizeof(struct secmap_policy_by_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_NEXT)] = {
		.run = ioctl_policy_next,
		.least = offsetofend(struct secmap_policy_next, out_id),
		.known = sizeof(struct secmap_policy_next),
		.outputs = offsetof(struct secmap_policy_next, out_id),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_INFO)] = {
		.run = ioctl_policy_info,
		.least = offsetofend(struct secmap_policy_info, out_name),
		.known = sizeof(struct secmap_policy_info),
		.outputs = offsetof(struct secmap_policy_info, out_kind),
	},
	[_IOC_NR(SECMAP_IOC_POLICY_TEST)] = {
		.run = ioctl_policy_test,
		.least = offsetofend(struct secmap_policy_test, verdicts),
		.known = sizeof(struct secmap_policy_test),
		.outputs = sizeof(struct secmap_policy_test),
	},
	[_IOC_NR(SECMAP_IOC_ATTACH)] = {
		.run = ioctl_attach,
		.least = offsetofend(struct secmap_attach, out_pad),
		.known = sizeof(struct secmap_attach),
		.outputs = offsetof(struct secmap_attach, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_DETACH)] = {
		.run = ioctl_detach,
		.least = offsetofend(struct secmap_detach, out_pad),
		.known = sizeof(struct secmap_detach),
		.outputs = offsetof(struct secmap_detach, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_TASK_INFO)] = {
		.run = ioctl_task_info,
		.least = offsetofend(struct secmap_task_info, out_pad),
		.known = sizeof(struct secmap_task_info),
		.outputs = offsetof(struct secmap_task_info, out_depth),
	},
	[_IOC_NR(SECMAP_IOC_TASK_LIST)] = {
		.run = ioctl_task_list,
		.least = offsetofend(struct secmap_task_list, tasks),
		.known = sizeof(struct secmap_task_list),
		.outputs = sizeof(struct secmap_task_list),
	},
};

/* Every record starts so. */
struct record_head {
	u32 size;
	u32 flags;
};

static long finish(struct request *request, void __user *to, size_t length)
{
	int fd = 0;

	if (request->file) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0) {
			fput(request->file);
			return fd;
		}
	}
	if (copy_to_user(to, request->record, length)) {
		if (request->file) {
			put_unused_fd(fd);
			fput(request->file);
		}
		return -EFAULT;
	}
	if (request->file)
		fd_install(fd, request->file);
	return fd;
}

/**
 * dispatch() - the one entry
 * @device: the open /dev/secmap
 * @nr: SECMAP_IOC_*
 * @argument: pointer to the record
 *
 * Return: what the command says, a new descriptor or 0, or
 * * -ENOTTY: no such command
 * * -EFAULT: the record cannot be read or written
 * * -EINVAL: it is shorter than it ever was; -E2BIG: it has something behind its end that
 *   this module does not know
 * * -EOPNOTSUPP: an unknown flag
 */
static long dispatch(struct file *device, unsigned int nr, unsigned long argument)
{
	void __user *from = (void __user *)argument;
	struct request request = { .device = device };
	const struct command *command;
	struct record_head *head;
	long result;
	u32 size;

	if (_IOC_TYPE(nr) != SECMAP_IOC_TYPE || _IOC_NR(nr) >= ARRAY_SIZE(commands) ||
	    nr != _IO(SECMAP_IOC_TYPE, _IOC_NR(nr)))
		return -ENOTTY;
	command = &commands[array_index_nospec(_IOC_NR(nr), ARRAY_SIZE(commands))];
	if (get_user(size, (u32 __user *)from))
		return -EFAULT;
	if (size < command->least)
		return -EINVAL;
	if (size > SECMAP_LIMIT_RECORD)
		return -E2BIG;
	request.record = kzalloc(command->known, GFP_KERNEL);
	if (!request.record)
		return -ENOMEM;
	result = copy_struct_from_user(request.record, command->known, from, size);
	if (result)
		goto free;
	head = request.record;
	/* Another thread may have changed it in between. */
	head->size = size;
	result = -EOPNOTSUPP;
	if (head->flags)
		goto free;
	/* A record that cannot be written back is refused before anything has changed. */
	memset(request.record + command->outputs, 0, command->known - command->outputs);
	result = -EFAULT;
	if (copy_to_user(from, request.record, min(size, command->known)))
		goto free;
	result = command->run(&request);
	if (!result)
		result = finish(&request, from, min(size, command->known));
free:
	kfree(request.record);
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
