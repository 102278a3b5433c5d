// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs a program of secmap's subset of eBPF, and believes nothing. It shares the arithmetic
 * with the verifier, and no other line: what it keeps about registers and bytes are their
 * values of this one run.
 */
#include "interpreter.h"

#include "ebpf_insn.h"
#include "table.h"

enum kind {
	NOTHING,
	NUMBER,
	CONTEXT,
	FRAME,
	TABLE,
};

struct value {
	enum kind kind;
	u64 number; /* of a table: its index */
};

/* What a byte of the stack is. */
enum byte {
	UNWRITTEN,
	WRITTEN,
	POINTED, /* a part of what is in run.pointers */
};

struct run {
	const struct secmap_interpreter *of;
	const struct seccomp_data *data;
	struct secmap_why *why;
	u32 pc;
	struct value regs[MAX_BPF_REG];
	u8 stack[EBPF_STACK];
	u8 bytes[EBPF_STACK]; /* enum byte */
	struct value pointers[EBPF_SLOTS];
};

static __printf(2, 3) int trip(const struct run *run, const char *fmt, ...)
{
	struct secmap_why *why = run->why;
	va_list args;
	int length;

	if (!why)
		return -EFAULT;
	length = snprintf(why->text, sizeof(why->text), "insn %u: ", run->pc);
	va_start(args, fmt);
	vsnprintf(why->text + length, sizeof(why->text) - length, fmt, args);
	va_end(args);
	return -EFAULT;
}

static int get_number(const struct run *run, u32 reg, u64 *number)
{
	if (reg >= MAX_BPF_REG || run->regs[reg].kind != NUMBER)
		return trip(run, "r%u is no number", reg);
	*number = run->regs[reg].number;
	return 0;
}

static int set(struct run *run, u32 reg, struct value value)
{
	if (reg >= BPF_REG_10)
		return trip(run, "r%u is set", reg);
	run->regs[reg] = value;
	return 0;
}

static int set_number(struct run *run, u32 reg, u64 number)
{
	return set(run, reg, (struct value){ NUMBER, number });
}

/* The operand of ALU and JMP. */
static int get_operand(const struct run *run, const struct bpf_insn *insn, u64 *operand)
{
	*operand = ebpf_constant(insn);
	return ebpf_has_source(insn) ? get_number(run, insn->src_reg, operand) : 0;
}

static int run_mov(struct run *run, const struct bpf_insn *insn)
{
	u64 operand = 0;
	int err;

	if (ebpf_has_source(insn) && ebpf_is_wide(insn)) {
		if (insn->src_reg >= BPF_REG_10 || run->regs[insn->src_reg].kind == NOTHING)
			return trip(run, "r%u is copied", insn->src_reg);
		return set(run, insn->dst_reg, run->regs[insn->src_reg]);
	}
	err = get_operand(run, insn, &operand);
	return err ? err : set_number(run, insn->dst_reg, ebpf_compute(insn, 0, operand));
}

static int run_alu(struct run *run, const struct bpf_insn *insn)
{
	u64 dst = 0, operand = 0;
	int err;

	if (insn->off || BPF_OP(insn->code) > BPF_END)
		return trip(run, "no such instruction");
	if (BPF_OP(insn->code) == BPF_MOV)
		return run_mov(run, insn);
	err = get_number(run, insn->dst_reg, &dst);
	if (err)
		return err;
	if (BPF_OP(insn->code) == BPF_END) {
		if (ebpf_is_wide(insn) || (insn->imm != 16 && insn->imm != 32 && insn->imm != 64))
			return trip(run, "no such order of bytes");
		return set_number(run, insn->dst_reg, ebpf_reorder(insn, dst));
	}
	err = get_operand(run, insn, &operand);
	return err ? err : set_number(run, insn->dst_reg, ebpf_compute(insn, dst, operand));
}

