// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctls that change what is carried already. */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "dev.h"
#include "policy.h"
#include "replace.h"
#include "tighten.h"
#include "user.h"

static struct secmap_policy *policy_by_fd(s32 fd)
{
	return secmap_policy_of(secmap_object_by_fd(fd, SECMAP_OBJECT_POLICY));
}

/*
 * Programs are not compared: nothing is known of them about numbers that no policy can name, and
 * live maps change.
 */
static int check_tighter(const struct secmap_compared *compared, u32 from_id, u32 to_id,
			 struct secmap_why *why)
{
	const struct secmap_rules *from = compared->from->rules, *to = compared->to->rules;
	struct secmap_looser looser;
	int err;

	if (!from || !to)
		return secmap_refuse(why, -EOPNOTSUPP, "policy %u is a program",
				     from ? to_id : from_id);
	err = secmap_tighten_check(from, to, &looser);
	return err == -EXDEV ? secmap_tighten_refuse(&looser, why) : err;
}

/* Compare, and replace if neither has changed with a table meanwhile: -ESTALE. */
static int compare_and_replace(struct secmap_policy_replace *replace, struct secmap_policy *from,
			       struct secmap_policy *to, bool own, struct secmap_why *why)
{
	struct secmap_body *bodies[] = { secmap_policy_body(from), secmap_policy_body(to) };
	struct secmap_compared compared = { .from = bodies[0], .to = bodies[1] };
	int err;

	err = check_tighter(&compared, from->object.id, to->object.id, why);
	if (!err) {
		err = secmap_replace(from, to, &compared, own, &replace->out_tasks,
				     &replace->out_stacks);
		if (err == -EPERM)
			secmap_refuse(why, err, "policy %u is sealed", from->object.id);
	}
	secmap_body_put(bodies[0]);
	secmap_body_put(bodies[1]);
	return err;
}

/*
 * Who made both may tighten, where only his own tasks carry it. Otherwise he could make calls of a
 * task fail that has more privileges, so that it does with them what it should not.
 */
static int tighten(struct secmap_request *request, struct secmap_policy *from,
		   struct secmap_policy *to, struct secmap_why *why)
{
	struct secmap_policy_replace *replace = request->record;
	bool own = !secmap_may_administer(request);
	int err;

	if (secmap_is_filtered())
		return secmap_refuse(why, -EPERM, "the caller is filtered itself");
	if (own && !secmap_object_is_callers(&from->object))
		return secmap_refuse(why, -EPERM, "somebody else made policy %u", from->object.id);
	if (own && !secmap_object_is_callers(&to->object))
		return secmap_refuse(why, -EPERM, "somebody else made policy %u", to->object.id);
	if (own && READ_ONCE(from->lent))
		return secmap_refuse(why, -EPERM, "others, or privileged tasks, carry policy %u",
				     from->object.id);
	do
		err = compare_and_replace(replace, from, to, own, why);
	while (err == -ESTALE && !fatal_signal_pending(current));
	return err == -ESTALE ? -EINTR : err;
}

static int replace(struct secmap_request *request, struct secmap_policy *from,
		   struct secmap_policy *to)
{
	struct secmap_policy_replace *replace = request->record;

	if (!secmap_may_loosen(request))
		return -EPERM;
	return secmap_replace(from, to, NULL, false, &replace->out_tasks, &replace->out_stacks);
}

/**
 * secmap_ioctl_policy_replace() - POLICY_REPLACE
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EINVAL, -E2BIG: the log, padding
 * * -EBADF, -EBADFD: one of the descriptors
 * * -EEXIST: they stand for the same policy
 * * -EPERM: no administrator, with TIGHTEN nor who made them, a caller that is filtered, or a
 *   sealed policy
 * * -EOPNOTSUPP: TIGHTEN, and a program; -EXDEV: TIGHTEN, and it is not shown to tighten
 * * -EAGAIN: TIGHTEN, no administrator, and too many stacks have come meanwhile
 * * -ENOSPC, -EINTR, -ENOMEM
 * Nothing has changed then, for any task. With TIGHTEN the reason is in the log, if one is given.
 */
int secmap_ioctl_policy_replace(struct secmap_request *request)
{
	struct secmap_policy_replace *replace_by = request->record;
	struct secmap_why why = {};
	struct secmap_policy *from, *to;
	int err;

	if (replace_by->pad)
		return -EINVAL;
	err = secmap_check_log(replace_by->log, replace_by->log_size);
	if (err)
		return err;
	from = policy_by_fd(replace_by->policy_fd);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = policy_by_fd(replace_by->by_fd);
	err = PTR_ERR_OR_ZERO(to);
	if (err)
		goto put_from;
	if (from == to)
		err = -EEXIST;
	else if (replace_by->flags & SECMAP_REPLACE_TIGHTEN)
		err = tighten(request, from, to, &why);
	else
		err = replace(request, from, to);
	secmap_policy_put(to);
put_from:
	secmap_policy_put(from);
	return secmap_tell_why(replace_by->log, replace_by->log_size, &why, err);
}

