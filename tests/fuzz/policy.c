// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as tables, a policy and calls. Whatever is refused must leave nothing
 * behind and say why; whatever is taken must answer as the reference does.
 *
 * Arrays have exactly the length that the policy claims, so that the address sanitizer
 * sees each read beyond; or none at all where the claim is above a limit, which must be
 * refused before the array is looked at.
 */
#include "kernel.h"
#include "reference.h"
#include "rules.h"
#include "seed.h"
#include "table.h"

#define TABLES 4
#define KEYS   64
#define ABIS   (SECMAP_ABI_COUNT + 1)

/* First byte of an input. */
#define MODE_TAME      1 /* values are bent to what may be taken */
#define MODE_NO_MEMORY 2 /* an allocation fails: the second byte says which */
#define MODE_ONE_FAULT 4 /* one value is overwritten in the end */

struct input {
	const u8 *at;
	size_t left;
};

struct fuzz {
	struct input input;
	bool tame;
	struct secmap_rules_spec spec;
	struct secmap_abi_spec abis[ABIS];
	const struct secmap_table *tables[TABLES];
	struct reference_table lists[TABLES];
	u64 *keys[TABLES];
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

static u32 take_u32(struct input *input)
{
	u32 value;

	take(input, &value, sizeof(value));
	return value;
}

static u64 take_u64(struct input *input)
{
	u64 value;

	take(input, &value, sizeof(value));
	return value;
}

static void expect(bool truth)
{
	if (!truth)
		abort();
}

/* A refusal says why, in a sentence that ends. */
static void check_why(const struct secmap_why *why)
{
	expect(why->text[0] && memchr(why->text, 0, sizeof(why->text)));
}

static u32 take_action(struct fuzz *fuzz)
{
	static const u32 actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
		SECCOMP_RET_ERRNO,	  SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG,	  SECCOMP_RET_ALLOW,
	};

	if (fuzz->tame)
		return actions[take_u8(&fuzz->input) % 8] | take_u8(&fuzz->input);
	return take_u32(&fuzz->input);
}

/* Any key is there if it is one of the keys. */
static void check_lookup(const struct secmap_table *table, const struct secmap_table_spec *spec,
			 u64 key)
{
	u64 value = ~key;
	bool there;
	u32 i;

	for (i = 0; i < spec->count && spec->keys[i] != key; i++)
		;
	there = i < spec->count;
	expect(secmap_table_has(table, key) == there);
	expect(secmap_table_get(table, key, &value) == there);
	expect(value == (there ? spec->values ? key : 0 : ~key));
}

static void fuzz_table(struct fuzz *fuzz)
{
	u32 t = fuzz->spec.table_count, i;
	u8 shape = take_u8(&fuzz->input);
	struct secmap_table_spec spec = {
		.type = fuzz->tame ? shape & 1 : shape & 3,
		.max_entries = take_u32(&fuzz->input),
		.count = take_u8(&fuzz->input) % (KEYS + 1),
	};
	struct secmap_why why = { "" };
	struct secmap_table *table;

	fuzz->keys[t] = malloc(spec.count * sizeof(u64));
	for (i = 0; i < spec.count; i++)
		fuzz->keys[t][i] = shape & 4 ? take_u8(&fuzz->input) : take_u64(&fuzz->input);
	spec.keys = fuzz->keys[t];
	spec.values = shape & 8 ? spec.keys : NULL;
	table = secmap_table_create(&spec, &why);
	if (IS_ERR(table)) {
		check_why(&why);
		free(fuzz->keys[t]);
		return;
	}
	for (i = 0; i < spec.count; i++) {
		u64 value = ~spec.keys[i];

		expect(secmap_table_has(table, spec.keys[i]));
		expect(secmap_table_get(table, spec.keys[i], &value));
		expect(value == (spec.values ? spec.keys[i] : 0));
	}
	for (i = shape >> 4; i; i--)
		check_lookup(table, &spec, take_u64(&fuzz->input));
	fuzz->lists[t] = (struct reference_table){ spec.keys, spec.count };
	fuzz->tables[t] = table;
	fuzz->spec.table_count++;
}

static void fuzz_cond(struct fuzz *fuzz, struct secmap_cond *cond)
{
	u64 fits;

	*cond = (struct secmap_cond){
		.size = sizeof(*cond),
		.arg = take_u8(&fuzz->input),
		.op = take_u8(&fuzz->input),
		.width = take_u8(&fuzz->input),
	};
	if (!fuzz->tame) {
		cond->table = take_u8(&fuzz->input);
		cond->pad = cond->table & 0x80;
		cond->pad2 = cond->table & 0x40;
		cond->value = take_u64(&fuzz->input);
		cond->mask = take_u64(&fuzz->input);
		return;
	}
	cond->arg %= 6;
	cond->op %= fuzz->spec.table_count ? SECMAP_OP_COUNT : SECMAP_OP_IN;
	cond->width = cond->width & 1 ? 32 : 64;
	fits = cond->width == 32 ? U32_MAX : U64_MAX;
	if (cond->op < SECMAP_OP_IN)
		cond->value = take_u64(&fuzz->input) & fits;
	else
		cond->table = take_u8(&fuzz->input) % fuzz->spec.table_count;
	if (cond->op >= SECMAP_OP_MASKED_EQ)
		cond->mask = take_u64(&fuzz->input) & fits;
}

