// SPDX-License-Identifier: GPL-2.0-only
/* Programs: build, describe, free. */
#include "program.h"

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "cbpf.h"
#include "ebpf_build.h"
#include "predict.h"
#include "table.h"
#include "verify.h"

/* Is it told what @of returns for a number of this architecture, up to which @last, and what? */
typedef bool (*tell_t)(void *of, u32 arch, u32 nr, u32 *last, u32 *action);

static bool tell_cbpf(void *of, u32 arch, u32 nr, u32 *last, u32 *action)
{
	const struct sock_fprog_kern *filter = of;

	return secmap_predict_cbpf(filter->filter, filter->len, arch, nr, last, action);
}

static bool tell_ebpf(void *of, u32 arch, u32 nr, u32 *last, u32 *action)
{
	*last = nr;
	return secmap_predict_ebpf(of, arch, nr, action);
}

/* One more than its place; 0: there is no room for another one. */
static u8 told_place(struct secmap_told *told, u32 action)
{
	u32 i;

	for (i = 0; i < told->count; i++)
		if (told->actions[i] == action)
			return i + 1;
	if (i == SECMAP_PROGRAM_ACTIONS)
		return 0;
	told->actions[i] = action;
	told->count = i + 1;
	return i + 1;
}

/* The numbers of each ABI as they stand in struct seccomp_data. */
static void tell(struct secmap_told *told, tell_t asked, void *of)
{
	static const struct {
		u32 arch, first;
	} abis[SECMAP_ABI_COUNT] = {
		[SECMAP_ABI_X86_64] = { AUDIT_ARCH_X86_64, 0 },
		[SECMAP_ABI_X32] = { AUDIT_ARCH_X86_64, SECMAP_X32_BIT },
		[SECMAP_ABI_I386] = { AUDIT_ARCH_I386, 0 },
	};
	u32 abi, nr, count, last, action, asks = 0;

	for (abi = 0; abi < SECMAP_ABI_COUNT; abi++)
		for (nr = 0; nr < SECMAP_NR_MAX; nr += count) {
			u8 place = 0;

			if (asked(of, abis[abi].arch, abis[abi].first + nr, &last, &action))
				place = told_place(told, action);
			count = min(last - abis[abi].first, SECMAP_NR_MAX - 1U) - nr + 1;
			memset(&told->index[abi][nr], place, count);
			if (asks++ % 16 == 0)
				cond_resched();
		}
}

/*
 * The kernel does not charge its copy of the program to anybody's cgroup, for a task of
 * seccomp(2) has few; policies may be many. So it gets one that is charged; it frees either
 * by kfree(). Return: 0 or -ENOMEM.
 */
static int charge_copy(struct sock_fprog_kern *filter)
{
	void *copy =
		kmemdup(filter->filter, filter->len * sizeof(*filter->filter), GFP_KERNEL_ACCOUNT);

	if (!copy)
		return -ENOMEM;
	kfree(filter->filter);
	filter->filter = copy;
	return 0;
}

/**
 * secmap_program_create_cbpf() - a program of classic BPF
 * @filter: user space's struct sock_filter instructions
 * @len: how many, 1 ... SECMAP_LIMIT_INSNS
 *
 * The kernel copies, checks, translates and compiles it; secmap_cbpf_check() is its second
 * check, as seccomp(2)'s is.
 *
 * Return: the program, or
 * * -EINVAL: seccomp(2) would not take it either
 * * -EFAULT, -ENOMEM
 */
struct secmap_program *secmap_program_create_cbpf(u64 filter, u16 len)
{
	struct sock_fprog from = { .len = len, .filter = u64_to_user_ptr(filter) };
	struct secmap_program *program;
	int err;

	program = kvzalloc(struct_size(program, lives, 0), GFP_KERNEL_ACCOUNT);
	if (!program)
		return ERR_PTR(-ENOMEM);
	/* With a copy as it was handed over: to predict by, and to read back. */
	err = bpf_prog_create_from_user(&program->prog, &from, secmap_cbpf_check, true);
	if (err) {
		kvfree(program);
		return ERR_PTR(err);
	}
	err = charge_copy(program->prog->orig_prog);
	if (err) {
		secmap_program_free(program);
		return ERR_PTR(err);
	}
	tell(&program->told, tell_cbpf, program->prog->orig_prog);
	return program;
}

/* Is it in the subset, and what does it need? As secmap_program_create_ebpf(). */
static int verify(const struct secmap_program_spec *spec, struct secmap_verify_facts *facts,
		  struct secmap_why *why)
{
	u8 *types = kcalloc(max(spec->table_count, 1U), sizeof(*types), GFP_KERNEL);
	u32 i;
	int err;

	if (!types)
		return secmap_refuse(why, -ENOMEM, "no memory");
	for (i = 0; i < spec->table_count; i++)
		types[i] =
			spec->tables[i] ? secmap_table_type(spec->tables[i]) : spec->lives[i].type;
	err = secmap_verify(spec->insns, spec->len, types, spec->table_count, facts, why);
	kfree(types);
	if (!err && facts->cost > SECMAP_LIMIT_COST)
		err = secmap_refuse(why, -E2BIG, "its dearest way costs %u, more than %u",
				    facts->cost, SECMAP_LIMIT_COST);
	return err;
}