/*
 * May the caller seal this object, or change one that nothing depends on? Another user who was
 * given a descriptor to use it must not take the administrator's right to replace it; nor must who
 * is confined.
 */
bool secmap_may_seal(const struct secmap_request *request, const struct secmap_object *object)
{
	return !secmap_is_filtered() &&
	       (uid_eq(object->uid, current_euid()) || secmap_may_administer(request));
}

/* What it looks into cannot change any more either: that is for who may seal each of it, too. */
static bool may_seal_policy(const struct secmap_request *request,
			    const struct secmap_policy *policy)
{
	u32 i;

	for (i = 0; i < policy->set_count; i++)
		if (policy->sets[i] && !secmap_may_seal(request, &policy->sets[i]->object))
			return false;
	return secmap_may_seal(request, &policy->object);
}

/**
 * secmap_ioctl_policy_seal() - POLICY_SEAL
 * @request: the record, see uapi
 *
 * Return: 0, -EINVAL (padding), -EBADF, -EBADFD, -EPERM, -EINTR.
 */
int secmap_ioctl_policy_seal(struct secmap_request *request)
{
	const struct secmap_policy_seal *seal = request->record;
	struct secmap_policy *policy;
	int err;

	if (seal->pad)
		return -EINVAL;
	policy = policy_by_fd(seal->policy_fd);
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	err = may_seal_policy(request, policy) ? secmap_seal(&policy->sealed) : -EPERM;
	secmap_policy_put(policy);
	return err;
}

/*
 * Counters loosen nothing, so who is filtered may have them as well. They tell the policy's maker
 * of those who carry it: whoever takes another's policy lets him know what it says.
 */
static bool may_count(const struct secmap_request *request, const struct secmap_policy *policy)
{
	return uid_eq(policy->object.uid, current_euid()) || secmap_may_administer(request);
}

/**
 * secmap_ioctl_policy_count() - POLICY_COUNT
 * @request: the record, see uapi
 *
 * Return: 0, or
 * * -EOPNOTSUPP: neither on nor off
 * * -EBADF, -EBADFD: the descriptor
 * * -EPERM: neither its maker nor an administrator
 * * -ENOSPC, -EAGAIN, -EINTR, -ENOMEM
 * Nothing has changed then.
 */
int secmap_ioctl_policy_count(struct secmap_request *request)
{
	struct secmap_policy_count *count = request->record;
	struct secmap_policy *policy;
	int err = -EPERM;

	if (count->on > 1)
		return -EOPNOTSUPP;
	policy = policy_by_fd(count->policy_fd);
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	if (may_count(request, policy))
		err = secmap_count(policy, count->on, secmap_may_administer(request),
				   &count->out_tasks, &count->out_stacks);
	secmap_policy_put(policy);
	return err;
}

/* Copy out what was counted. */
static int tell_stats(const struct secmap_policy *policy, struct secmap_policy_stats *record)
{
	const struct secmap_stats *stats = secmap_policy_stats(policy);
	struct secmap_count *counts;
	struct secmap_body *body;
	u32 room;
	int err;

	record->out_on = secmap_policy_is_counted(policy);
	if (!stats)
		return 0;
	room = min(record->count, secmap_tally_size(&stats->tally));
	counts = secmap_user_room(room, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	/* Rules stay the same when a table changes. */
	body = secmap_policy_body(policy);
	record->out_count = secmap_stats_read(stats, body->rules, counts, room);
	secmap_body_put(body);
	err = secmap_user_write(record->counts, counts,
				min(room, record->out_count) * sizeof(*counts));
	kvfree(counts);
	return err;
}

/**
 * secmap_ioctl_policy_stats() - POLICY_STATS
 * @request: the record, see uapi
 *
 * Return: 0, -EBADF, -EBADFD, -EPERM, -EFAULT, -ENOMEM.
 */
int secmap_ioctl_policy_stats(struct secmap_request *request)
{
	struct secmap_policy_stats *stats = request->record;
	struct secmap_policy *policy;
	int err;

	policy = policy_by_fd(stats->policy_fd);
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	err = may_count(request, policy) ? tell_stats(policy, stats) : -EPERM;
	secmap_policy_put(policy);
	return err;
}
