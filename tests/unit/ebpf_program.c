// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random programs of eBPF, with tables and calls for them.
 *
 * While it writes a program it keeps what each register and each byte of the stack is on all
 * ways to the next instruction, and writes nothing that the subset forbids there. So the
 * verifier must take all of them.
 */
#include "ebpf_program.h"

#include "ebpf_insn.h"
#include "seed.h"
#include "table.h"

const u8 program_types[PROGRAM_TABLES] = {
	[TABLE_BITS] = SECMAP_TABLE_BITMAP,
	[TABLE_HASH] = SECMAP_TABLE_HASH,
	[TABLE_BPF] = SECMAP_TABLE_BPF,
	[TABLE_SET] = SECMAP_TABLE_HASH,
};

static struct secmap_table *tables[PROGRAM_TABLES];

const struct secmap_table *const *program_tables(void)
{
	static const u64 keys[] = { 0, 1, 3, 5, 7, 63, 64, 99 };
	static const u64 values[] = { 0x7fff0000, 1, 3, 4, U64_MAX, 0x80000000, 5, 0 };
	struct secmap_table_spec spec = {
		.max_entries = 100,
		.count = ARRAY_SIZE(keys),
		.keys = keys,
	};

	if (!tables[TABLE_BITS]) {
		spec.type = SECMAP_TABLE_BITMAP;
		tables[TABLE_BITS] = secmap_table_create(&spec, NULL);
		spec.type = SECMAP_TABLE_HASH;
		tables[TABLE_SET] = secmap_table_create(&spec, NULL);
		spec.values = values;
		tables[TABLE_HASH] = secmap_table_create(&spec, NULL);
	}
	return (const struct secmap_table *const *)tables;
}

void program_tables_free(void)
{
	u32 i;

	for (i = 0; i < PROGRAM_TABLES; i++) {
		secmap_table_free(tables[i]);
		tables[i] = NULL;
	}
}

static u64 any_answer(void *of, u32 table, u64 key, u64 otherwise)
{
	u64 mixed = (*(const u64 *)of + key + table) * 0x9e3779b97f4a7c15ULL;

	/* As many small ones as there are large. */
	return mixed >> 62 ? mixed >> (mixed >> 48 & 63) : otherwise;
}

struct secmap_interpreter program_interpreter(const struct bpf_insn *insns, u32 len, u64 *salt)
{
	return (struct secmap_interpreter){
		.program = { insns, len, program_tables(), PROGRAM_TABLES },
		.lookup = salt ? any_answer : NULL,
		.lookup_of = salt,
	};
}

enum what {
	NOTHING,
	NUMBER,
	CONTEXT,
	TABLE_AT, /* and its index */
};

/* What is certain before an instruction. */
struct certain {
	bool reached;
	u8 regs[BPF_REG_10];
	u8 bytes[EBPF_STACK]; /* enum what; of a pointer all eight */
};

/* A program that is being written. */
struct writer {
	struct bpf_insn *insns;
	u32 len;
	u32 pc;
	u64 (*below)(u64 limit);
	struct certain now;
	u32 helper; /* that is to be called once its operands are there; 0: none */
};

static struct certain targets[SECMAP_LIMIT_INSNS + 1];

static bool once_in(const struct writer *writer, u64 n)
{
	return !writer->below(n);
}

static void meet(struct certain *to, const struct certain *from)
{
	u32 i;

	if (!from->reached)
		return;
	if (!to->reached) {
		*to = *from;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(to->regs); i++)
		if (to->regs[i] != from->regs[i])
			to->regs[i] = NOTHING;
	for (i = 0; i < EBPF_STACK; i++)
		if (to->bytes[i] != from->bytes[i])
			to->bytes[i] = NOTHING;
}

/* A register that holds @what, or one that holds nothing if there is none: -1. */
static int find(const struct writer *writer, u8 what)
{
	u32 first = writer->below(BPF_REG_10), i;

	for (i = 0; i < BPF_REG_10; i++)
		if (writer->now.regs[(first + i) % BPF_REG_10] == what)
			return (first + i) % BPF_REG_10;
	return -1;
}

/* Any but r0, which is a number all the time. */
static u32 any_pointer_reg(const struct writer *writer)
{
	return 1 + writer->below(BPF_REG_9);
}

