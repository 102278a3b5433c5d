// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classic BPF, decoded: written unlike the module's, to be compared with it. Opcodes are
 * numbers, an instruction points to those that follow it, arithmetic is done bit by bit, and
 * whether a slot has been stored to is asked of all ways into an instruction.
 */
#include "decoded.h"

/*
 * Kinds: w word of the call, n its size, i immediate, m memory, s store, t transfer to the other
 * register, a arithmetic, c comparison, j jump, r return.
 */
const struct decoded_opcode decoded_opcodes[DECODED_OPCODES] = {
	{ 0x20, 'w', 0 },   { 0x80, 'n', 0 },	{ 0x81, 'N', 0 },   { 0x00, 'i', 0 },
	{ 0x01, 'I', 0 },   { 0x60, 'm', 0 },	{ 0x61, 'M', 0 },   { 0x02, 's', 0 },
	{ 0x03, 'S', 0 },   { 0x07, 't', 0 },	{ 0x87, 'T', 0 },   { 0x05, 'j', 0 },
	{ 0x06, 'r', 0 },   { 0x16, 'R', 0 },

	{ 0x04, 'a', '+' }, { 0x0c, 'A', '+' }, { 0x14, 'a', '-' }, { 0x1c, 'A', '-' },
	{ 0x24, 'a', '*' }, { 0x2c, 'A', '*' }, { 0x34, 'a', '/' }, { 0x3c, 'A', '/' },
	{ 0x44, 'a', '|' }, { 0x4c, 'A', '|' }, { 0x54, 'a', '&' }, { 0x5c, 'A', '&' },
	{ 0x64, 'a', '<' }, { 0x6c, 'A', '<' }, { 0x74, 'a', '>' }, { 0x7c, 'A', '>' },
	{ 0x84, 'a', '~' }, { 0xa4, 'a', '^' }, { 0xac, 'A', '^' },

	{ 0x15, 'c', '=' }, { 0x1d, 'C', '=' }, { 0x25, 'c', '>' }, { 0x2d, 'C', '>' },
	{ 0x35, 'c', 'g' }, { 0x3d, 'C', 'g' }, { 0x45, 'c', '&' }, { 0x4d, 'C', '&' },
};

const struct decoded_opcode *decoded_opcode(u16 code)
{
	u32 i;

	for (i = 0; i < DECODED_OPCODES; i++)
		if (decoded_opcodes[i].code == code)
			return &decoded_opcodes[i];
	return NULL;
}

/* Is its constant one that it may have? */
static bool constant_fits(const struct decoded *insn)
{
	switch (insn->opcode->kind) {
	case 'w':
		return insn->k <= 60 && !(insn->k & 3);
	case 'm':
	case 'M':
	case 's':
	case 'S':
		return insn->k <= 15;
	case 'a':
		if (insn->opcode->op == '/')
			return insn->k > 0;
		return !strchr("<>", insn->opcode->op) || insn->k <= 31;
	default:
		return true;
	}
}

/* The instruction behind @skip others, or NULL if the program is not that long. */
static const struct decoded *behind(const struct decoded *insn, u64 skip, const struct decoded *end)
{
	return skip + 1 < (u64)(end - insn) ? insn + 1 + skip : NULL;
}

static bool link_insn(struct decoded *insn, const struct sock_filter *from,
		      const struct decoded *end)
{
	switch (insn->opcode->kind) {
	case 'j':
		insn->yes = behind(insn, from->k, end);
		return insn->yes;
	case 'c':
	case 'C':
		insn->yes = behind(insn, from->jt, end);
		insn->no = behind(insn, from->jf, end);
		return insn->yes && insn->no;
	case 'r':
	case 'R':
		/* Nothing is reached from a return, but see lacks_into(). */
		insn->yes = NULL;
		return true;
	default:
		insn->yes = behind(insn, 0, end);
		return insn->yes;
	}
}

static bool is_return(const struct decoded *insn)
{
	return insn->opcode->kind == 'r' || insn->opcode->kind == 'R';
}

/* What is lacking after an instruction. */
static u32 lacks_behind(const struct decoded *insn)
{
	if (insn->opcode->kind == 's' || insn->opcode->kind == 'S')
		return insn->lacks & ~(1U << insn->k);
	return insn->lacks;
}

