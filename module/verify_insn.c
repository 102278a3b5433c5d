// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/* The verifier's first pass: each instruction by itself. What the subset is made of. */
#include "ebpf.h"
#include "ebpf_insn.h"
#include "kernel.h"
#include "verify_insn.h"

/* As secmap_refuse(), the sentence beginning with the instruction, and a register if it has one. */
int verify_refuse(const struct verify_place *place, int reg, const char *fmt, ...)
{
	struct secmap_why *why = place->why;
	va_list args;
	int length;

	if (!why)
		return -EINVAL;
	length = snprintf(why->text, sizeof(why->text), "insn %u: ", place->pc);
	if (reg != NO_REG)
		length += snprintf(why->text + length, sizeof(why->text) - length, "r%d: ", reg);
	va_start(args, fmt);
	vsnprintf(why->text + length, sizeof(why->text) - length, fmt, args);
	va_end(args);
	return -EINVAL;
}

static enum verify_kind kind_of_jump(u8 code)
{
	switch (code) {
	case BPF_JMP | BPF_JA:
		return VERIFY_JUMP;
	case BPF_JMP | BPF_CALL:
		return VERIFY_CALL;
	case BPF_JMP | BPF_EXIT:
		return VERIFY_EXIT;
	default:
		break;
	}
	switch (BPF_OP(code)) {
	case BPF_JEQ:
	case BPF_JNE:
	case BPF_JGT:
	case BPF_JGE:
	case BPF_JLT:
	case BPF_JLE:
	case BPF_JSGT:
	case BPF_JSGE:
	case BPF_JSLT:
	case BPF_JSLE:
	case BPF_JSET:
		return VERIFY_BRANCH;
	default:
		return VERIFY_REFUSED;
	}
}

/* The subset, by opcode. */
enum verify_kind verify_kind(u8 code)
{
	switch (BPF_CLASS(code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_OP(code) == BPF_END)
			return BPF_CLASS(code) == BPF_ALU ? VERIFY_END : VERIFY_REFUSED;
		if (BPF_OP(code) == BPF_NEG && BPF_SRC(code) == BPF_X)
			return VERIFY_REFUSED;
		return BPF_OP(code) < BPF_END ? VERIFY_ALU : VERIFY_REFUSED;
	case BPF_LD:
		return code == (BPF_LD | BPF_DW | BPF_IMM) ? VERIFY_LONG : VERIFY_REFUSED;
	case BPF_LDX:
		return BPF_MODE(code) == BPF_MEM ? VERIFY_LOAD : VERIFY_REFUSED;
	case BPF_ST:
		return BPF_MODE(code) == BPF_MEM ? VERIFY_STORE : VERIFY_REFUSED;
	case BPF_STX:
		return BPF_MODE(code) == BPF_MEM ? VERIFY_STORE_X : VERIFY_REFUSED;
	default: /* BPF_JMP, BPF_JMP32 */
		return kind_of_jump(code);
	}
}

#define USES_DST 1
#define USES_SRC 2
#define USES_OFF 4
#define USES_IMM 8
#define SETS_DST 16

static u32 uses_of(const struct bpf_insn *insn)
{
	u32 operand = ebpf_has_source(insn) ? USES_SRC : USES_IMM;

	switch (verify_kind(insn->code)) {
	case VERIFY_ALU:
		if (BPF_OP(insn->code) == BPF_NEG)
			return USES_DST | SETS_DST;
		return USES_DST | SETS_DST | operand;
	case VERIFY_END:
		return USES_DST | SETS_DST | USES_IMM;
	case VERIFY_LOAD:
		return USES_DST | SETS_DST | USES_SRC | USES_OFF;
	case VERIFY_STORE:
		return USES_DST | USES_OFF | USES_IMM;
	case VERIFY_STORE_X:
		return USES_DST | USES_OFF | USES_SRC;
	case VERIFY_LONG:
		return USES_DST | SETS_DST | USES_SRC | USES_IMM;
	case VERIFY_JUMP:
		return USES_OFF;
	case VERIFY_BRANCH:
		return USES_DST | USES_OFF | operand;
	case VERIFY_CALL:
		return USES_IMM;
	default: /* VERIFY_EXIT */
		return 0;
	}
}