static s32 constant(const struct writer *writer)
{
	static const s32 constants[] = { (s32)AUDIT_ARCH_X86_64,
					 AUDIT_ARCH_I386,
					 0x40000000,
					 0x7fff0000,
					 -1,
					 S32_MIN,
					 S32_MAX,
					 63,
					 64 };

	if (once_in(writer, 3))
		return constants[writer->below(ARRAY_SIZE(constants))];
	if (once_in(writer, 4))
		return (s32)writer->below(1ULL << 32);
	return writer->below(8);
}

static void put(struct writer *writer, struct bpf_insn insn)
{
	writer->insns[writer->pc++] = insn;
}

static void put_alu(struct writer *writer)
{
	u8 class = once_in(writer, 2) ? BPF_ALU : BPF_ALU64, op = writer->below(14) << 4;
	struct bpf_insn insn = { .dst_reg = find(writer, NUMBER), .src_reg = find(writer, NUMBER) };
	u32 bits = class == BPF_ALU ? 32 : 64;

	if (op == BPF_MOV)
		insn.dst_reg = writer->below(BPF_REG_10);
	if (op == BPF_END) {
		insn.code = BPF_ALU | BPF_END | (once_in(writer, 2) ? BPF_TO_LE : BPF_TO_BE);
		insn.imm = 16 << writer->below(3);
		insn.src_reg = 0;
	} else if (op != BPF_NEG && once_in(writer, 2)) {
		insn.code = class | op | BPF_X;
	} else {
		insn.code = class | op | BPF_K;
		insn.src_reg = 0;
		if (op != BPF_NEG)
			insn.imm = constant(writer);
		if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
			insn.imm = (u32)insn.imm % bits;
		if ((op == BPF_DIV || op == BPF_MOD) && !insn.imm)
			insn.imm = 3;
	}
	writer->now.regs[insn.dst_reg] = NUMBER;
	put(writer, insn);
}

/* A field of the context, mostly the number or the ABI; or a copy of a pointer. */
static bool put_load(struct writer *writer)
{
	static const u8 sizes[] = { BPF_W, BPF_DW, BPF_W, BPF_DW, BPF_H, BPF_B };
	struct bpf_insn insn = { .code = BPF_LDX | BPF_MEM | sizes[writer->below(6)] };
	int context = find(writer, CONTEXT);
	u32 size = ebpf_bytes(&insn);

	if (context < 0)
		return false;
	if (once_in(writer, 4)) {
		insn.code = BPF_ALU64 | BPF_MOV | BPF_X;
		insn.dst_reg = any_pointer_reg(writer);
		insn.src_reg = context;
		writer->now.regs[insn.dst_reg] = CONTEXT;
		put(writer, insn);
		return true;
	}
	insn.dst_reg = writer->below(BPF_REG_10);
	insn.src_reg = context;
	insn.off = writer->below((once_in(writer, 2) ? 8 : 64) / size) * size;
	writer->now.regs[insn.dst_reg] = NUMBER;
	put(writer, insn);
	return true;
}

/* An offset of the stack, mostly near. */
static s32 offset(const struct writer *writer, u32 size)
{
	u32 room = once_in(writer, 8) ? EBPF_STACK : once_in(writer, 4) ? 144 : 24;

	return -(s32)(size * (1 + writer->below(room / size)));
}

static void put_store(struct writer *writer)
{
	static const u8 sizes[] = { BPF_W, BPF_DW, BPF_DW, BPF_DW, BPF_H, BPF_B };
	struct bpf_insn insn = { .dst_reg = BPF_REG_10 };
	u8 size = sizes[writer->below(6)], what = NUMBER;
	u8 *bytes;

	insn.code = BPF_STX | BPF_MEM | size;
	insn.off = offset(writer, ebpf_bytes(&insn));
	insn.src_reg = find(writer, NUMBER);
	bytes = &writer->now.bytes[EBPF_STACK + insn.off];
	if (once_in(writer, 3)) {
		insn.code = BPF_ST | BPF_MEM | size;
		insn.src_reg = 0;
		insn.imm = constant(writer);
	} else if (size == BPF_DW && once_in(writer, 2)) {
		insn.src_reg = writer->below(BPF_REG_10);
		what = writer->now.regs[insn.src_reg];
		if (what == NOTHING)
			insn.src_reg = 0, what = NUMBER;
	}
	/* What is left of a pointer is nothing. */
	if (bytes[0] > NUMBER)
		memset(&writer->now.bytes[(EBPF_STACK + insn.off) / 8 * 8], NOTHING, 8);
	memset(bytes, what, ebpf_bytes(&insn));
	put(writer, insn);
}

