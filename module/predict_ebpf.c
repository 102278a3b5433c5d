// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * Prediction for eBPF: a program is followed with the number and the ABI of a call, and nothing
 * else. What comes from the arguments or from a BPF map is unknown, and so is what is computed
 * from that. Where the way depends on it, both ways are followed; where ways meet, what is
 * known on both and the same stays known.
 *
 * The program has been verified. So nobody reads a register or a byte of the stack that no
 * instruction has set, and each may as well be known to be 0 before; and a pointer is known
 * by what it is for: a table by its index, the context as 0.
 */
#include "ebpf.h"
#include "ebpf_insn.h"
#include "kernel.h"
#include "predict.h"
#include "table.h"

#define PREDICT_REGS 10 /* without the frame pointer */
/* Nearest to the frame pointer; what lies deeper is unknown. It bounds the cost of a meeting. */
#define PREDICT_SLOTS  16
#define PREDICT_VALUES (PREDICT_REGS + PREDICT_SLOTS)
#define PREDICT_ALL    ((1U << PREDICT_VALUES) - 1)

struct predict_state {
	u64 values[PREDICT_VALUES];
	u32 known; /* a bit for each value */
	u32 round; /* in which a way led here */
};

/**
 * struct secmap_predict_room - scratch memory for one program
 * @program: the program
 * @data: of a call, what is known of it
 * @asked: a way of this round has loaded the number
 * @told: what the last round came to
 * @action: what it told, if it did
 * @round: counts the numbers that were followed, from 1
 * @pending: ways of this round that have not been followed yet
 * @state: what holds at the instruction that is being looked at
 * @jumps: by instruction: one behind its place in @joins; 0: nothing jumps there
 * @joins: what holds where something jumps to; behind it @jumps
 */
struct secmap_predict_room {
	struct secmap_ebpf program;
	struct seccomp_data data;
	bool asked;
	bool told;
	u32 action;
	u32 round;
	u32 pending;
	struct predict_state state;
	u16 *jumps;
	struct predict_state joins[];
};

static bool predict_knows(const struct predict_state *state, u32 place)
{
	return state->known & 1U << place;
}

static void predict_set(struct predict_state *state, u32 place, bool known, u64 value)
{
	state->values[place] = value;
	state->known = (state->known & ~(1U << place)) | (u32)known << place;
}

/* The operand of ALU and JMP; is it known? */
static bool predict_operand(const struct predict_state *state, const struct bpf_insn *insn,
			    u64 *operand)
{
	*operand = ebpf_constant(insn);
	if (!ebpf_has_source(insn))
		return true;
	*operand = state->values[insn->src_reg];
	return predict_knows(state, insn->src_reg);
}

static void predict_alu(struct predict_state *state, const struct bpf_insn *insn)
{
	u64 value = state->values[insn->dst_reg], operand;
	bool known = predict_knows(state, insn->dst_reg);

	if (BPF_OP(insn->code) == BPF_END) {
		if (known)
			value = ebpf_reorder(insn, value);
	} else {
		if (BPF_OP(insn->code) == BPF_MOV)
			known = true;
		known &= predict_operand(state, insn, &operand);
		if (known)
			value = ebpf_compute(insn, value, operand);
	}
	predict_set(state, insn->dst_reg, known, value);
}

/* The place of a slot of the stack, or 0, which is no slot's: it lies too deep. */
static u32 predict_slot(const struct bpf_insn *insn)
{
	u32 up = (EBPF_STACK + insn->off) / sizeof(u64);
	u32 deep = EBPF_SLOTS - 1 - up;

	return deep < PREDICT_SLOTS ? PREDICT_REGS + deep : 0;
}

static u64 predict_mask(const struct bpf_insn *insn)
{
	return U64_MAX >> (64 - 8 * ebpf_bytes(insn));
}

static u32 predict_shift(const struct bpf_insn *insn)
{
	return 8 * ((EBPF_STACK + insn->off) % sizeof(u64));
}

