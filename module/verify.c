// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * The verifier of secmap's subset of eBPF.
 *
 * All jumps go forward, so that one pass in order meets each instruction after all that lead
 * to it: what holds there is what holds on every way to it. Only what is jumped to needs
 * room for that. A pass before, verify_insn.c, has looked at each instruction by itself.
 *
 * It follows what the registers and the stack hold, not their values: offsets are constants,
 * tables are named by index, and a pointer cannot be calculated with.
 */
#include "ebpf_insn.h"
#include "kernel.h"
#include "verify.h"
#include "verify_insn.h"

/*
 * What a register holds, or eight bytes of the stack. Below HOLDS_CONTEXT: a number, or some of
 * its bytes, a bit for each that was written; a register has all of them or none.
 */
#define HOLDS_NOTHING 0
#define HOLDS_NUMBER  0xff
#define HOLDS_CONTEXT 0x100
#define HOLDS_FRAME   0x101
#define HOLDS_TABLE   0x200 /* and its index */

/* What holds on every way to an instruction. */
struct verify_state {
	u16 regs[MAX_BPF_REG];
	u16 slots[EBPF_SLOTS]; /* the last one lies right below the frame pointer */
	u32 cost;	       /* of the longest way; 0: none is known yet */
};

struct verify {
	struct verify_place place;
	const u8 *tables;
	struct verify_state *joins;
	struct verify_state state;
	bool live; /* does the instruction before go on to this one? */
	struct secmap_verify_facts facts;
};

/* What holds on both ways: bytes that both have written, or the same pointer. */
static u16 common(u16 one, u16 other)
{
	if (one == other)
		return one;
	return one < HOLDS_CONTEXT && other < HOLDS_CONTEXT ? one & other : HOLDS_NOTHING;
}

/* Another way leads to where @to is. */
static void join(struct verify_state *to, const struct verify_state *from)
{
	u32 i;

	if (!to->cost) {
		*to = *from;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(to->regs); i++)
		to->regs[i] = common(to->regs[i], from->regs[i]);
	for (i = 0; i < ARRAY_SIZE(to->slots); i++)
		to->slots[i] = common(to->slots[i], from->slots[i]);
	to->cost = max(to->cost, from->cost);
}

/* Refuse a register for what it holds. */
static int refuse_value(const struct verify *verify, u32 reg, const char *wanted)
{
	u16 value = verify->state.regs[reg];

	switch (value) {
	case HOLDS_NOTHING:
		return verify_refuse(&verify->place, reg, "holds nothing on some way, not %s",
				     wanted);
	case HOLDS_NUMBER:
		return verify_refuse(&verify->place, reg, "holds a number, not %s", wanted);
	case HOLDS_CONTEXT:
		return verify_refuse(&verify->place, reg, "holds the context, not %s", wanted);
	case HOLDS_FRAME:
		return verify_refuse(&verify->place, reg, "is the frame pointer, not %s", wanted);
	default:
		return verify_refuse(&verify->place, reg, "holds table %u, not %s",
				     value - HOLDS_TABLE, wanted);
	}
}

static int need_number(const struct verify *verify, u32 reg)
{
	if (verify->state.regs[reg] == HOLDS_NUMBER)
		return 0;
	return refuse_value(verify, reg, "a number");
}

/* A register whose value can be kept elsewhere: a number, or a pointer but for one. */
static int need_copyable(const struct verify *verify, u32 reg)
{
	u16 value = verify->state.regs[reg];

	if (value == HOLDS_NOTHING || value == HOLDS_FRAME)
		return refuse_value(verify, reg, "what can be copied");
	return 0;
}

/* Operands of ALU and JMP. */
static int need_operands(const struct verify *verify, const struct bpf_insn *insn)
{
	int err = need_number(verify, insn->dst_reg);

	if (!err && ebpf_has_source(insn))
		err = need_number(verify, insn->src_reg);
	return err;
}

static int step_alu(struct verify *verify, const struct bpf_insn *insn)
{
	u16 *dst = &verify->state.regs[insn->dst_reg];
	int err = 0;

	if (BPF_OP(insn->code) != BPF_MOV) {
		err = need_operands(verify, insn);
	} else if (ebpf_has_source(insn) && ebpf_is_wide(insn)) {
		err = need_copyable(verify, insn->src_reg);
		*dst = verify->state.regs[insn->src_reg];
		return err;
	} else if (ebpf_has_source(insn)) {
		err = need_number(verify, insn->src_reg);
	}
	*dst = HOLDS_NUMBER;
	return err;
}

/* Where on the stack, whose slots are counted upwards; and which bytes of the slot. */
static int find_slot(struct verify *verify, const struct bpf_insn *insn, u32 *slot, u16 *bytes)
{
	s32 size = ebpf_bytes(insn), off = insn->off;
	u32 deep;

	if (off < -EBPF_STACK || off + size > 0 || off % size)
		return verify_refuse(&verify->place, BPF_REG_10,
				     "the stack has no aligned %d bytes at offset %d", size, off);
	*slot = (EBPF_STACK + off) / sizeof(u64);
	*bytes = ((1U << size) - 1) << (EBPF_STACK + off) % sizeof(u64);
	deep = EBPF_STACK - *slot * sizeof(u64);
	verify->facts.stack = max(verify->facts.stack, deep);
	return 0;
}

