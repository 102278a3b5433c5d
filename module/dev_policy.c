// SPDX-License-Identifier: GPL-2.0-only
/* /dev/secmap: the ioctls that make policies. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/string.h>

#include "cbpf.h"
#include "dev.h"
#include "limits.h"
#include "policy.h"
#include "user.h"

/* Who may make policies of kind EBPF: SECMAP_EBPF_*, by the words of the parameter. */
static const char *const loaders[] = {
	[SECMAP_EBPF_OFF] = "off",
	[SECMAP_EBPF_PRIVILEGED] = "privileged",
	[SECMAP_EBPF_ALL] = "all",
};

static unsigned int loading = SECMAP_EBPF_PRIVILEGED;

static int loading_set(const char *word, const struct kernel_param *parameter)
{
	int found = sysfs_match_string(loaders, word);

	if (found < 0)
		return found;
	WRITE_ONCE(loading, found);
	return 0;
}

static int loading_get(char *to, const struct kernel_param *parameter)
{
	return sysfs_emit(to, "%s\n", loaders[secmap_ebpf_loading()]);
}

static const struct kernel_param_ops loading_ops = { .set = loading_set, .get = loading_get };
module_param_cb(ebpf, &loading_ops, NULL, 0644);
MODULE_PARM_DESC(ebpf, "Who may make eBPF policies: off, privileged (default) or all");

/* Return: SECMAP_EBPF_*; it may change at any time. */
u32 secmap_ebpf_loading(void)
{
	return READ_ONCE(loading);
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
	array = secmap_user_array(abi->allow, abi->allow_words, sizeof(u64));
	if (IS_ERR(array))
		return PTR_ERR(array);
	section->allow = array;
	array = secmap_user_records(abi->rules, abi->rule_count, sizeof(struct secmap_rule),
				    sizeof(struct secmap_rule));
	if (IS_ERR(array))
		return PTR_ERR(array);
	section->rules = array;
	array = secmap_user_records(abi->conds, abi->cond_count, sizeof(struct secmap_cond),
				    sizeof(struct secmap_cond));
	if (IS_ERR(array))
		return PTR_ERR(array);
	section->conds = array;
	return 0;
}

/* Hand the new policy, or why there is none, to the caller. */
static int publish(struct secmap_request *request, struct secmap_policy *policy)
{
	struct secmap_policy_create *create = request->record;

	if (IS_ERR(policy))
		return PTR_ERR(policy);
	create->out_id = policy->object.id;
	request->file = secmap_object_file(&policy->object);
	return secmap_file_error(request);
}

/* The tables that a policy names: a reference each in @sets, @spec->table_count of them. */
static int find_sets(const struct secmap_policy_create *create, struct secmap_rules_spec *spec,
		     struct secmap_set **sets)
{
	s32 *fds = secmap_user_array(create->tables, create->table_count, sizeof(*fds));
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

static int build_rules(struct secmap_request *request, struct secmap_abi_spec *sections,
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
	err = publish(request, policy);

put_sets:
	for (i = 0; i < spec.table_count; i++)
		secmap_object_put(&sets[i]->object);
	return err;
}

/* Of kind MAPS. */
static noinline_for_stack int create_rules(struct secmap_request *request, struct secmap_why *why)
{
	struct secmap_policy_create *create = request->record;
	struct secmap_abi_spec sections[SECMAP_ABI_COUNT] = {};
	struct secmap_set **sets;
	struct secmap_abi *abis;
	int err;
	u32 i;

	if (create->filter_len || create->filter || !create->abi_count)
		return -EINVAL;
	if (create->abi_count > SECMAP_ABI_COUNT || create->table_count > SECMAP_LIMIT_TABLES)
		return -E2BIG;
	abis = secmap_user_records(create->abis, create->abi_count, sizeof(*abis), sizeof(*abis));
	if (IS_ERR(abis))
		return PTR_ERR(abis);
	for (i = 0; i < create->abi_count; i++)
		sections[i].abi = abis[i];
	kvfree(abis);
	sets = kcalloc(max(create->table_count, 1U), sizeof(*sets), GFP_KERNEL);
	if (!sets)
		return -ENOMEM;
	err = build_rules(request, sections, sets, why);
	for (i = 0; i < create->abi_count; i++)
		free_section(&sections[i]);
	kfree(sets);
	return err;
}

/* The tables that a program names, each a set or a live map. As secmap_ioctl_policy_create(). */
struct inputs {
	u32 count;
	struct secmap_set *sets[SECMAP_LIMIT_TABLES];
	struct secmap_live lives[SECMAP_LIMIT_TABLES];
};

static int find_input(struct inputs *inputs, int fd, struct secmap_why *why)
{
	struct secmap_set *set = secmap_set_of(secmap_object_by_fd(fd, SECMAP_OBJECT_TABLE));
	struct secmap_why inner = {};
	int err;

	if (!IS_ERR(set)) {
		inputs->sets[inputs->count++] = set;
		return 0;
	}
	err = secmap_live_open(&inputs->lives[inputs->count], fd, &inner);
	if (err)
		return secmap_refuse(why, err, "tables[%u]: %.200s", inputs->count, inner.text);
	inputs->count++;
	return 0;
}

static void put_inputs(const struct inputs *inputs)
{
	u32 i;

	for (i = 0; i < inputs->count; i++)
		if (inputs->sets[i])
			secmap_object_put(&inputs->sets[i]->object);
		else
			secmap_live_put(&inputs->lives[i]);
}

/* After the descriptors, before the program is looked at: see uapi. */
static int may_load(const struct secmap_request *request, struct secmap_why *why)
{
	if (secmap_ebpf_loading() == SECMAP_EBPF_ALL || secmap_may_administer(request))
		return 0;
	return secmap_refuse(why, -EPERM,
			     "ebpf=privileged: needs CAP_SYS_ADMIN in the initial user namespace");
}

static int build_ebpf(struct secmap_request *request, const struct bpf_insn *insns, const s32 *fds,
		      struct secmap_why *why)
{
	struct secmap_policy_create *create = request->record;
	struct secmap_program_spec spec = {
		.insns = insns,
		.len = create->filter_len,
		.table_count = create->table_count,
	};
	struct inputs *inputs = kvzalloc(sizeof(*inputs), GFP_KERNEL);
	int err = 0;
	u32 i;