/* The kernel takes what stands behind a return for reached from it. */
static u32 lacks_into(const struct decoded *first, const struct decoded *insn)
{
	u32 lacks = insn == first ? 0xffff : 0;
	const struct decoded *from;

	for (from = first; from < insn; from++)
		if (from->yes == insn || from->no == insn || (is_return(from) && from + 1 == insn))
			lacks |= lacks_behind(from);
	return lacks;
}

bool decode(const struct sock_filter *filter, u32 len, struct decoded *to)
{
	struct decoded *insn;

	if (!len || len > DECODED_MAX)
		return false;
	for (insn = to; insn < to + len; insn++) {
		*insn = (struct decoded){
			.opcode = decoded_opcode(filter[insn - to].code),
			.k = filter[insn - to].k,
		};
		if (!insn->opcode || !constant_fits(insn) ||
		    !link_insn(insn, &filter[insn - to], to + len))
			return false;
	}
	for (insn = to; insn < to + len; insn++) {
		insn->lacks = lacks_into(to, insn);
		if (strchr("mM", insn->opcode->kind) && insn->lacks >> insn->k & 1)
			return false;
	}
	return true;
}

static u32 bitwise(char op, u32 a, u32 b)
{
	u32 result = 0, bit;

	for (bit = 0; bit < 32; bit++) {
		u32 ones = (a >> bit & 1) + (b >> bit & 1);

		if (op == '&' ? ones == 2 : op == '|' ? ones >= 1 : ones == 1)
			result += 1U << bit;
	}
	return result;
}

static u32 shift(char op, u32 a, u32 times)
{
	/* Five bits of it count. */
	for (times %= 32; times; times--)
		a = op == '<' ? a + a : a / 2;
	return a;
}

static u32 divide(u32 a, u32 b)
{
	u64 rest = 0;
	u32 result = 0;
	int bit;

	for (bit = 31; bit >= 0; bit--) {
		rest = rest * 2 + (a >> bit & 1);
		result *= 2;
		if (rest >= b) {
			rest -= b;
			result++;
		}
	}
	return result;
}

static u32 compute(char op, u32 a, u32 b)
{
	switch (op) {
	case '+':
		return ((u64)a + b) % 0x100000000;
	case '-':
		return ((u64)a + 0x100000000 - b) % 0x100000000;
	case '*':
		return (unsigned __int128)a * b % 0x100000000;
	case '/':
		return divide(a, b);
	case '<':
	case '>':
		return shift(op, a, b);
	case '~':
		return (0x100000000 - a) % 0x100000000;
	default:
		return bitwise(op, a, b);
	}
}

static bool compare(char op, u32 a, u32 b)
{
	s64 difference = (s64)a - (s64)b;

	switch (op) {
	case '=':
		return difference == 0;
	case '>':
		return difference > 0;
	case 'g':
		return difference >= 0;
	default:
		return bitwise('&', a, b) != 0;
	}
}

/* Words of a call as seccomp(2) numbers them; 64-bit ones have their lower half first. */
static u32 word(const struct seccomp_data *call, u32 offset)
{
	u64 wide;

	if (offset == 0)
		return call->nr;
	if (offset == 4)
		return call->arch;
	wide = offset < 16 ? call->instruction_pointer : call->args[(offset - 16) / 8];
	return offset % 8 ? wide >> 32 : wide;
}

u32 decoded_run(const struct decoded *insn, const struct seccomp_data *call)
{
	u32 memory[16], registers[2] = { 0, 0 };

	for (;;) {
		char kind = insn->opcode->kind;
		bool capital = kind < 'a';
		u32 *reg = &registers[capital];
		u32 operand = capital ? registers[1] : insn->k;
		bool yes = true;

		switch (capital ? kind + 'a' - 'A' : kind) {
		case 'w':
			*reg = word(call, insn->k);
			break;
		case 'n':
			*reg = 64;
			break;
		case 'i':
			*reg = insn->k;
			break;
		case 'm':
			*reg = memory[insn->k];
			break;
		case 's':
			memory[insn->k] = *reg;
			break;
		case 't':
			registers[!capital] = *reg;
			break;
		case 'a':
			if (insn->opcode->op == '/' && !operand)
				return 0;
			registers[0] = compute(insn->opcode->op, registers[0], operand);
			break;
		case 'c':
			yes = compare(insn->opcode->op, registers[0], operand);
			break;
		case 'r':
			return capital ? registers[0] : insn->k;
		default:
			break;
		}
		insn = yes ? insn->yes : insn->no;
	}
}