/* Where on the stack: the first byte. */
static int find_bytes(const struct run *run, const struct bpf_insn *insn, u32 *first)
{
	int size = (int)ebpf_bytes(insn), at = EBPF_STACK + insn->off;

	if (at < 0 || at + size > EBPF_STACK || at % size)
		return trip(run, "%d bytes at %d of the stack", size, insn->off);
	*first = (u32)at;
	return 0;
}

static u32 count_bytes(const struct run *run, u32 first, u32 size, enum byte byte)
{
	u32 i, count = 0;

	for (i = first; i < first + size; i++)
		count += run->bytes[i] == byte;
	return count;
}

static int load_stack(struct run *run, const struct bpf_insn *insn)
{
	u32 size = ebpf_bytes(insn), first;
	u64 number = 0;
	int err = find_bytes(run, insn, &first);

	if (err)
		return err;
	if (size == sizeof(u64) && count_bytes(run, first, size, POINTED) == size)
		return set(run, insn->dst_reg, run->pointers[first / sizeof(u64)]);
	if (count_bytes(run, first, size, WRITTEN) != size)
		return trip(run, "%u bytes at %d are loaded and were not written", size, insn->off);
	memcpy(&number, run->stack + first, size);
	return set_number(run, insn->dst_reg, number);
}

static int run_load(struct run *run, const struct bpf_insn *insn)
{
	int size = (int)ebpf_bytes(insn);
	u64 number = 0;
	enum kind kind;

	if (BPF_MODE(insn->code) != BPF_MEM || insn->src_reg >= MAX_BPF_REG)
		return trip(run, "no such load");
	kind = run->regs[insn->src_reg].kind;
	if (kind == FRAME)
		return load_stack(run, insn);
	if (kind != CONTEXT)
		return trip(run, "loads by r%u", insn->src_reg);
	if (insn->off < 0 || insn->off + size > (int)sizeof(*run->data) || insn->off % size)
		return trip(run, "%d bytes at %d of the context", size, insn->off);
	memcpy(&number, (const u8 *)run->data + insn->off, size);
	return set_number(run, insn->dst_reg, number);
}

static int run_store(struct run *run, const struct bpf_insn *insn)
{
	struct value value = { NUMBER, ebpf_constant(insn) };
	u32 size = ebpf_bytes(insn), first;
	int err;

	if (BPF_MODE(insn->code) != BPF_MEM || insn->dst_reg >= MAX_BPF_REG ||
	    run->regs[insn->dst_reg].kind != FRAME)
		return trip(run, "stores by r%u", insn->dst_reg);
	err = find_bytes(run, insn, &first);
	if (err)
		return err;
	if (BPF_CLASS(insn->code) == BPF_STX) {
		if (insn->src_reg >= BPF_REG_10)
			return trip(run, "stores r%u", insn->src_reg);
		value = run->regs[insn->src_reg];
	}
	if (value.kind == NOTHING || (value.kind != NUMBER && size != sizeof(u64)))
		return trip(run, "stores %u bytes of r%u", size, insn->src_reg);
	memcpy(run->stack + first, &value.number, size);
	memset(run->bytes + first, value.kind == NUMBER ? WRITTEN : POINTED, size);
	if (value.kind != NUMBER)
		run->pointers[first / sizeof(u64)] = value;
	return 0;
}

static int run_long(struct run *run, const struct bpf_insn *insn)
{
	if (insn->code != (BPF_LD | BPF_DW | BPF_IMM) || run->pc + 1 >= run->of->program.len ||
	    insn[1].code)
		return trip(run, "no such load");
	run->pc++;
	if (!insn->src_reg)
		return set_number(run, insn->dst_reg, ebpf_long_constant(insn));
	if (insn->src_reg != BPF_PSEUDO_MAP_IDX || (u32)insn->imm >= run->of->program.table_count)
		return trip(run, "no such table");
	return set(run, insn->dst_reg, (struct value){ TABLE, (u32)insn->imm });
}