	if (!inputs)
		return -ENOMEM;
	for (i = 0; !err && i < create->table_count; i++)
		err = find_input(inputs, fds[i], why);
	if (!err)
		err = may_load(request, why);
	if (!err) {
		spec.lives = inputs->lives;
		err = publish(request,
			      secmap_policy_create_ebpf(&spec, inputs->sets, create->name, why));
	}
	put_inputs(inputs);
	kvfree(inputs);
	return err;
}

/* Of kind EBPF. */
static noinline_for_stack int create_ebpf(struct secmap_request *request, struct secmap_why *why)
{
	struct secmap_policy_create *create = request->record;
	struct bpf_insn *insns;
	s32 *fds;
	int err;

	if (create->abi_count || create->abis || create->foreign_action || !create->filter_len)
		return -EINVAL;
	if (create->filter_len > SECMAP_LIMIT_INSNS || create->table_count > SECMAP_LIMIT_TABLES)
		return -E2BIG;
	insns = secmap_user_array(create->filter, create->filter_len, sizeof(*insns));
	if (IS_ERR(insns))
		return PTR_ERR(insns);
	fds = secmap_user_array(create->tables, create->table_count, sizeof(*fds));
	err = PTR_ERR_OR_ZERO(fds);
	if (!err) {
		err = build_ebpf(request, insns, fds, why);
		kvfree(fds);
	}
	kvfree(insns);
	return err;
}

/* Of kind CBPF. */
static noinline_for_stack int create_cbpf(struct secmap_request *request, struct secmap_why *why)
{
	struct secmap_policy_create *create = request->record;
	struct sock_filter *filter;
	int err;

	if (create->abi_count || create->table_count || create->abis || create->tables ||
	    create->foreign_action || !create->filter_len)
		return -EINVAL;
	if (create->filter_len > SECMAP_LIMIT_INSNS)
		return -E2BIG;
	/* For the reason alone: the kernel copies the program, and checks its copy, itself. */
	filter = secmap_user_array(create->filter, create->filter_len, sizeof(*filter));
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	err = secmap_cbpf_valid(filter, create->filter_len, why);
	kvfree(filter);
	if (err)
		return err;
	return publish(request, secmap_policy_create_cbpf(create->filter, create->filter_len,
							  create->name, why));
}

/* Is there room for a text, or none? 0, -EINVAL, -E2BIG. */
int secmap_check_log(u64 log, u32 size)
{
	if (!log != !size)
		return -EINVAL;
	return size > SECMAP_LIMIT_LOG ? -E2BIG : 0;
}

/* Hand the reason of @err over, if it is wanted, and pass @err on. */
int secmap_tell_why(u64 log, u32 size, struct secmap_why *why, int err)
{
	size_t length = min_t(size_t, strlen(why->text) + 1, size);

	if (!err || !length)
		return err;
	why->text[length - 1] = '\0';
	return secmap_user_write(log, why->text, length) ?: err;
}

/**
 * secmap_ioctl_policy_create() - POLICY_CREATE
 * @request: the record, see uapi
 *
 * Return: 0 and a file, or
 * * -EOPNOTSUPP: an unknown kind, ABI, action or operator; kind EBPF when it is off
 * * -EINVAL: members of another kind, an inconsistent section, a program that seccomp(2) does
 *   not take either, or that is not in the subset of eBPF, a bad name
 * * -E2BIG: one of the limits of struct secmap_info
 * * -EEXIST: an ABI is there twice
 * * -EBADF, -EBADFD: a table's descriptor
 * * -EPERM: kind EBPF is for administrators
 * * -EFAULT, -ENOSPC, -ENOMEM
 * Where a log is given, the reason is in it.
 */
int secmap_ioctl_policy_create(struct secmap_request *request)
{
	struct secmap_policy_create *create = request->record;
	struct secmap_why why = {};
	int err;

	if (create->kind > SECMAP_POLICY_EBPF)
		return -EOPNOTSUPP;
	if (create->kind == SECMAP_POLICY_EBPF && secmap_ebpf_loading() == SECMAP_EBPF_OFF)
		return -EOPNOTSUPP;
	err = secmap_check_log(create->log, create->log_size);
	if (err)
		return err;
	if (!secmap_object_valid_name(create->name))
		err = secmap_refuse(&why, -EINVAL, "name: not [A-Za-z0-9_.-], or not terminated");
	else if (create->kind == SECMAP_POLICY_MAPS)
		err = create_rules(request, &why);
	else if (create->kind == SECMAP_POLICY_CBPF)
		err = create_cbpf(request, &why);
	else
		err = create_ebpf(request, &why);
	return secmap_tell_why(create->log, create->log_size, &why, err);
}