/* What its indices stand for becomes addresses. As secmap_ebpf_build(). */
static struct bpf_prog *build(const struct secmap_program *program,
			      const struct secmap_program_spec *spec, u32 stack,
			      struct secmap_why *why)
{
	const void **tables = kcalloc(max(spec->table_count, 1U), sizeof(*tables), GFP_KERNEL);
	struct bpf_prog *prog;
	u32 i;

	if (!tables)
		return ERR_PTR(secmap_refuse(why, -ENOMEM, "no memory"));
	for (i = 0; i < spec->table_count; i++)
		tables[i] = spec->tables[i] ?: SECMAP_EBPF_LIVE(&program->lives[i]);
	prog = secmap_ebpf_build(spec->insns, spec->len, stack, tables, why);
	kfree(tables);
	return prog;
}

/* 0 or -ENOMEM. */
static int predict(struct secmap_program *program, const struct secmap_program_spec *spec)
{
	const struct secmap_ebpf of = {
		.insns = spec->insns,
		.len = spec->len,
		.tables = spec->tables,
		.table_count = spec->table_count,
	};
	struct secmap_predict_room *room = secmap_predict_room_create(&of);

	if (!room)
		return -ENOMEM;
	tell(&program->told, tell_ebpf, room);
	secmap_predict_room_free(room);
	return 0;
}

/**
 * secmap_program_create_ebpf() - a program of secmap's subset of eBPF
 * @spec: its instructions and tables
 * @why: where the reason of a refusal goes
 *
 * Return: the program, or
 * * -EINVAL: it is not in the subset
 * * -E2BIG: its dearest way costs more than SECMAP_LIMIT_COST
 * * -ENOMEM
 */
struct secmap_program *secmap_program_create_ebpf(const struct secmap_program_spec *spec,
						  struct secmap_why *why)
{
	struct secmap_verify_facts facts;
	struct secmap_program *program;
	int err;
	u32 i;

	err = verify(spec, &facts, why);
	if (err)
		return ERR_PTR(err);
	program = kvzalloc(struct_size(program, lives, spec->table_count), GFP_KERNEL_ACCOUNT);
	if (!program)
		return ERR_PTR(secmap_refuse(why, -ENOMEM, "no memory"));
	program->cost = facts.cost;
	program->len = spec->len;
	program->live_count = spec->table_count;
	for (i = 0; i < spec->table_count; i++)
		if (!spec->tables[i]) {
			secmap_live_hold(&spec->lives[i]);
			program->lives[i] = spec->lives[i];
		}
	program->insns = kvmalloc_array(spec->len, sizeof(*spec->insns), GFP_KERNEL_ACCOUNT);
	if (!program->insns || predict(program, spec)) {
		err = secmap_refuse(why, -ENOMEM, "no memory for %u instructions", spec->len);
		goto free;
	}
	memcpy(program->insns, spec->insns, spec->len * sizeof(*spec->insns));
	program->prog = build(program, spec, facts.stack, why);
	err = PTR_ERR_OR_ZERO(program->prog);
	if (err) {
		program->prog = NULL;
		goto free;
	}
	return program;

free:
	secmap_program_free(program);
	return ERR_PTR(err);
}

/* Context: may sleep. No probe runs it any more, so that nothing looks into its maps either. */
void secmap_program_free(struct secmap_program *program)
{
	u32 i;

	if (program->prog && secmap_program_is_ebpf(program))
		bpf_prog_free(program->prog);
	else if (program->prog)
		bpf_prog_destroy(program->prog);
	for (i = 0; i < program->live_count; i++)
		if (program->lives[i].map)
			secmap_live_put(&program->lives[i]);
	kvfree(program->insns);
	kvfree(program);
}

/**
 * secmap_program_filter() - the program as it was handed over
 * @program: the program
 * @len: how many instructions it has
 *
 * Return: struct sock_filter or struct bpf_insn, both 8 bytes long; they live as long as the
 * program.
 */
const void *secmap_program_filter(const struct secmap_program *program, u32 *len)
{
	if (secmap_program_is_ebpf(program)) {
		*len = program->len;
		return program->insns;
	}
	*len = program->prog->orig_prog->len;
	return program->prog->orig_prog->filter;
}

/* Memory, without what the compiled code takes beyond its pages. */
size_t secmap_program_bytes(const struct secmap_program *program)
{
	u32 len;

	secmap_program_filter(program, &len);
	return struct_size(program, lives, program->live_count) + program->prog->pages * PAGE_SIZE +
	       len * sizeof(struct bpf_insn);
}

/**
 * secmap_program_constant() - is what it returns known whatever the rest of the call is?
 * @program: the program
 * @where: the call's ABI and number, below SECMAP_NR_MAX
 * @action: what it returns, if it is
 *
 * Tables are immutable, so their contents may be told of; a map of bpf(2) is not.
 *
 * Return: whether it is.
 */
bool secmap_program_constant(const struct secmap_program *program, struct secmap_where where,
			     u32 *action)
{
	u8 index = program->told.index[where.abi][where.nr];

	if (!index)
		return false;
	*action = program->told.actions[index - 1];
	return true;
}
