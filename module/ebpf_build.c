// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation: from secmap's subset of eBPF to what the kernel runs. What the kernel's own
 * verifier does to a program after it has accepted it, as far as the subset needs it:
 *
 * - a table becomes its address, and a helper the distance of a function of ours;
 * - a division by a register is told what to do about 0, for no JIT checks it;
 * - a store is followed by a speculation barrier;
 * - jumps are made longer by what came between.
 */
#include "ebpf_build.h"

#include <linux/err.h>
#include <linux/slab.h>

#include "limits.h"
#include "live.h"
#include "lookup.h"
#include "table.h"

/* The longest that one instruction becomes. The kernel's blinding makes it 6 at most. */
#define BUILD_LONGEST 4
static_assert(6 * SECMAP_LIMIT_INSNS <= S16_MAX);

/* Helpers have five arguments of 64 bits, whichever they use. Context: as the probe. */
static notrace u64 helper_test_bit(u64 table, u64 bit, u64 r3, u64 r4, u64 r5)
{
	return lookup_bitmap((const struct secmap_table *)table, bit);
}

/*
 * Which kind of table it is stands in the address, not behind it: a branch on what has yet to be
 * loaded could be mispredicted for long enough to take one kind for the other. Context: as the
 * probe.
 */
static notrace u64 helper_lookup(u64 of, u64 key, u64 otherwise, u64 r4, u64 r5)
{
	const struct secmap_table *table = (const struct secmap_table *)of;
	size_t place;

	if (of & SECMAP_EBPF_LIVE_BIT)
		return secmap_live_get((const struct secmap_live *)(of ^ SECMAP_EBPF_LIVE_BIT), key,
				       otherwise);
	if (!lookup_hash(table, key, &place))
		return otherwise;
	return lookup_value(table, place);
}

/* A program on its way. */
struct build {
	const struct bpf_insn *insns;
	u32 len;
	const void *const *tables;
	u16 *place; /* by instruction, and one more: where it comes to lie */
};

static bool build_divides(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_SRC(insn->code) == BPF_X &&
	       (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD);
}

static bool build_stores(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ST || BPF_CLASS(insn->code) == BPF_STX;
}

static bool build_jumps(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

/*
 * What eBPF says of 0, as the kernel's verifier writes it down: a division gives 0, a modulo
 * leaves the register, of which 32 bits stay where it is 32 bits wide.
 */
static u32 build_division(const struct bpf_insn *insn, struct bpf_insn *to)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	u8 jump = wide ? BPF_JMP : BPF_JMP32;

	if (BPF_OP(insn->code) == BPF_DIV) {
		to[0] = BPF_RAW_INSN(jump | BPF_JNE | BPF_K, insn->src_reg, 0, 2, 0);
		to[1] = BPF_ALU32_REG(BPF_XOR, insn->dst_reg, insn->dst_reg);
		to[2] = BPF_JMP_A(1);
		to[3] = *insn;
		return 4;
	}
	to[0] = BPF_RAW_INSN(jump | BPF_JEQ | BPF_K, insn->src_reg, 0, wide ? 1 : 2, 0);
	to[1] = *insn;
	if (wide)
		return 2;
	to[2] = BPF_JMP_A(1);
	to[3] = BPF_MOV32_REG(insn->dst_reg, insn->dst_reg);
	return 4;
}

/* A call of ours. All modules lie within 2 GB of the kernel's text. */
static struct bpf_insn build_call(const struct bpf_insn *insn)
{
	if (insn->imm == SECMAP_HELPER_TEST_BIT)
		return BPF_EMIT_CALL(helper_test_bit);
	return BPF_EMIT_CALL(helper_lookup);
}

/*
 * Spectre variant 4: a load may run ahead of the store before it, and read what lay on the kernel's
 * stack there earlier; a look-up with that as its key would leave a trace of it in the cache. The
 * kernel's verifier writes the same barrier after stores of those who have no CAP_PERFMON; on x86
 * it is an lfence.
 */
