// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctls about tasks. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/user_namespace.h>

#include "dev.h"
#include "hook.h"
#include "limits.h"
#include "notify.h"
#include "phase.h"
#include "policy.h"
#include "recorder.h"
#include "task.h"
#include "trace.h"
#include "user.h"

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

static int attach_allowed(const struct secmap_request *request, s32 pid, u32 flags)
{
	if (pid)
		return secmap_may_administer(request) ? 0 : -EPERM;
	/* It leaves no way to execute anything. */
	if (flags & SECMAP_ATTACH_STRICT)
		return 0;
	/* As seccomp(2): what one may do to oneself must not reach a set-user-id program. */
	if (task_no_new_privs(current) || ns_capable_noaudit(current_user_ns(), CAP_SYS_ADMIN))
		return 0;
	return -EACCES;
}

/* Do the members of the record go together? 0, -EINVAL, -E2BIG. */
static int check_attach(const struct secmap_attach *attach)
{
	u32 flags = attach->flags;
	u32 own = flags & (SECMAP_ATTACH_FILTER | SECMAP_ATTACH_STRICT);
	bool records = flags & SECMAP_ATTACH_RECORD;

	if (attach->pid < 0 || (!records && attach->record_fd))
		return -EINVAL;
	/* Nobody is asked about what is not enforced. */
	if (flags & SECMAP_ATTACH_COMPLAIN && flags & SECMAP_ATTACH_NEW_LISTENER)
		return -EINVAL;
	/* A recorder of all calls brings a policy of its own. */
	if (records && !(flags & SECMAP_ATTACH_COMPLAIN) && (own || attach->policy_fd != -1))
		return -EINVAL;
	if (flags & SECMAP_ATTACH_STRICT && (flags != SECMAP_ATTACH_STRICT || attach->pid))
		return -EINVAL;
	if (own && attach->policy_fd != -1)
		return -EINVAL;
	if (flags & SECMAP_ATTACH_FILTER ? !attach->filter_len :
					   attach->filter_len || attach->filter)
		return -EINVAL;
	if (flags & SECMAP_ATTACH_TSYNC && attach->pid)
		return -EINVAL;
	/* The descriptor of a listener and the id of a thread look the same. */
	if (flags & SECMAP_ATTACH_TSYNC && flags & SECMAP_ATTACH_NEW_LISTENER &&
	    !(flags & SECMAP_ATTACH_TSYNC_ESRCH))
		return -EINVAL;
	if (flags & SECMAP_ATTACH_WAIT_KILLABLE_RECV && !(flags & SECMAP_ATTACH_NEW_LISTENER))
		return -EINVAL;
	return attach->filter_len > SECMAP_LIMIT_INSNS ? -E2BIG : 0;
}

/* 0, -ENOSYS: this kernel cannot skip a call, -EAGAIN: it is not known yet. */
static int can_skip(void)
{
	switch (secmap_hook_skip()) {
	case SECMAP_SKIP_WORKS:
		return 0;
	case SECMAP_SKIP_BROKEN:
		return -ENOSYS;
	default:
		secmap_hook_try();
		return -EAGAIN;
	}
}

/* What records the calls, with a reference, or NULL. */
static struct secmap_recorder *find_recorder(const struct secmap_attach *attach)
{
	if (!(attach->flags & SECMAP_ATTACH_RECORD))
		return NULL;
	return secmap_recorder_by_fd(attach->record_fd);
}

/* A policy that is there already, with a reference, or NULL: one is to be made. */
static struct secmap_policy *find_made(const struct secmap_attach *attach,
				       const struct secmap_recorder *recorder)
{
	struct secmap_object *object;

	if (attach->flags & (SECMAP_ATTACH_FILTER | SECMAP_ATTACH_STRICT))
		return NULL;
	if (recorder && !(attach->flags & SECMAP_ATTACH_COMPLAIN))
		object = secmap_object_get(&recorder->policy->object);
	else
		object = secmap_object_by_fd(attach->policy_fd, SECMAP_OBJECT_POLICY);
	return secmap_policy_of(object);
}

/*
 * What is to be attached, with a reference. Who may not learns nothing about a program, and
 * costs no memory; as seccomp(2).
 */
static struct secmap_policy *find_policy(struct secmap_request *request,
					 const struct secmap_recorder *recorder)
{
	static const char name[SECMAP_NAME_LEN];
	const struct secmap_attach *attach = request->record;
	struct secmap_policy *policy = find_made(attach, recorder);
	int err;

	if (IS_ERR(policy))
		return policy;
	err = attach_allowed(request, attach->pid, attach->flags) ?: can_skip();
	if (err) {
		if (policy)
			secmap_policy_put(policy);
		return ERR_PTR(err);
	}
	if (attach->flags & SECMAP_ATTACH_FILTER)
		return secmap_policy_create_cbpf(attach->filter, attach->filter_len, name, NULL);
	return policy ?: secmap_policy_create_strict();
}

