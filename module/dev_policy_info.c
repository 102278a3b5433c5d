// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctls that open, list, describe and ask policies. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "dev.h"
#include "limits.h"
#include "policy.h"
#include "user.h"

/*
 * May the caller have own policies? Ids go through all namespaces, so that nobody in one of a
 * container's finds what somebody with his user id has outside.
 */
static bool may_own(void)
{
	return !secmap_is_filtered() && current_user_ns() == &init_user_ns &&
	       task_active_pid_ns(current) == &init_pid_ns;
}

/* Does he own this one: he made it, and only his unprivileged tasks carry it? */
static bool is_own(const struct secmap_object *object)
{
	const struct secmap_policy *policy = container_of(object, struct secmap_policy, object);

	return secmap_object_is_callers(object) && atomic_read(&policy->stacks) &&
	       !READ_ONCE(policy->lent);
}

/**
 * secmap_ioctl_policy_by_id() - POLICY_BY_ID
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or -EINVAL (padding), -EPERM, -ENOENT, -ENOMEM.
 */
int secmap_ioctl_policy_by_id(struct secmap_request *request)
{
	bool administrator = secmap_may_administer(request);
	struct secmap_policy_by_id *by_id = request->record;
	struct secmap_object *object;

	if (by_id->pad)
		return -EINVAL;
	if (!administrator && !may_own())
		return -EPERM;
	object = secmap_object_by_id(by_id->id, SECMAP_OBJECT_POLICY);
	if (IS_ERR(object))
		return administrator ? PTR_ERR(object) : -EPERM;
	if (!administrator && !is_own(object)) {
		secmap_object_put(object);
		return -EPERM;
	}
	request->file = secmap_object_file(object);
	return secmap_file_error(request);
}

/* The smallest id above @id of an own policy; 0: there is none, or a fatal signal came. */
static u32 next_own_id(u32 id)
{
	struct secmap_object *object;
	bool own = false;

	if (!may_own())
		return 0;
	while (!own && !fatal_signal_pending(current)) {
		object = secmap_object_next(id, SECMAP_OBJECT_POLICY);
		if (!object)
			return 0;
		id = object->id;
		own = is_own(object);
		secmap_object_put(object);
		cond_resched();
	}
	return own ? id : 0;
}

/**
 * secmap_ioctl_policy_next() - POLICY_NEXT
 * @request: the record, see uapi
 *
 * Return: 0, -EPERM, or -ENOENT at the end.
 */
int secmap_ioctl_policy_next(struct secmap_request *request)
{
	struct secmap_policy_next *next = request->record;

	if (next->flags & SECMAP_NEXT_OWN) {
		next->out_id = next_own_id(next->id);
		return next->out_id ? 0 : -ENOENT;
	}
	if (!secmap_may_administer(request))
		return -EPERM;
	next->out_id = secmap_object_next_id(next->id, SECMAP_OBJECT_POLICY);
	return next->out_id ? 0 : -ENOENT;
}

/* The ids of as many tables as fit; 0: a map of bpf(2). */
static int tell_tables(const struct secmap_policy *policy, const struct secmap_policy_info *info)
{
	u32 i, room = min(info->count, policy->set_count);
	u32 *ids = secmap_user_room(room, sizeof(*ids));
	int err;

	if (!ids)
		return -ENOMEM;
	for (i = 0; i < room; i++)
		if (policy->sets[i])
			ids[i] = policy->sets[i]->object.id;
	err = secmap_user_write(info->tables, ids, room * sizeof(*ids));
	kvfree(ids);
	return err;
}

/**
 * secmap_ioctl_policy_info() - POLICY_INFO
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (padding), -EBADF, -EBADFD, -EFAULT, -ENOMEM.
 */
int secmap_ioctl_policy_info(struct secmap_request *request)
{
	struct secmap_policy_info *info = request->record;
	struct secmap_policy *policy;
	int err;

	if (info->pad)
		return -EINVAL;
	policy = secmap_policy_of(secmap_object_by_fd(info->policy_fd, SECMAP_OBJECT_POLICY));
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	secmap_policy_describe(policy, info);
	err = tell_tables(policy, info);
	secmap_policy_put(policy);
	return err;
}

/**
 * secmap_ioctl_policy_filter() - POLICY_FILTER
 * @request: the record, see uapi
 *
 * Return: 0, -EBADF, -EBADFD, -EINVAL (another kind of policy), -EFAULT.
 */
int secmap_ioctl_policy_filter(struct secmap_request *request)
{
	struct secmap_policy_filter *filter = request->record;
	struct secmap_policy *policy;
	struct secmap_body *body;
	const void *insns;
	int err = -EINVAL;

	policy = secmap_policy_of(secmap_object_by_fd(filter->policy_fd, SECMAP_OBJECT_POLICY));
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	body = secmap_policy_body(policy);
	if (body->program) {
		insns = secmap_program_filter(body->program, &filter->out_count);
		err = secmap_user_write(filter->filter, insns,
					min(filter->count, filter->out_count) *
						sizeof(struct bpf_insn));
	}
	secmap_body_put(body);
	secmap_policy_put(policy);
	return err;
}

static int test_calls(const struct secmap_body *body, const struct seccomp_data *calls,
		      struct secmap_verdict *verdicts, u32 count, u32 repeat)
{
	/* So many judgements cost as much as the worst call of a stack. */
	u32 cost = secmap_body_cost(body) + secmap_body_insns(body);
	u32 breath = SECMAP_LIMIT_STACK_COST / (cost + 1) + 1;
	u32 i, round, left = breath;

	for (i = 0; i < count; i++) {
		for (round = 0; round < repeat; round++) {
			verdicts[i] = secmap_body_test(body, &calls[i]);
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
 * secmap_ioctl_policy_test() - POLICY_TEST
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL: padding
 * * -E2BIG: SECMAP_LIMIT_TEST_CALLS, SECMAP_LIMIT_TEST_REPEAT
 * * -EINTR: a signal came
 * * -EBADF, -EBADFD, -EFAULT, -ENOMEM
 */
int secmap_ioctl_policy_test(struct secmap_request *request)
{
	struct secmap_policy_test *test = request->record;
	struct secmap_verdict *verdicts;
	struct secmap_policy *policy;
	struct secmap_body *body;
	struct seccomp_data *calls;
	int err;

	if (test->pad)
		return -EINVAL;
	if (test->count > SECMAP_LIMIT_TEST_CALLS || test->repeat > SECMAP_LIMIT_TEST_REPEAT)
		return -E2BIG;
	policy = secmap_policy_of(secmap_object_by_fd(test->policy_fd, SECMAP_OBJECT_POLICY));
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	calls = secmap_user_array(test->calls, test->count, sizeof(*calls));
	err = PTR_ERR_OR_ZERO(calls);
	if (err)
		goto put;
	verdicts = secmap_user_room(test->count, sizeof(*verdicts));
	err = -ENOMEM;
	if (!verdicts)
		goto free;
	body = secmap_policy_body(policy);
	err = test_calls(body, calls, verdicts, test->count, max(test->repeat, 1U));
	secmap_body_put(body);
	if (!err)
		err = secmap_user_write(test->verdicts, verdicts, test->count * sizeof(*verdicts));
	kvfree(verdicts);
free:
	kvfree(calls);
put:
	secmap_policy_put(policy);
	return err;
}