static bool put_fill(struct writer *writer)
{
	static const u8 sizes[] = { BPF_W, BPF_DW, BPF_DW, BPF_H, BPF_B };
	struct bpf_insn insn = { .src_reg = BPF_REG_10 };
	u32 size, i;
	u8 *bytes;

	insn.code = BPF_LDX | BPF_MEM | sizes[writer->below(5)];
	size = ebpf_bytes(&insn);
	insn.off = offset(writer, size);
	bytes = &writer->now.bytes[EBPF_STACK + insn.off];
	for (i = 0; i < size; i++)
		if (bytes[i] == NOTHING || bytes[i] != bytes[0] || (bytes[i] > NUMBER && size < 8))
			return false;
	insn.dst_reg = bytes[0] == NUMBER ? writer->below(BPF_REG_10) : any_pointer_reg(writer);
	writer->now.regs[insn.dst_reg] = bytes[0];
	put(writer, insn);
	return true;
}

/* LD_IMM64: no jump must lead to its second half. */
static bool put_long(struct writer *writer, u32 dst, int table)
{
	u32 pc = writer->pc;

	if (writer->len - pc < 3 || targets[pc + 1].reached)
		return false;
	put(writer, (struct bpf_insn){ .code = BPF_LD | BPF_DW | BPF_IMM,
				       .dst_reg = dst,
				       .src_reg = table < 0 ? 0 : BPF_PSEUDO_MAP_IDX,
				       .imm = table < 0 ? constant(writer) : table });
	put(writer, (struct bpf_insn){ .imm = table < 0 ? constant(writer) : 0 });
	writer->now.regs[dst] = table < 0 ? NUMBER : TABLE_AT + table;
	return true;
}

static bool needs_number(struct writer *writer, u32 reg)
{
	int from = find(writer, NUMBER);

	if (writer->now.regs[reg] == NUMBER)
		return false;
	if (once_in(writer, 2))
		put(writer, (struct bpf_insn)MOV(reg, constant(writer)));
	else
		put(writer, (struct bpf_insn)MOV_X(reg, from));
	writer->now.regs[reg] = NUMBER;
	return true;
}

/* The call that is wanted, or the next of what it needs. */
static bool put_call(struct writer *writer)
{
	static const u8 lookups[] = { TABLE_HASH, TABLE_BPF, TABLE_SET };
	bool bitmap = writer->helper == SECMAP_HELPER_TEST_BIT;
	u8 table = writer->now.regs[BPF_REG_1];

	if (table < TABLE_AT || (table == TABLE_AT + TABLE_BITS) != bitmap) {
		if (put_long(writer, BPF_REG_1, bitmap ? TABLE_BITS : lookups[writer->below(3)]))
			return true;
		writer->helper = 0;
		return false;
	}
	if (needs_number(writer, BPF_REG_2) || (!bitmap && needs_number(writer, BPF_REG_3)))
		return true;
	put(writer, (struct bpf_insn)CALL(writer->helper));
	memset(&writer->now.regs[BPF_REG_1], NOTHING, 5);
	writer->helper = 0;
	return true;
}

static u32 target(const struct writer *writer)
{
	u32 room = writer->len - writer->pc - 1;

	/* Mostly near: or the program is soon at its end. */
	if (room > 6 && !once_in(writer, 8))
		room = 6;
	return writer->pc + 1 + writer->below(room);
}