static void predict_load(struct secmap_predict_room *room, const struct bpf_insn *insn)
{
	struct predict_state *state = &room->state;
	u64 value = 0;
	bool known;
	u32 slot;

	if (insn->src_reg == BPF_REG_10) {
		slot = predict_slot(insn);
		known = slot && predict_knows(state, slot);
		if (known)
			value = state->values[slot] >> predict_shift(insn) & predict_mask(insn);
	} else {
		/* The context begins with number and ABI. */
		known = insn->off < (s32)offsetof(struct seccomp_data, instruction_pointer);
		room->asked |= insn->off < (s32)offsetof(struct seccomp_data, arch);
		if (known)
			memcpy(&value, (const u8 *)&room->data + insn->off, ebpf_bytes(insn));
	}
	predict_set(state, insn->dst_reg, known, value);
}

static void predict_store(struct predict_state *state, const struct bpf_insn *insn)
{
	u64 value = ebpf_constant(insn), mask = predict_mask(insn);
	u32 slot = predict_slot(insn), shift = predict_shift(insn);
	bool known = true;

	if (!slot)
		return;
	if (BPF_CLASS(insn->code) == BPF_STX) {
		value = state->values[insn->src_reg];
		known = predict_knows(state, insn->src_reg);
	}
	/* The rest of the slot stays; if that is unknown, all is. */
	if (mask != U64_MAX) {
		value = (state->values[slot] & ~(mask << shift)) | (value & mask) << shift;
		known &= predict_knows(state, slot);
	}
	predict_set(state, slot, known, value);
}

static void predict_call(struct secmap_predict_room *room, const struct bpf_insn *insn)
{
	struct predict_state *state = &room->state;
	u64 key = state->values[BPF_REG_2], value = state->values[BPF_REG_3];
	bool known = predict_knows(state, BPF_REG_1) && predict_knows(state, BPF_REG_2);
	const struct secmap_table *table = NULL;

	if (known)
		table = room->program.tables[state->values[BPF_REG_1]];
	known = table;
	if (known && insn->imm == SECMAP_HELPER_TEST_BIT)
		value = secmap_table_has(table, key);
	else if (known && !secmap_table_get(table, key, &value))
		known = predict_knows(state, BPF_REG_3);
	predict_set(state, BPF_REG_0, known, value);
}

/* Another way leads to where @to is. */
static void predict_meet(struct predict_state *to, const struct predict_state *from)
{
	u32 i, differ = 0;

	for (i = 0; i < PREDICT_VALUES; i++)
		differ |= (u32)(to->values[i] != from->values[i]) << i;
	to->known &= from->known & ~differ;
}

/* What holds here holds where it jumps to. */
static void predict_jump(struct secmap_predict_room *room, u32 target)
{
	struct predict_state *to = &room->joins[room->jumps[target] - 1];

	if (to->round == room->round) {
		predict_meet(to, &room->state);
		return;
	}
	*to = room->state;
	to->round = room->round;
	room->pending++;
}

/* Begins at an instruction with what is known there. Does any way lead to it? */
static bool predict_arrive(struct secmap_predict_room *room, u32 pc, bool live)
{
	const struct predict_state *from;

	if (!room->jumps[pc])
		return live;
	from = &room->joins[room->jumps[pc] - 1];
	if (from->round != room->round)
		return live;
	room->pending--;
	if (live)
		predict_meet(&room->state, from);
	else
		room->state = *from;
	return true;
}

/*
 * JMP and JMP32, but for call and exit. Return whether the way goes on behind *@pc, which may
 * be set to what lies before the target.
 */
static bool predict_branch(struct secmap_predict_room *room, const struct bpf_insn *insn, u32 *pc)
{
	struct predict_state *state = &room->state;
	u64 operand;

	if (insn->code != (BPF_JMP | BPF_JA)) {
		bool known = predict_operand(state, insn, &operand) &&
			     predict_knows(state, insn->dst_reg);

		if (!known) {
			predict_jump(room, *pc + 1 + insn->off);
			return true;
		}
		if (!ebpf_holds(insn, state->values[insn->dst_reg], operand))
			return true;
	}
	/* There is one way, and no other to meet before. */
	if (!room->pending) {
		*pc += insn->off;
		return true;
	}
	predict_jump(room, *pc + 1 + insn->off);
	return false;
}