/* So many records as are claimed, if that many may be. */
static u32 room(u32 claimed, u32 limit)
{
	return claimed > limit ? 0 : claimed;
}

static void fuzz_rules(struct fuzz *fuzz, struct secmap_abi *abi, struct secmap_rule *rules)
{
	u32 count = room(abi->rule_count, SECMAP_LIMIT_RULES), conds = 0, nr = 0, i;

	for (i = 0; i < count; i++) {
		u8 shape = take_u8(&fuzz->input);

		rules[i].size = sizeof(rules[i]);
		rules[i].action = take_action(fuzz);
		if (!fuzz->tame) {
			rules[i].nr = shape & 0x80 ? take_u32(&fuzz->input) : shape;
			rules[i].cond_count = take_u8(&fuzz->input);
			continue;
		}
		/* Numbers go up; a rule without conditions ends its number. */
		if (i && (shape & 7 || !rules[i - 1].cond_count))
			nr += shape & 8 ? 1 : 1 + shape;
		rules[i].nr = nr % SECMAP_NR_MAX;
		rules[i].cond_count = shape >> 4 & 3;
		conds += rules[i].cond_count;
	}
	if (fuzz->tame)
		abi->cond_count = conds;
}

static void fuzz_abi(struct fuzz *fuzz)
{
	struct secmap_abi_spec *section = &fuzz->abis[fuzz->spec.abi_count];
	u32 words = SECMAP_NR_MAX / 64, count, i;
	struct secmap_abi *abi = &section->abi;
	struct secmap_rule *rules;
	struct secmap_cond *conds;
	u64 *allow;

	*abi = (struct secmap_abi){
		.size = sizeof(*abi),
		.abi = fuzz->tame ? fuzz->spec.abi_count % 3 : take_u8(&fuzz->input),
		.default_action = take_action(fuzz),
		.newer_from = take_u32(&fuzz->input),
	};
	if (abi->newer_from != SECMAP_NEWER_NONE || !fuzz->tame)
		abi->newer_action = take_action(fuzz);
	abi->allow_words = take_u8(&fuzz->input) % (words + 2);
	abi->rule_count = take_u8(&fuzz->input);
	abi->cond_count = take_u8(&fuzz->input);
	/* What no input is long enough for. */
	if (!fuzz->tame && abi->rule_count == 0xff)
		abi->rule_count = take_u32(&fuzz->input);
	if (!fuzz->tame && abi->cond_count == 0xff)
		abi->cond_count = take_u32(&fuzz->input);

	count = room(abi->allow_words, words);
	allow = calloc(count, sizeof(*allow));
	section->allow = allow;
	for (i = 0; i < count; i++)
		allow[i] = take_u8(&fuzz->input) * 0x0000000001000001ULL;

	rules = calloc(room(abi->rule_count, SECMAP_LIMIT_RULES), sizeof(*rules));
	section->rules = rules;
	fuzz_rules(fuzz, abi, rules);

	count = room(abi->cond_count, SECMAP_LIMIT_SECTION_CONDS);
	conds = calloc(count, sizeof(*conds));
	section->conds = conds;
	for (i = 0; i < count; i++)
		fuzz_cond(fuzz, &conds[i]);
	fuzz->spec.abi_count++;
}

/* Some bits of something are turned; not of a length, which would be a lie of the caller's. */
static void fuzz_fault(struct fuzz *fuzz)
{
	u8 which = take_u8(&fuzz->input);
	u32 index = take_u8(&fuzz->input);
	u32 bits = take_u32(&fuzz->input);
	struct secmap_abi_spec *section;
	struct secmap_rule *rule;
	u8 *cond;

	if (!fuzz->spec.abi_count)
		return;
	section = &fuzz->abis[index % fuzz->spec.abi_count];
	if (which % 4 == 0 || !section->abi.rule_count) {
		u32 *values[] = { &section->abi.abi, &section->abi.default_action,
				  &section->abi.newer_from, &section->abi.newer_action };

		*values[(which >> 2) % ARRAY_SIZE(values)] ^= bits;
		return;
	}
	rule = (struct secmap_rule *)&section->rules[index % section->abi.rule_count];
	if (which % 4 == 1 || !section->abi.cond_count) {
		u32 *values[] = { &rule->nr, &rule->action, &rule->cond_count };

		*values[(which >> 2) % ARRAY_SIZE(values)] ^= bits;
		return;
	}
	cond = (u8 *)&section->conds[index % section->abi.cond_count];
	cond[(which >> 2) % sizeof(struct secmap_cond)] ^= bits;
}