static void put_branch(struct writer *writer)
{
	static const u8 ops[] = { BPF_JEQ,  BPF_JNE,  BPF_JGT,	BPF_JGE,  BPF_JLT, BPF_JLE,
				  BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
	u8 class = once_in(writer, 2) ? BPF_JMP : BPF_JMP32;
	struct bpf_insn insn = { .dst_reg = find(writer, NUMBER) };
	u32 to = target(writer);

	insn.code = class | ops[writer->below(ARRAY_SIZE(ops))];
	insn.off = to - writer->pc - 1;
	if (once_in(writer, 4)) {
		insn.code |= BPF_X;
		insn.src_reg = find(writer, NUMBER);
	} else {
		insn.imm = constant(writer);
	}
	meet(&targets[to], &writer->now);
	put(writer, insn);
}

/* Where something else goes on behind. */
static bool put_end(struct writer *writer)
{
	u32 to = target(writer);

	if (!targets[writer->pc + 1].reached)
		return false;
	if (once_in(writer, 3)) {
		put(writer, (struct bpf_insn)EXIT);
	} else {
		meet(&targets[to], &writer->now);
		put(writer, (struct bpf_insn)JA(to - writer->pc - 1));
	}
	writer->now.reached = false;
	return true;
}

static void put_any(struct writer *writer)
{
	bool done = false;

	if (writer->helper && put_call(writer))
		return;
	switch (writer->below(16)) {
	case 0 ... 2:
		done = put_load(writer);
		break;
	case 3 ... 4:
		put_store(writer);
		return;
	case 5 ... 6:
		done = put_fill(writer);
		break;
	case 7:
		done = put_long(writer, any_pointer_reg(writer),
				once_in(writer, 3) ? -1 : (int)writer->below(PROGRAM_TABLES));
		break;
	case 8:
		writer->helper = once_in(writer, 2) ? SECMAP_HELPER_TEST_BIT : SECMAP_HELPER_LOOKUP;
		done = put_call(writer);
		break;
	case 9 ... 11:
		put_branch(writer);
		return;
	case 12:
		done = put_end(writer);
		break;
	case 13:
		put(writer, (struct bpf_insn)MOV(0, constant(writer)));
		return;
	default:
		break;
	}
	if (!done)
		put_alu(writer);
}

static void begin(struct writer *writer)
{
	u32 pc;

	for (pc = 0; pc <= writer->len; pc++)
		targets[pc].reached = false;
	writer->now.reached = true;
	writer->now.regs[BPF_REG_1] = CONTEXT;
	writer->now.regs[BPF_REG_0] = NUMBER;
	put(writer, (struct bpf_insn)MOV(0, constant(writer)));
}

/* All but the last instruction, to which jumps may lead. */
static void put_all(struct writer *writer)
{
	for (; writer->pc < writer->len - 1; meet(&writer->now, &targets[writer->pc]))
		put_any(writer);
}

void ebpf_random(struct bpf_insn *insns, u32 len, u64 (*below)(u64 limit))
{
	struct writer writer = { .insns = insns, .len = len, .below = below };

	begin(&writer);
	put_all(&writer);
	put(&writer, (struct bpf_insn)EXIT);
}

/* Whatever is different in the register makes a difference in r0. */
static void put_mix(struct writer *writer, u32 reg)
{
	put(writer, (struct bpf_insn)ALU(BPF_MUL, 0, (s32)0x9e3779b1));
	put(writer, (struct bpf_insn)ALU_X(BPF_XOR, 0, reg));
}

u32 ebpf_random_telling(struct bpf_insn *insns, u32 len, u64 (*below)(u64 limit))
{
	struct writer writer = { .insns = insns, .len = len, .below = below };
	u32 reg, slot, i;

	begin(&writer);
	for (reg = 6; reg < BPF_REG_10 && writer.pc < len - 1; reg++) {
		put(&writer, (struct bpf_insn)LDX(BPF_DW, reg, 1, 8 + 8 * (s32)below(7)));
		writer.now.regs[reg] = NUMBER;
	}
	put_all(&writer);
	for (reg = 1; reg < BPF_REG_10; reg++)
		if (writer.now.regs[reg] == NUMBER)
			put_mix(&writer, reg);
	for (slot = 1; slot <= EBPF_TOLD_SLOTS; slot++) {
		for (i = 0; i < 8 && writer.now.bytes[EBPF_STACK - 8 * slot + i] == NUMBER; i++)
			;
		if (i < 8)
			continue;
		put(&writer, (struct bpf_insn)FILL(BPF_DW, 1, -8 * (s32)slot));
		put_mix(&writer, 1);
	}
	/* What is returned is the lower half. */
	put(&writer, (struct bpf_insn)MOV_X(1, 0));
	put(&writer, (struct bpf_insn)ALU(BPF_RSH, 1, 32));
	put(&writer, (struct bpf_insn)ALU_X(BPF_XOR, 0, 1));
	put(&writer, (struct bpf_insn)EXIT);
	return writer.pc;
}

void ebpf_break(struct bpf_insn *insns, u32 len, u64 (*below)(u64 limit))
{
	struct bpf_insn *insn = &insns[below(len)];

	switch (below(7)) {
	case 0:
		insn->code ^= 1U << below(8);
		break;
	case 1:
		insn->dst_reg = below(16);
		break;
	case 2:
		insn->src_reg = below(16);
		break;
	case 3:
		insn->off = (s32)below(16) - 8;
		break;
	case 4:
		insn->off = (s32)below(EBPF_STACK + 64) - EBPF_STACK;
		break;
	case 5:
		insn->imm = (s32)below(8) - 1;
		break;
	default:
		*insn = insns[below(len)];
		break;
	}
}

/* These programs have no LPM_TRIE. */
static u32 cost_of(const struct bpf_insn *insn)
{
	u8 op = insn->code & 0xf0, class = insn->code & 7;

	if (insn->code == 0x85)
		return SECMAP_COST_LOOKUP;
	if (class == 2 || class == 3 || ((class == 4 || class == 7) && (op == 0x30 || op == 0x90)))
		return SECMAP_COST_SLOW;
	return 1;
}

/* From the end, so that what follows an instruction is known before it. */
struct secmap_verify_facts ebpf_facts(const struct bpf_insn *insns, u32 len)
{
	static u32 costs[SECMAP_LIMIT_INSNS + 1];
	struct secmap_verify_facts facts = { 0 };
	u32 pc = len;

	while (pc--) {
		const struct bpf_insn *insn = &insns[pc];
		u8 class = BPF_CLASS(insn->code);
		u32 next = insn->code == 0x18 ? pc + 2 : pc + 1, deep = (7 - insn->off) / 8 * 8;

		if (insn->code == 0)
			continue;
		if (class == BPF_ST || class == BPF_STX ||
		    (class == BPF_LDX && insn->src_reg == 10))
			facts.stack = facts.stack > deep ? facts.stack : deep;
		else if (class == BPF_LDX)
			facts.fields |= (ebpf_bytes(insn) > 4 ? 3 : 1) << insn->off / 4;
		costs[pc] = cost_of(insn);
		if (insn->code == 0x05)
			costs[pc] += costs[next + insn->off];
		else if (ebpf_jumps(insn) && costs[next + insn->off] > costs[next])
			costs[pc] += costs[next + insn->off];
		else if (insn->code != 0x95)
			costs[pc] += costs[next];
	}
	facts.cost = costs[0];
	return facts;
}

struct bpf_insn *ebpf_copy(const struct bpf_insn *insns, u32 len)
{
	struct bpf_insn *copy = malloc(len * sizeof(*copy));

	if (!copy)
		abort();
	memcpy(copy, insns, len * sizeof(*copy));
	return copy;
}

void ebpf_call(struct seccomp_data *call)
{
	u32 i;

	*call = (struct seccomp_data){
		.nr = seed_once_in(8) ? (int)seed_edge() : (int)seed_below(8),
		.arch = seed_once_in(2) ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64,
		.instruction_pointer = seed_next(),
	};
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		call->args[i] = seed_once_in(2) ? seed_edge() : seed_below(8);
}

void ebpf_call_scramble(struct seccomp_data *call, u32 fields)
{
	u32 i, word;

	for (i = 0; i < sizeof(*call) / sizeof(word); i++) {
		word = seed_next();
		if (!(fields & 1U << i))
			memcpy((u8 *)call + i * sizeof(word), &word, sizeof(word));
	}
}

void ebpf_print(const struct bpf_insn *insns, u32 len)
{
	u32 pc;

	for (pc = 0; pc < len; pc++)
		printf("INSN(0x%02x, %u, %u, %d, %d), /* %u */\n", insns[pc].code,
		       insns[pc].dst_reg, insns[pc].src_reg, insns[pc].off, insns[pc].imm, pc);
}
