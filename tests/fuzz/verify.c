// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a program of eBPF and calls. It is refused, with a reason, or taken; what is
 * taken must run without a wrong step, depend on nothing but the fields that it is said to
 * load, and return what was predicted of it.
 *
 * The program has exactly the length that it claims, so that the address sanitizer sees
 * each read beyond.
 */
#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "kernel.h"
#include "predict.h"
#include "seed.h"
#include "verify.h"

/* First byte of an input. */
#define MODE_WRITTEN   1  /* the bytes decide what is written by the rules, which is taken */
#define MODE_BROKEN    2  /* then up to 4 instructions are changed */
#define MODE_NO_MEMORY 4  /* an allocation fails: the two bits above say which */
#define MODE_WHICH     24 /* these bits */

#define CALLS	       2 /* at most; more of the input is not looked at */
#define ARGUMENTS      2 /* of each call's number, made up */

static struct input {
	const u8 *at;
	size_t left;
} input;

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

/* Behind the end there are zeros. */
static void take(void *to, size_t bytes)
{
	size_t some = bytes < input.left ? bytes : input.left;

	memset(to, 0, bytes);
	if (some)
		memcpy(to, input.at, some);
	input.at += some;
	input.left -= some;
}

static u8 take_u8(void)
{
	u8 value;

	take(&value, sizeof(value));
	return value;
}

/* No more bytes than a number of that size needs. */
static u64 take_below(u64 limit)
{
	u64 value = 0;

	take(&value, limit <= 256 ? 1 : sizeof(u32));
	return value % limit;
}

static void expect(bool truth)
{
	if (!truth)
		abort();
}

static struct bpf_insn *take_program(u8 mode, u32 len)
{
	struct bpf_insn *insns = malloc(len * sizeof(*insns));
	u32 changes;

	expect(insns);
	if (mode & MODE_WRITTEN && len >= 2)
		ebpf_random(insns, len, take_below);
	else
		take(insns, len * sizeof(*insns));
	if (mode & MODE_BROKEN && len)
		for (changes = take_below(4) + 1; changes; changes--)
			ebpf_break(insns, len, take_below);
	return insns;
}

/* One call, and others of the same number and ABI. */
static void judge(const struct secmap_ebpf *program, struct secmap_predict_room *room, u32 fields,
		  const struct seccomp_data *given)
{
	u64 salt = given->args[0];
	struct secmap_interpreter run = program_interpreter(program->insns, program->len, &salt);
	struct seccomp_data *call = malloc(sizeof(*call));
	u32 predicted, value, again, i, a;
	bool told;

	expect(call);
	*call = *given;
	told = secmap_predict_ebpf(room, call->arch, call->nr, &predicted);
	for (i = 0; i <= ARGUMENTS; i++, salt++) {
		expect(!secmap_interpret(&run, call, &value, NULL));
		expect(!told || value == predicted);
		ebpf_call_scramble(call, fields);
		expect(!secmap_interpret(&run, call, &again, NULL));
		expect(value == again);

		call->nr = given->nr;
		call->arch = given->arch;
		call->instruction_pointer = seed_edge();
		for (a = 0; a < ARRAY_SIZE(call->args); a++)
			call->args[a] = seed_edge();
	}
	free(call);
}

static void judge_all(const struct bpf_insn *insns, u32 len, u32 fields)
{
	static const u32 archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	const struct secmap_ebpf program = { insns, len, program_tables(), PROGRAM_TABLES };
	struct secmap_predict_room *room;
	struct seccomp_data call;
	u32 calls = 0;

	kernel_reset();
	room = secmap_predict_room_create(&program);
	expect(room);
	do {
		take(&call, sizeof(call));
		judge(&program, room, fields, &call);
		call.arch = archs[call.arch % ARRAY_SIZE(archs)];
		call.nr %= 8;
		judge(&program, room, fields, &call);
	} while (input.left && ++calls < CALLS);
	secmap_predict_room_free(room);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct secmap_verify_facts facts = { 0 }, other;
	struct secmap_why why = { "" };
	struct bpf_insn *insns;
	u8 mode, changed;
	size_t live;
	u32 len;
	int err;

	input = (struct input){ bytes, size };
	mode = take_u8();
	len = take_u8();
	kernel_reset();
	seed_set(size);
	program_tables();
	live = kernel.live;
	insns = take_program(mode, len);

	kernel_reset();
	kernel.fail_at = mode & MODE_NO_MEMORY ? 1 + (mode & MODE_WHICH) / 8 : 0;
	err = secmap_verify(insns, len, program_types, PROGRAM_TABLES, &facts, &why);
	changed = mode & MODE_BROKEN;
	if (err == -ENOMEM)
		expect(kernel.fail_at);
	else
		expect(!err || err == -EINVAL);
	/* What was written by the rules is taken. */
	expect(!(mode & MODE_WRITTEN) || changed || len < 2 || err != -EINVAL);
	/* A refusal says why, in a sentence that ends. */
	expect(!why.text[0] == !err && memchr(why.text, 0, sizeof(why.text)));
	if (!err) {
		other = ebpf_facts(insns, len);
		expect(!memcmp(&facts, &other, sizeof(facts)) && facts.stack <= EBPF_STACK);
		judge_all(insns, len, facts.fields);
	}
	free(insns);
	expect(kernel.live == live);
	return 0;
}