/* What an instruction does not use is 0, and the registers that it uses are there. */
static int check_uses(const struct verify_place *place, const struct bpf_insn *insn)
{
	u32 uses = uses_of(insn);

	if (!(uses & USES_DST) && insn->dst_reg)
		return verify_refuse(place, NO_REG, "dst_reg is %u, but is not used",
				     insn->dst_reg);
	if (!(uses & USES_SRC) && insn->src_reg)
		return verify_refuse(place, NO_REG, "src_reg is %u, but is not used",
				     insn->src_reg);
	if (!(uses & USES_OFF) && insn->off)
		return verify_refuse(place, NO_REG, "off is %d, but is not used", insn->off);
	if (!(uses & USES_IMM) && insn->imm)
		return verify_refuse(place, NO_REG, "imm is %d, but is not used", insn->imm);
	if (insn->dst_reg >= MAX_BPF_REG)
		return verify_refuse(place, insn->dst_reg, "there is no such register");
	if (insn->src_reg >= MAX_BPF_REG && verify_kind(insn->code) != VERIFY_LONG)
		return verify_refuse(place, insn->src_reg, "there is no such register");
	if (uses & SETS_DST && insn->dst_reg == BPF_REG_10)
		return verify_refuse(place, BPF_REG_10, "the frame pointer cannot be set");
	return 0;
}

static int check_alu(const struct verify_place *place, const struct bpf_insn *insn)
{
	u32 bits = ebpf_is_wide(insn) ? 64 : 32;

	if (ebpf_has_source(insn))
		return 0;
	switch (BPF_OP(insn->code)) {
	case BPF_DIV:
	case BPF_MOD:
		if (!insn->imm)
			return verify_refuse(place, NO_REG, "divides by 0");
		return 0;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		if ((u32)insn->imm >= bits)
			return verify_refuse(place, NO_REG, "shifts by %d, which is not 0 ... %u",
					     insn->imm, bits - 1);
		return 0;
	default:
		return 0;
	}
}

/* LD_IMM64: a constant, or a table. */
static int check_long(struct verify_place *place, const struct bpf_insn *insn)
{
	u32 second = place->pc + 1;

	if (second == place->len || insn[1].code || insn[1].dst_reg || insn[1].src_reg ||
	    insn[1].off)
		return verify_refuse(place, NO_REG, "its second half is missing");
	if (place->jumps[second]) {
		place->pc = place->jumps[second] - 1;
		return verify_refuse(place, NO_REG, "jumps into the middle of insn %u", second - 1);
	}
	if (!insn->src_reg)
		return 0;
	if (insn->src_reg != BPF_PSEUDO_MAP_IDX)
		return verify_refuse(place, NO_REG,
				     "src_reg is %u, not 0 or %u, which names a table",
				     insn->src_reg, BPF_PSEUDO_MAP_IDX);
	if (insn[1].imm)
		return verify_refuse(place, NO_REG, "a table has no offset, here %d", insn[1].imm);
	if ((u32)insn->imm >= place->table_count)
		return verify_refuse(place, NO_REG, "there is no table %u: the policy names %u",
				     (u32)insn->imm, place->table_count);
	return 0;
}

/* A jump, which is marked where it leads. */
static int check_jump(struct verify_place *place, const struct bpf_insn *insn)
{
	s32 target = (s32)place->pc + 1 + insn->off;

	if (insn->off < 0)
		return verify_refuse(place, NO_REG, "jumps back, to insn %d", target);
	if (target >= (s32)place->len)
		return verify_refuse(place, NO_REG, "jumps to insn %d, but the last is %u", target,
				     place->len - 1);
	place->jumps[target] = place->pc + 1;
	return 0;
}

/* An instruction by itself: what is wrong wherever it is. */
static int check_insn(struct verify_place *place, const struct bpf_insn *insn)
{
	enum verify_kind kind = verify_kind(insn->code);
	int err;

	if (kind == VERIFY_REFUSED)
		return verify_refuse(place, NO_REG, "opcode 0x%02x is not of the subset",
				     insn->code);
	err = check_uses(place, insn);
	if (err)
		return err;
	switch (kind) {
	case VERIFY_ALU:
		return check_alu(place, insn);
	case VERIFY_END:
		if (insn->imm != 16 && insn->imm != 32 && insn->imm != 64)
			return verify_refuse(place, NO_REG, "orders %d bits, not 16, 32 or 64",
					     insn->imm);
		return 0;
	case VERIFY_LONG:
		return check_long(place, insn);
	case VERIFY_JUMP:
	case VERIFY_BRANCH:
		return check_jump(place, insn);
	case VERIFY_CALL:
		if (insn->imm != SECMAP_HELPER_TEST_BIT && insn->imm != SECMAP_HELPER_LOOKUP)
			return verify_refuse(place, NO_REG, "there is no helper %d", insn->imm);
		return 0;
	default:
		return 0;
	}
}

/* The first pass; then where to join is numbered. */
int verify_insns(struct verify_place *place)
{
	const struct bpf_insn *insn;
	int err;
	u32 pc;

	for (place->pc = 0; place->pc < place->len; place->pc += verify_length(insn)) {
		insn = &place->insns[place->pc];
		err = check_insn(place, insn);
		if (err)
			return err;
	}
	place->joins = 0;
	for (pc = 0; pc < place->len; pc++)
		if (place->jumps[pc])
			place->jumps[pc] = ++place->joins;
	return 0;
}