static void judge(const struct fuzz *fuzz, const struct secmap_rules *rules,
		  const struct seccomp_data *call)
{
	struct secmap_verdict ours = secmap_rules_eval(rules, call);
	struct secmap_verdict theirs = reference_judge(&fuzz->spec, fuzz->lists, call);
	struct secmap_where where = secmap_where(call->arch, call->nr);

	expect(ours.action == theirs.action && ours.rule == theirs.rule);
	if (where.nr < SECMAP_NR_MAX && test_bit(where.nr, secmap_rules_allowed(rules, where.abi)))
		expect((ours.action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW);
}

/* For each rule the call that its conditions ask for, and those beside it. */
static void judge_rules(struct fuzz *fuzz, const struct secmap_rules *rules,
			const struct secmap_abi_spec *section)
{
	const struct secmap_cond *cond = section->conds;
	struct seccomp_data call = { .arch = AUDIT_ARCH_X86_64 };
	u32 i, c;

	if (section->abi.abi == SECMAP_ABI_I386)
		call.arch = AUDIT_ARCH_I386;
	for (i = 0; i < section->abi.rule_count && i < 64; i++) {
		call.nr = section->rules[i].nr;
		if (section->abi.abi == SECMAP_ABI_X32)
			call.nr += 0x40000000;
		for (c = 0; c < section->rules[i].cond_count; c++, cond++) {
			call.args[cond->arg] = cond->value + cond->mask;
			judge(fuzz, rules, &call);
			call.args[cond->arg] = cond->value - 1;
			judge(fuzz, rules, &call);
			call.args[cond->arg] = cond->value;
			if (cond->op >= SECMAP_OP_IN && fuzz->lists[cond->table].count)
				call.args[cond->arg] = fuzz->lists[cond->table].keys[0];
		}
		judge(fuzz, rules, &call);
	}
}

static void judge_all(struct fuzz *fuzz, const struct secmap_rules *rules)
{
	static const u32 archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };
	struct seccomp_data call;
	u32 i, calls;

	for (i = 0; i < fuzz->spec.abi_count; i++)
		judge_rules(fuzz, rules, &fuzz->abis[i]);
	for (calls = 0; fuzz->input.left && calls < 64; calls++) {
		call.arch = archs[take_u8(&fuzz->input) % ARRAY_SIZE(archs)];
		call.nr = take_u32(&fuzz->input);
		for (i = 0; i < ARRAY_SIZE(call.args); i++)
			call.args[i] = take_u64(&fuzz->input);
		judge(fuzz, rules, &call);
		call.nr &= 0x4000003f;
		judge(fuzz, rules, &call);
	}
}

static void fuzz_free(struct fuzz *fuzz)
{
	u32 i;

	for (i = 0; i < fuzz->spec.abi_count; i++) {
		free((void *)fuzz->abis[i].allow);
		free((void *)fuzz->abis[i].rules);
		free((void *)fuzz->abis[i].conds);
	}
	for (i = 0; i < fuzz->spec.table_count; i++) {
		secmap_table_free((struct secmap_table *)fuzz->tables[i]);
		free(fuzz->keys[i]);
	}
	expect(!kernel.live);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct fuzz fuzz = { .input = { bytes, size } };
	u8 mode = take_u8(&fuzz.input), fail_at = take_u8(&fuzz.input), count;
	struct secmap_why why = { "" };
	struct secmap_rules *rules;

	kernel_reset();
	seed_set(size);
	fuzz.tame = mode & MODE_TAME;
	fuzz.spec.abis = fuzz.abis;
	fuzz.spec.tables = fuzz.tables;
	for (count = take_u8(&fuzz.input) % (TABLES + 1); count; count--)
		fuzz_table(&fuzz);
	fuzz.spec.foreign_action = take_action(&fuzz);
	for (count = take_u8(&fuzz.input) % (ABIS + 1); count; count--)
		fuzz_abi(&fuzz);

	if (fuzz.tame && mode & MODE_ONE_FAULT)
		fuzz_fault(&fuzz);
	if (mode & MODE_NO_MEMORY) {
		kernel.allocs = 0;
		kernel.fail_at = fail_at;
	}
	rules = secmap_rules_create(&fuzz.spec, &why);
	if (IS_ERR(rules)) {
		check_why(&why);
	} else {
		expect(!why.text[0]);
		judge_all(&fuzz, rules);
		secmap_rules_free(rules);
	}
	fuzz_free(&fuzz);
	return 0;
}
