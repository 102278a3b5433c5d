// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a program of classic BPF and calls. It is refused, with a reason, or taken, as
 * the reference says; what is taken must run as the reference does, and return what was
 * predicted of it.
 *
 * The program has exactly the length that it claims, so that the address sanitizer sees
 * each read beyond.
 */
#include "cbpf.h"
#include "decoded.h"
#include "kernel.h"
#include "predict.h"
#include "seed.h"

/* First byte of an input. */
#define MODE_TAME      1 /* opcodes, constants and jumps are bent to what may be taken */
#define MODE_NO_MEMORY 2 /* the allocation, of which there is one, fails */

#define CALLS	       8 /* at most; more of the input is not looked at */
#define ARGUMENTS      4 /* of each call's number, made up */

struct input {
	const u8 *at;
	size_t left;
};

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

/* Behind the end there are zeros. */
static void take(struct input *input, void *to, size_t bytes)
{
	size_t some = bytes < input->left ? bytes : input->left;

	memset(to, 0, bytes);
	if (some)
		memcpy(to, input->at, some);
	input->at += some;
	input->left -= some;
}

static u8 take_u8(struct input *input)
{
	u8 value;

	take(input, &value, sizeof(value));
	return value;
}

static void expect(bool truth)
{
	if (!truth)
		abort();
}

/* An opcode that there is, and what it may have with it. Three bytes, and sometimes four more. */
static void take_tame(struct input *input, struct sock_filter *insn, u32 follow)
{
	const struct decoded_opcode *opcode;
	u8 shape = take_u8(input), jt = take_u8(input), jf = take_u8(input);

	opcode = &decoded_opcodes[shape % DECODED_OPCODES];
	if (!follow)
		opcode = decoded_opcode(shape & 1 ? 0x16 : 0x06);
	*insn = (struct sock_filter){ opcode->code, jt, jf, jf };
	switch (opcode->kind) {
	case 'w':
		insn->k = jt % 16 * 4;
		break;
	case 'm':
	case 'M':
	case 's':
	case 'S':
		insn->k = jt % 16;
		break;
	case 'j':
		insn->k = jf % follow;
		break;
	case 'c':
	case 'C':
		insn->jt = jt % 4 % follow;
		insn->jf = jt / 4 % follow;
		break;
	case 'a':
		if (strchr("<>", opcode->op))
			insn->k %= 32;
		else if (opcode->op == '/')
			insn->k += 1;
		break;
	default:
		break;
	}
	if (jt & 0x80 && strchr("icr", opcode->kind))
		take(input, &insn->k, sizeof(insn->k));
}

static struct sock_filter *take_program(struct input *input, bool tame, u32 len)
{
	struct sock_filter *filter = malloc(len * sizeof(*filter));
	u32 i;

	expect(filter);
	for (i = 0; i < len; i++) {
		if (tame)
			take_tame(input, &filter[i], len - i - 1);
		else
			take(input, &filter[i], sizeof(filter[i]));
	}
	return filter;
}

static void judge(const struct sock_filter *filter, u32 len, const struct decoded *decoded,
		  const struct seccomp_data *given)
{
	struct seccomp_data *call = malloc(sizeof(*call));
	u32 last, predicted, another, value, i, a;
	bool told;

	expect(call);
	*call = *given;
	told = secmap_predict_cbpf(filter, len, call->arch, call->nr, &last, &predicted);
	expect(last >= (u32)call->nr);
	expect(secmap_predict_cbpf(filter, len, call->arch, last, &another, &value) == told);
	expect(!told || value == predicted);
	for (i = 0; i <= ARGUMENTS; i++) {
		value = secmap_cbpf_run(filter, len, call);
		expect(value == decoded_run(decoded, call));
		expect(!told || value == predicted);
		call->instruction_pointer = seed_edge();
		for (a = 0; a < ARRAY_SIZE(call->args); a++)
			call->args[a] = seed_edge();
	}
	free(call);
}

static void judge_all(struct input *input, const struct sock_filter *filter, u32 len,
		      const struct decoded *decoded)
{
	static const u32 archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct seccomp_data call;
	u32 calls = 0;

	do {
		take(input, &call, sizeof(call));
		judge(filter, len, decoded, &call);
		call.arch = archs[call.arch % ARRAY_SIZE(archs)];
		call.nr %= 16;
		judge(filter, len, decoded, &call);
	} while (input->left && ++calls < CALLS);
}

/* The dialect alone: refuses no program that is valid, and leaves the kernel's translation. */
static void check_translation(struct sock_filter *filter, u32 len, bool valid)
{
	int err = secmap_cbpf_check(filter, len);
	u32 i;

	expect(err == 0 || (err == -EINVAL && !valid));
	for (i = 0; !err && i < len; i++)
		expect(filter[i].code == 0x21 ||
		       (decoded_opcode(filter[i].code) &&
			!strchr("wnN", decoded_opcode(filter[i].code)->kind)));
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	static struct decoded decoded[DECODED_MAX];
	struct input input = { bytes, size };
	u8 mode = take_u8(&input);
	u32 len = take_u8(&input);
	struct secmap_why why = { "" };
	struct sock_filter *filter;
	bool valid;
	int err;

	kernel_reset();
	seed_set(size);
	filter = take_program(&input, mode & MODE_TAME, len);
	valid = decode(filter, len, decoded);
	kernel.fail_at = mode & MODE_NO_MEMORY ? 1 : 0;

	err = secmap_cbpf_valid(filter, len, &why);
	if (err != -ENOMEM)
		expect(err == (valid ? 0 : -EINVAL));
	else
		expect(kernel.fail_at);
	/* A refusal says why, in a sentence that ends. */
	expect(!why.text[0] == !err && memchr(why.text, 0, sizeof(why.text)));
	if (!err)
		judge_all(&input, filter, len, decoded);
	check_translation(filter, len, valid);
	free(filter);
	expect(!kernel.live);
	return 0;
}