static int load_stack(struct verify *verify, const struct bpf_insn *insn, u16 *dst)
{
	u16 held, bytes;
	u32 slot;
	int err = find_slot(verify, insn, &slot, &bytes);

	if (err)
		return err;
	held = verify->state.slots[slot];
	if (held >= HOLDS_CONTEXT && bytes != HOLDS_NUMBER)
		return verify_refuse(&verify->place, BPF_REG_10,
				     "a part of the pointer at offset %d is loaded", insn->off);
	if (held < HOLDS_CONTEXT && (held & bytes) != bytes)
		return verify_refuse(&verify->place, BPF_REG_10,
				     "some of the %u bytes at offset %d may not be written",
				     ebpf_bytes(insn), insn->off);
	*dst = held < HOLDS_CONTEXT ? HOLDS_NUMBER : held;
	return 0;
}

static int load_context(struct verify *verify, const struct bpf_insn *insn, u16 *dst)
{
	s32 size = ebpf_bytes(insn), off = insn->off;

	if (off < 0 || off + size > (s32)sizeof(struct seccomp_data) || off % size)
		return verify_refuse(&verify->place, insn->src_reg,
				     "struct seccomp_data has no aligned %d bytes at offset %d",
				     size, off);
	verify->facts.fields |= 1U << off / 4;
	if (size == sizeof(u64))
		verify->facts.fields |= 2U << off / 4;
	*dst = HOLDS_NUMBER;
	return 0;
}

static int step_load(struct verify *verify, const struct bpf_insn *insn)
{
	u16 *dst = &verify->state.regs[insn->dst_reg];

	switch (verify->state.regs[insn->src_reg]) {
	case HOLDS_FRAME:
		return load_stack(verify, insn, dst);
	case HOLDS_CONTEXT:
		return load_context(verify, insn, dst);
	default:
		return refuse_value(verify, insn->src_reg, "an address to load from");
	}
}

static int step_store(struct verify *verify, const struct bpf_insn *insn, u16 value)
{
	u16 bytes, *held;
	u32 slot;
	int err;

	if (verify->state.regs[insn->dst_reg] != HOLDS_FRAME)
		return refuse_value(verify, insn->dst_reg, "the frame pointer, to store by");
	err = find_slot(verify, insn, &slot, &bytes);
	if (err)
		return err;
	held = &verify->state.slots[slot];
	if (value < HOLDS_CONTEXT) {
		/* What is left of a pointer is nothing. */
		*held = *held < HOLDS_CONTEXT ? *held | bytes : bytes;
		return 0;
	}
	if (bytes != HOLDS_NUMBER)
		return verify_refuse(&verify->place, insn->src_reg,
				     "a pointer is stored with all its 8 bytes");
	*held = value;
	return 0;
}

static int need_table(const struct verify *verify, bool bitmap)
{
	u16 value = verify->state.regs[BPF_REG_1];
	u8 type;

	if (value >= HOLDS_TABLE) {
		type = verify->tables[value - HOLDS_TABLE];
		if (bitmap ? type == SECMAP_TABLE_BITMAP :
			     type == SECMAP_TABLE_HASH || type == SECMAP_TABLE_BPF ||
				     type == SECMAP_TABLE_BPF_TRIE)
			return 0;
	}
	return refuse_value(verify, BPF_REG_1, bitmap ? "a bitmap" : "a hash map or a BPF map");
}

/* Of a helper, which looks into a table. */
static u32 call_cost(const struct verify *verify)
{
	u32 table = verify->state.regs[BPF_REG_1] - HOLDS_TABLE;

	return verify->tables[table] == SECMAP_TABLE_BPF_TRIE ? SECMAP_COST_TRIE :
								SECMAP_COST_LOOKUP;
}

static int step_call(struct verify *verify, const struct bpf_insn *insn)
{
	bool bitmap = insn->imm == SECMAP_HELPER_TEST_BIT;
	u16 *regs = verify->state.regs;
	int err = need_table(verify, bitmap);
	u32 reg;

	if (!err)
		verify->state.cost += call_cost(verify);
	if (!err)
		err = need_number(verify, BPF_REG_2);
	if (!err && !bitmap)
		err = need_number(verify, BPF_REG_3);
	regs[BPF_REG_0] = HOLDS_NUMBER;
	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		regs[reg] = HOLDS_NOTHING;
	return err;
}

/* What holds here holds where it jumps to. */
static void step_jump(struct verify *verify, const struct bpf_insn *insn)
{
	u32 target = verify->place.pc + 1 + insn->off;

	join(&verify->joins[verify->place.jumps[target]], &verify->state);
}