static u64 look_up(const struct run *run, u32 index, u64 key, u64 otherwise)
{
	const struct secmap_table *table = run->of->program.tables[index];
	u64 value = otherwise;

	if (table)
		secmap_table_get(table, key, &value);
	else if (run->of->lookup)
		value = run->of->lookup(run->of->lookup_of, index, key, otherwise);
	return value;
}

static int run_call(struct run *run, const struct bpf_insn *insn)
{
	const struct value *table = &run->regs[BPF_REG_1];
	u64 key = 0, otherwise = 0, value;
	bool bitmap;
	int err, reg;

	if (insn->src_reg || table->kind != TABLE)
		return trip(run, "no such helper, or no table in r1");
	bitmap = run->of->program.tables[table->number] &&
		 secmap_table_type(run->of->program.tables[table->number]) == SECMAP_TABLE_BITMAP;
	if (insn->imm != (bitmap ? SECMAP_HELPER_TEST_BIT : SECMAP_HELPER_LOOKUP))
		return trip(run, "helper %d is not for such a table", insn->imm);
	err = get_number(run, BPF_REG_2, &key);
	if (!err && !bitmap)
		err = get_number(run, BPF_REG_3, &otherwise);
	if (err)
		return err;
	if (bitmap)
		value = secmap_table_has(run->of->program.tables[table->number], key);
	else
		value = look_up(run, (u32)table->number, key, otherwise);
	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		run->regs[reg].kind = NOTHING;
	return set_number(run, BPF_REG_0, value);
}

/* JMP and JMP32, but for call and exit. */
static int run_jump(struct run *run, const struct bpf_insn *insn)
{
	u64 dst = 0, operand = 0;
	int err;

	if (insn->off < 0)
		return trip(run, "jumps back");
	if (insn->code == (BPF_JMP | BPF_JA)) {
		run->pc += insn->off;
		return 0;
	}
	if (BPF_OP(insn->code) == BPF_JA || BPF_OP(insn->code) == BPF_CALL ||
	    BPF_OP(insn->code) == BPF_EXIT || BPF_OP(insn->code) > BPF_JSLE)
		return trip(run, "no such jump");
	err = get_number(run, insn->dst_reg, &dst);
	if (!err)
		err = get_operand(run, insn, &operand);
	if (!err && ebpf_holds(insn, dst, operand))
		run->pc += insn->off;
	return err;
}

/* One instruction; run->pc is then the last of what has been run. */
static int run_insn(struct run *run, const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return run_long(run, insn);
	case BPF_LDX:
		return run_load(run, insn);
	case BPF_ST:
	case BPF_STX:
		return run_store(run, insn);
	case BPF_ALU:
	case BPF_ALU64:
		return run_alu(run, insn);
	default: /* BPF_JMP, BPF_JMP32 */
		if (insn->code == (BPF_JMP | BPF_CALL))
			return run_call(run, insn);
		return run_jump(run, insn);
	}
}

int secmap_interpret(const struct secmap_interpreter *interpreter, const struct seccomp_data *data,
		     u32 *value, struct secmap_why *why)
{
	const struct secmap_ebpf *program = &interpreter->program;
	struct run run = { .of = interpreter, .data = data, .why = why };
	u64 returned = 0;
	int err;

	run.regs[BPF_REG_1].kind = CONTEXT;
	run.regs[BPF_REG_10].kind = FRAME;
	/* No jump goes back: there are not more steps than instructions. */
	for (; run.pc < program->len; run.pc++) {
		const struct bpf_insn *insn = &program->insns[run.pc];

		if (insn->code == (BPF_JMP | BPF_EXIT)) {
			err = get_number(&run, BPF_REG_0, &returned);
			*value = (u32)returned;
			return err;
		}
		err = run_insn(&run, insn);
		if (err)
			return err;
	}
	return trip(&run, "runs on behind the end");
}
