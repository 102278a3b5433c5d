// SPDX-License-Identifier: GPL-2.0-only
/* Programs: build, describe, free. */
#include "program.h"

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "cbpf.h"
#include "predict.h"

/* The allowed numbers of one ABI. */
static void predict(struct secmap_program *program, u32 abi, u32 arch, u32 first)
{
	const struct sock_fprog_kern *filter = program->prog->orig_prog;
	u32 nr, action;

	for (nr = 0; nr < SECMAP_NR_MAX; nr++) {
		if (secmap_predict_cbpf(filter->filter, filter->len, arch, first + nr, &action) &&
		    (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW)
			__set_bit(nr, program->allowed[abi]);
		if (nr % 16 == 0)
			cond_resched();
	}
}

/**
 * secmap_program_create() - a program of classic BPF
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
struct secmap_program *secmap_program_create(u64 filter, u16 len)
{
	struct sock_fprog from = { .len = len, .filter = u64_to_user_ptr(filter) };
	struct secmap_program *program;
	int err;

	program = kzalloc(sizeof(*program), GFP_KERNEL_ACCOUNT);
	if (!program)
		return ERR_PTR(-ENOMEM);
	/* With a copy as it was handed over: to predict by, and to read back. */
	err = bpf_prog_create_from_user(&program->prog, &from, secmap_cbpf_check, true);
	if (err) {
		kfree(program);
		return ERR_PTR(err);
	}
	predict(program, SECMAP_ABI_X86_64, AUDIT_ARCH_X86_64, 0);
	predict(program, SECMAP_ABI_X32, AUDIT_ARCH_X86_64, SECMAP_X32_BIT);
	predict(program, SECMAP_ABI_I386, AUDIT_ARCH_I386, 0);
	return program;
}

void secmap_program_free(struct secmap_program *program)
{
	bpf_prog_destroy(program->prog);
	kfree(program);
}

/**
 * secmap_program_filter() - the program as it was handed over
 * @program: the program
 * @len: how many instructions it has
 *
 * Return: the instructions, which live as long as the program.
 */
const struct sock_filter *secmap_program_filter(const struct secmap_program *program, u32 *len)
{
	*len = program->prog->orig_prog->len;
	return program->prog->orig_prog->filter;
}

/* Memory, without what the compiled code takes beyond its pages. */
size_t secmap_program_bytes(const struct secmap_program *program)
{
	return sizeof(*program) + program->prog->pages * PAGE_SIZE +
	       program->prog->orig_prog->len * sizeof(struct sock_filter);
}