/* Of all but calls: call_cost(). */
static u32 step_cost(const struct bpf_insn *insn)
{
	switch (verify_kind(insn->code)) {
	case VERIFY_CALL:
		return 0;
	case VERIFY_STORE:
	case VERIFY_STORE_X:
		return SECMAP_COST_SLOW;
	case VERIFY_ALU:
		if (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD)
			return SECMAP_COST_SLOW;
		return 1;
	default:
		return 1;
	}
}

/* One instruction, after which @state is what holds behind it. */
static int step(struct verify *verify, const struct bpf_insn *insn)
{
	u16 *regs = verify->state.regs;
	int err = 0;

	verify->state.cost += step_cost(insn);
	switch (verify_kind(insn->code)) {
	case VERIFY_ALU:
		return step_alu(verify, insn);
	case VERIFY_END:
		return need_number(verify, insn->dst_reg);
	case VERIFY_LOAD:
		return step_load(verify, insn);
	case VERIFY_STORE:
		return step_store(verify, insn, HOLDS_NUMBER);
	case VERIFY_STORE_X:
		err = need_copyable(verify, insn->src_reg);
		return err ? err : step_store(verify, insn, regs[insn->src_reg]);
	case VERIFY_LONG:
		regs[insn->dst_reg] = insn->src_reg ? HOLDS_TABLE + insn->imm : HOLDS_NUMBER;
		return 0;
	case VERIFY_BRANCH:
		err = need_operands(verify, insn);
		step_jump(verify, insn);
		return err;
	case VERIFY_JUMP:
		step_jump(verify, insn);
		verify->live = false;
		return 0;
	case VERIFY_CALL:
		return step_call(verify, insn);
	default: /* VERIFY_EXIT */
		verify->facts.cost = max(verify->facts.cost, verify->state.cost);
		verify->live = false;
		return need_number(verify, BPF_REG_0);
	}
}

/* The second pass. */
static int follow(struct verify *verify)
{
	struct verify_place *place = &verify->place;
	const struct bpf_insn *insn;
	int err;

	verify->state.regs[BPF_REG_1] = HOLDS_CONTEXT;
	verify->state.regs[BPF_REG_10] = HOLDS_FRAME;
	verify->live = true;
	for (place->pc = 0; place->pc < place->len; place->pc += verify_length(insn)) {
		u32 number = place->jumps[place->pc];

		insn = &place->insns[place->pc];
		if (number) {
			/* All that jump here have been met, and each of them was reached. */
			if (!verify->live)
				verify->state.cost = 0;
			join(&verify->state, &verify->joins[number]);
			verify->live = true;
		}
		if (!verify->live)
			return verify_refuse(place, NO_REG, "cannot be reached");
		err = step(verify, insn);
		if (err)
			return err;
	}
	place->pc = place->len - 1;
	if (verify->live)
		return verify_refuse(place, NO_REG, "the program goes on behind its end");
	return 0;
}

static int verify_program(struct verify *verify)
{
	struct verify_place *place = &verify->place;
	int err = verify_insns(place);

	if (err)
		return err;
	/* They are numbered from 1. */
	verify->joins = secmap_alloc((place->joins + 1) * sizeof(*verify->joins));
	if (!verify->joins)
		return secmap_refuse(place->why, -ENOMEM, "no memory for %u instructions",
				     place->len);
	err = follow(verify);
	secmap_release(verify->joins);
	return err;
}

/**
 * secmap_verify() - is a program in the subset?
 * @insns: the program
 * @len: number of its instructions; LD_IMM64 counts as two
 * @tables: SECMAP_TABLE_* of each table that it may name
 * @table_count: how many, at most SECMAP_LIMIT_TABLES
 * @facts: what the program needs; left alone unless 0 is returned
 * @why: where the reason goes, or NULL
 *
 * Called in process context: allocates. Takes two passes whatever the program is.
 *
 * Return:
 * * 0		- it is: it ends, and does nothing but read its input and look into its tables
 * * -EINVAL	- it is not; @why names the instruction, counted from 0, and the register
 * * -ENOMEM	- no memory
 */
int secmap_verify(const struct bpf_insn *insns, u32 len, const u8 *tables, u32 table_count,
		  struct secmap_verify_facts *facts, struct secmap_why *why)
{
	struct verify verify = {
		.place = {
			.insns = insns,
			.len = len,
			.table_count = table_count,
			.why = why,
		},
		.tables = tables,
	};
	int err;

	if (!len || len > SECMAP_LIMIT_INSNS)
		return secmap_refuse(why, -EINVAL, "a program of %u instructions is not 1 ... %u",
				     len, SECMAP_LIMIT_INSNS);
	if (table_count > SECMAP_LIMIT_TABLES)
		return secmap_refuse(why, -EINVAL, "%u tables are above the limit of %u",
				     table_count, SECMAP_LIMIT_TABLES);
	verify.place.jumps = secmap_alloc(len * sizeof(*verify.place.jumps));
	if (!verify.place.jumps)
		return secmap_refuse(why, -ENOMEM, "no memory for %u instructions", len);
	err = verify_program(&verify);
	secmap_release(verify.place.jumps);
	if (!err)
		*facts = verify.facts;
	return err;
}