static u32 build_store(const struct bpf_insn *insn, struct bpf_insn *to)
{
	to[0] = *insn;
	to[1] = BPF_ST_NOSPEC();
	return 2;
}

/* What one instruction becomes, jumps as they were; an LD_IMM64 with its second half. */
static u32 build_insn(const struct build *build, const struct bpf_insn *insn, struct bpf_insn *to)
{
	unsigned long address;

	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
		to[0] = insn[0];
		to[1] = insn[1];
		if (insn->src_reg != BPF_PSEUDO_MAP_IDX)
			return 2;
		address = (unsigned long)build->tables[insn->imm];
		to[0].src_reg = 0;
		to[0].imm = lower_32_bits(address);
		to[1].imm = upper_32_bits(address);
		return 2;
	}
	if (build_divides(insn))
		return build_division(insn, to);
	if (build_stores(insn))
		return build_store(insn, to);
	to[0] = insn->code == (BPF_JMP | BPF_CALL) ? build_call(insn) : *insn;
	return 1;
}

/* How many instructions of the program one of them takes. */
static u32 build_step(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
}

/* Where each instruction comes to lie; how many there are at the end. */
static u32 build_places(const struct build *build)
{
	struct bpf_insn scratch[BUILD_LONGEST];
	u32 at, to = 0;

	for (at = 0; at < build->len; at += build_step(&build->insns[at])) {
		build->place[at] = to;
		to += build_insn(build, &build->insns[at], scratch);
	}
	build->place[build->len] = to;
	return to;
}

static void build_write(const struct build *build, struct bpf_insn *to)
{
	u32 at;

	for (at = 0; at < build->len; at += build_step(&build->insns[at])) {
		const struct bpf_insn *insn = &build->insns[at];
		u32 place = build->place[at];

		build_insn(build, insn, &to[place]);
		if (build_jumps(insn))
			to[place].off = build->place[at + 1 + insn->off] - place - 1;
	}
}

/**
 * secmap_ebpf_build() - have the kernel make a verified program native
 * @insns: what secmap_verify() has accepted
 * @len: how many instructions
 * @stack: bytes of the stack that it uses, a multiple of 8
 * @tables: what its indices stand for, struct secmap_table or SECMAP_EBPF_LIVE(); they outlive it
 * @why: where the reason of a refusal goes
 *
 * The program's type stays BPF_PROG_TYPE_UNSPEC, which is that of seccomp(2)'s programs: so the
 * kernel gives it what it has against branch history injection by programs of the unprivileged.
 * Memory is charged to the caller's cgroup, native code counts against net.core.bpf_jit_limit, and
 * net.core.bpf_jit_harden blinds constants. Without a JIT the kernel's interpreter runs it.
 *
 * Return: the program, for bpf_prog_free(), or -ENOMEM.
 */
struct bpf_prog *secmap_ebpf_build(const struct bpf_insn *insns, u32 len, u32 stack,
				   const void *const *tables, struct secmap_why *why)
{
	struct build build = { .insns = insns, .len = len, .tables = tables };
	struct bpf_prog *prog;
	int err = 0;
	u32 count;

	build.place = kvcalloc(len + 1, sizeof(*build.place), GFP_KERNEL);
	if (!build.place)
		goto no_memory;
	count = build_places(&build);
	prog = bpf_prog_alloc(bpf_prog_size(count), 0);
	if (!prog)
		goto no_memory;
	prog->len = count;
	prog->aux->stack_depth = stack;
	build_write(&build, prog->insnsi);
	kvfree(build.place);
	prog = bpf_prog_select_runtime(prog, &err);
	if (!err)
		return prog;
	/* The kernel has errors here that are none of user space's. What is left is: no room. */
	bpf_prog_free(prog);
	return ERR_PTR(secmap_refuse(why, -ENOMEM, "the kernel cannot compile it: error %d", err));

no_memory:
	kvfree(build.place);
	return ERR_PTR(secmap_refuse(why, -ENOMEM, "no memory for %u instructions", len));
}