/* Reserve all that a listener needs, so that nothing fails once it is attached. */
static int make_listener(struct secmap_request *request, struct secmap_entry *entry)
{
	const struct secmap_attach *attach = request->record;
	int err;

	if (!(attach->flags & SECMAP_ATTACH_NEW_LISTENER))
		return 0;
	request->fd = get_unused_fd_flags(O_CLOEXEC);
	if (request->fd < 0)
		return request->fd;
	entry->listener = secmap_listener_create(attach->flags & SECMAP_ATTACH_WAIT_KILLABLE_RECV);
	if (IS_ERR(entry->listener)) {
		err = PTR_ERR(entry->listener);
		entry->listener = NULL;
		return err;
	}
	request->file = secmap_listener_file(entry->listener);
	return secmap_file_error(request);
}

/* 0, the positive id of a thread that cannot be synchronised, or a negative errno. */
static int attach_to_threads(struct secmap_attach *attach, const struct secmap_entry *entry)
{
	pid_t stranger = 0;
	int err = secmap_task_sync(entry, &attach->out_depth, &stranger);

	if (err != -EPERM)
		return err;
	if (stranger > 0 && !(attach->flags & SECMAP_ATTACH_TSYNC_ESRCH))
		return stranger;
	return -ESRCH;
}

static int attach_to_task(s32 pid, const struct secmap_entry *entry, u32 *depth)
{
	struct task_struct *task = find_task(pid);
	int err;

	if (IS_ERR(task))
		return PTR_ERR(task);
	err = secmap_task_attach(task, entry, depth);
	put_task_struct(task);
	return err;
}

/**
 * secmap_ioctl_attach() - ATTACH
 * @request: the record, see uapi
 *
 * Return: 0, the id of a thread with TSYNC, or
 * * -EINVAL: a negative pid, padding, flags and members that contradict each other, a program
 *   that seccomp(2) does not take, STRICT for who is filtered already
 * * -E2BIG: SECMAP_LIMIT_INSNS
 * * -EBADF, -EBADFD: the recorder's descriptor, or the policy's
 * * -EACCES: no_new_privs is not set; -EPERM: another task, and no administrator
 * * -EAGAIN: the kernel is still being tested, or the task being created
 * * -ENOSYS: this kernel cannot skip a call
 * * -ESRCH: no such task, or it is exiting, or makes no calls; or, with TSYNC, a thread cannot
 *   be synchronised
 * * -EBUSY: a second listener
 * * -EINTR: a fatal signal
 * * -EFAULT, -EMFILE, -ENFILE, -ENOSPC, -ENOMEM
 * Nothing has changed then, for any thread.
 */
int secmap_ioctl_attach(struct secmap_request *request)
{
	struct secmap_attach *attach = request->record;
	struct secmap_entry entry = {
		.flags = attach->flags &
			 (SECMAP_ATTACH_LOG | SECMAP_ATTACH_STRICT | SECMAP_ATTACH_COMPLAIN),
	};
	int err;

	err = check_attach(attach);
	if (err)
		return err;
	entry.recorder = find_recorder(attach);
	if (IS_ERR(entry.recorder))
		return PTR_ERR(entry.recorder);
	entry.policy = find_policy(request, entry.recorder);
	if (IS_ERR(entry.policy)) {
		err = PTR_ERR(entry.policy);
		goto put_recorder;
	}
	err = make_listener(request, &entry);
	if (err)
		goto put;
	if (attach->flags & SECMAP_ATTACH_TSYNC) {
		err = attach_to_threads(attach, &entry);
	} else {
		secmap_policy_give(entry.policy, attach->pid ? NULL : current);
		err = attach_to_task(attach->pid, &entry, &attach->out_depth);
	}
	if (!err)
		trace_secmap_attach(attach->pid, entry.policy->object.id, attach->out_depth);
put:
	if (entry.listener)
		secmap_listener_put(entry.listener);
	secmap_policy_put(entry.policy);
put_recorder:
	if (entry.recorder)
		secmap_recorder_put(entry.recorder);
	return err;
}

/* The calls of a record, as a phase with one reference. */
static struct secmap_phase *make_phase(const struct secmap_attach_later *later)
{
	struct secmap_phase *phase;
	struct secmap_number *calls;

	calls = secmap_user_array(later->calls, later->count, sizeof(*calls));
	if (IS_ERR(calls))
		return ERR_CAST(calls);
	phase = secmap_phase_create(calls, later->count, !(later->flags & SECMAP_ATTACH_MADE));
	kvfree(calls);
	return phase;
}