/* All but call, exit and jumps. */
static void predict_plain(struct secmap_predict_room *room, const struct bpf_insn *insn)
{
	struct predict_state *state = &room->state;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		predict_set(state, insn->dst_reg, true,
			    insn->src_reg ? (u32)insn->imm : ebpf_long_constant(insn));
		break;
	case BPF_LDX:
		predict_load(room, insn);
		break;
	case BPF_ST:
	case BPF_STX:
		predict_store(state, insn);
		break;
	default: /* BPF_ALU, BPF_ALU64 */
		predict_alu(state, insn);
		break;
	}
}

/**
 * secmap_predict_room_create() - scratch memory for one program
 * @program: a program that has been verified; what it points to must outlive the room
 *
 * Called in process context: allocates.
 *
 * Return: room for secmap_predict_room_free(), or NULL: no memory.
 */
struct secmap_predict_room *secmap_predict_room_create(const struct secmap_ebpf *program)
{
	struct secmap_predict_room *room;
	u32 pc, joins = 0;
	u16 *jumps;

	jumps = secmap_alloc(program->len * sizeof(*jumps));
	if (!jumps)
		return NULL;
	for (pc = 0; pc < program->len; pc++)
		if (ebpf_jumps(&program->insns[pc]))
			jumps[pc + 1 + program->insns[pc].off] = 1;
	for (pc = 0; pc < program->len; pc++)
		if (jumps[pc])
			jumps[pc] = ++joins;
	room = secmap_alloc(struct_size(room, joins, joins));
	if (!room) {
		secmap_release(jumps);
		return NULL;
	}
	room->program = *program;
	room->jumps = jumps;
	return room;
}

void secmap_predict_room_free(struct secmap_predict_room *room)
{
	if (room)
		secmap_release(room->jumps);
	secmap_release(room);
}

/* Follows the program with what is known of a call, room->data; the result goes to the room. */
static void predict_follow(struct secmap_predict_room *room)
{
	struct predict_state *state = &room->state;
	bool live = true;
	u32 pc;

	memset(state, 0, sizeof(*state));
	state->known = PREDICT_ALL;
	room->asked = false;
	room->told = false;
	room->round++;
	room->pending = 0;
	for (pc = 0; pc < room->program.len; pc++) {
		const struct bpf_insn *insn = &room->program.insns[pc];

		live = predict_arrive(room, pc, live);
		if (!live)
			continue;
		switch (insn->code) {
		case BPF_LD | BPF_DW | BPF_IMM:
			predict_plain(room, insn);
			pc++;
			break;
		case BPF_JMP | BPF_CALL:
			predict_call(room, insn);
			break;
		case BPF_JMP | BPF_EXIT:
			if (!predict_knows(state, BPF_REG_0) ||
			    (room->told && room->action != (u32)state->values[BPF_REG_0])) {
				room->told = false;
				return;
			}
			room->action = state->values[BPF_REG_0];
			room->told = true;
			live = false;
			break;
		default:
			if (ebpf_jumps(insn))
				live = predict_branch(room, insn, &pc);
			else
				predict_plain(room, insn);
			break;
		}
	}
}

/**
 * secmap_predict_ebpf() - is what a program returns the same whatever the arguments are?
 * @room: of the program
 * @arch: AUDIT_ARCH_* of the calls
 * @nr: their number, as in struct seccomp_data
 * @action: what it returns for all of them, if it is the same
 *
 * One pass, of at most as many steps as there are instructions; no lock, no sleep, no
 * allocation. What a BPF map holds may change, and is not asked. If the last pass was of the same
 * ABI and did not look at the number, every number takes the same steps: there is no pass.
 *
 * Return: whether it is; false if it cannot be told.
 */
bool secmap_predict_ebpf(struct secmap_predict_room *room, u32 arch, u32 nr, u32 *action)
{
	if (!room->round || room->asked || room->data.arch != arch) {
		room->data = (struct seccomp_data){ .nr = nr, .arch = arch };
		predict_follow(room);
	}
	if (room->told)
		*action = room->action;
	return room->told;
}