/**
 * secmap_ioctl_attach_later() - ATTACH_LATER
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: a negative pid, padding, no call, or a number from SECMAP_NR_MAX on
 * * -E2BIG: SECMAP_LIMIT_PHASE_CALLS
 * * -EOPNOTSUPP, -EEXIST: a call's ABI; the same call twice
 * * -EBADF, -EBADFD, -EACCES, -EPERM, -EAGAIN, -ENOSYS, -ESRCH, -EINTR, -EFAULT, -ENOSPC, -ENOMEM:
 *   as ATTACH
 */
int secmap_ioctl_attach_later(struct secmap_request *request)
{
	struct secmap_attach_later *later = request->record;
	struct secmap_entry entry = { .flags = later->flags & SECMAP_ATTACH_LOG };
	int err;

	if (later->pid < 0 || later->pad || !later->count)
		return -EINVAL;
	if (later->count > SECMAP_LIMIT_PHASE_CALLS)
		return -E2BIG;
	entry.phase = make_phase(later);
	if (IS_ERR(entry.phase))
		return PTR_ERR(entry.phase);
	entry.policy =
		secmap_policy_of(secmap_object_by_fd(later->policy_fd, SECMAP_OBJECT_POLICY));
	err = PTR_ERR_OR_ZERO(entry.policy);
	if (err)
		goto put_phase;
	err = attach_allowed(request, later->pid, 0) ?: can_skip();
	if (!err) {
		secmap_policy_give(entry.policy, later->pid ? NULL : current);
		err = attach_to_task(later->pid, &entry, &later->out_depth);
	}
	if (!err)
		trace_secmap_attach(later->pid, entry.policy->object.id, later->out_depth);
	secmap_policy_put(entry.policy);
put_phase:
	secmap_phase_put(entry.phase);
	return err;
}

/**
 * secmap_ioctl_detach() - DETACH
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (a negative pid), -EPERM, -ESRCH, -ENOENT, -EAGAIN, -EINTR (a fatal
 * signal), -ENOMEM.
 */
int secmap_ioctl_detach(struct secmap_request *request)
{
	struct secmap_detach *detach = request->record;
	struct task_struct *task;
	int err;

	if (detach->pid < 0)
		return -EINVAL;
	if (!secmap_may_loosen(request))
		return -EPERM;
	task = find_task(detach->pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = secmap_task_detach(task, detach->policy_id, &detach->out_depth);
	put_task_struct(task);
	return err;
}

/**
 * secmap_ioctl_task_info() - TASK_INFO
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (a negative pid), -EPERM, -ESRCH, -EFAULT.
 */
int secmap_ioctl_task_info(struct secmap_request *request)
{
	struct secmap_task_info *info = request->record;
	u32 ids[SECMAP_LIMIT_STACK];
	struct secmap_stack *stack;
	struct task_struct *task;
	u32 i;

	if (info->pid < 0)
		return -EINVAL;
	if (info->pid && !secmap_may_administer(request))
		return -EPERM;
	task = find_task(info->pid);
	if (IS_ERR(task))
		return PTR_ERR(task);
	stack = secmap_task_stack(task);
	put_task_struct(task);
	info->out_depth = stack ? stack->depth : 0;
	for (i = 0; i < info->out_depth; i++) {
		ids[i] = stack->entries[i].policy->object.id;
		if (stack->entries[i].phase)
			info->out_waiting |= BIT_ULL(i);
	}
	secmap_stack_put(stack);
	return secmap_user_write(info->ids, ids, min(info->out_depth, info->count) * sizeof(*ids));
}

/**
 * secmap_ioctl_task_list() - TASK_LIST
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (no room), -E2BIG (SECMAP_LIMIT_TASK_LIST), -EPERM, -ENOSPC (too
 * little room), -EFAULT, -ENOMEM.
 */
int secmap_ioctl_task_list(struct secmap_request *request)
{
	struct secmap_task_list *list = request->record;
	struct secmap_task *tasks;
	size_t length;
	int err;

	if (!list->count)
		return -EINVAL;
	if (list->count > SECMAP_LIMIT_TASK_LIST)
		return -E2BIG;
	if (!secmap_may_administer(request))
		return -EPERM;
	tasks = secmap_user_room(list->count, sizeof(*tasks));
	if (!tasks)
		return -ENOMEM;
	err = secmap_task_list(tasks, list->count, &list->cursor, &list->out_count);
	length = list->out_count * sizeof(*tasks);
	if (!err)
		err = secmap_user_write(list->tasks, tasks, length);
	kvfree(tasks);
	return err;
}
