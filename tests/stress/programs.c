// SPDX-License-Identifier: GPL-2.0-only
/*
 * programs SEED FIRST COUNT: random programs of eBPF, each of which the module must take and
 * refuse as the verifier does here, and answer 16 calls by TEST as the interpreter does here,
 * which is always the same. So whatever ran them, a JIT, one that blinds constants, or the
 * kernel's interpreter, on whichever kernel, answers alike. TEST always runs the program; what
 * was predicted of it must be what it answers.
 *
 * Program number N of a seed is the same on every machine, whatever FIRST is; so is the digest
 * of all answers. Ends with 1 after the first difference, which it prints in full.
 */
#include <linux/bpf.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <unistd.h>

#include "ebpf_insn.h"
#include "ebpf_program.h"
#include "interpreter.h"
#include "kernel.h"
#include "predict.h"
#include "seed.h"
#include "table.h"
#include "verify.h"

#define CALLS	    16
#define LONGEST	    400
#define TABLE_KEYS  100 /* all keys of program_tables() are below */
#define COUNT_EVERY 16	/* programs: of one of them all allowed numbers are counted */
#define ACTIONS	    255 /* that are told of one program, as SECMAP_PROGRAM_ACTIONS */
#define X32_BIT	    0x40000000

/* What the BPF map holds. */
static const u64 map[][2] = {
	{ 0, 0x7fff0000 }, { 2, 7 },	      { 3, U64_MAX },	{ 6, 1ULL << 40 },
	{ 63, 5 },	   { 64, 0 },	      { 98, S32_MAX },	{ U32_MAX, 6 },
	{ 1ULL << 32, 9 }, { INT64_MAX, 63 }, { U64_MAX, 100 },
};

static struct {
	u64 programs, calls, refused, broken, telling, helpers, maps, stack, divisions;
	u64 orders, narrow, jumps, instructions, run_instructions, differing, different_answers;
	u64 predicted, counted, allowed, longest, digest;
	bool opcodes[256];
} seen;

static int device;
static int fds[PROGRAM_TABLES];

static struct {
	u64 seed, number;
	u32 len;
	struct bpf_insn insns[LONGEST + EBPF_TELLING];
	struct secmap_verify_facts facts;
} program;

static struct seccomp_data calls[CALLS];

static void print(const char *name, u64 value)
{
	printf("%s %llu\n", name, value);
}

static __attribute__((noreturn, format(printf, 1, 2))) void differ(const char *fmt, ...)
{
	va_list args;

	printf("difference: seed %llu, program %llu: ", program.seed, program.number);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n%u instructions:\n", program.len);
	ebpf_print(program.insns, program.len);
	exit(1);
}

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(2);
}

static u64 look_up(void *of, u32 table, u64 key, u64 otherwise)
{
	u32 i;

	(void)of;
	(void)table;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i][0] == key)
			return map[i][1];
	return otherwise;
}

static int create_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(u64),
		.value_size = sizeof(u64),
		.max_entries = ARRAY_SIZE(map),
	};
	int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	u32 i;

	if (fd < 0)
		die("BPF_MAP_CREATE");
	for (i = 0; i < ARRAY_SIZE(map); i++) {
		attr = (union bpf_attr){
			.map_fd = fd,
			.key = (uintptr_t)&map[i][0],
			.value = (uintptr_t)&map[i][1],
		};
		if (syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)))
			die("BPF_MAP_UPDATE_ELEM");
	}
	return fd;
}

/* The same that the interpreter looks into. */
static int create_table(const struct secmap_table *table)
{
	u64 keys[TABLE_KEYS], values[TABLE_KEYS], key, value;
	struct secmap_table_create create = {
		.size = sizeof(create),
		.type = secmap_table_type(table),
		.max_entries = TABLE_KEYS,
		.keys = (uintptr_t)keys,
	};
	bool bitmap = create.type == SECMAP_TABLE_BITMAP;
	int fd;

	for (key = 0; key < TABLE_KEYS; key++) {
		value = 0;
		if (bitmap ? !secmap_table_has(table, key) : !secmap_table_get(table, key, &value))
			continue;
		keys[create.count] = key;
		values[create.count++] = value;
	}
	if (!bitmap)
		create.values = (uintptr_t)values;
	fd = ioctl(device, SECMAP_IOC_TABLE_CREATE, &create);
	if (fd < 0)
		die("TABLE_CREATE");
	return fd;
}

/* 0 and the policy's descriptor, or an errno and why. */
static int create_policy(int *fd, struct secmap_why *why)
{
	struct secmap_policy_create create = {
		.size = sizeof(create),
		.kind = SECMAP_POLICY_EBPF,
		.table_count = PROGRAM_TABLES,
		.log_size = sizeof(why->text),
		.filter_len = program.len,
		.tables = (uintptr_t)fds,
		.filter = (uintptr_t)program.insns,
		.log = (uintptr_t)why->text,
	};

	why->text[0] = '\0';
	*fd = ioctl(device, SECMAP_IOC_POLICY_CREATE, &create);
	return *fd < 0 ? errno : 0;
}

static u32 any_length(void)
{
	if (seed_once_in(64))
		return 2 + seed_below(LONGEST - 1);
	return 2 + seed_below(seed_once_in(8) ? 100 : 30);
}

/* Are the allowed numbers of this program counted? */
static bool counted(void)
{
	return program.number % COUNT_EVERY == 0;
}

/* Instead of its last exit: whatever is even is allowed, so that there is something to count. */
static void allow_half(void)
{
	static const struct bpf_insn end[] = {
		ALU(BPF_AND, 0, 1),
		JMP(BPF_JEQ, 0, 0, 1),
		EXIT,
		ALU32(BPF_MOV, 0, SECCOMP_RET_ALLOW),
		EXIT,
	};

	memcpy(&program.insns[program.len - 1], end, sizeof(end));
	program.len += ARRAY_SIZE(end) - 1;
}

/* Is it taken, here and by the module? Then *@fd is the policy. */
static bool write_program(int *fd)
{
	struct secmap_why why = { "" }, other;
	bool telling = !counted() && !seed_once_in(4);
	bool broken = seed_once_in(4);
	u32 changes;
	int err, found;

	program.len = any_length();
	if (telling)
		program.len = ebpf_random_telling(program.insns, program.len, seed_below);
	else
		ebpf_random(program.insns, program.len, seed_below);
	if (counted())
		allow_half();
	for (changes = broken ? 1 + seed_below(3) : 0; changes; changes--)
		ebpf_break(program.insns, program.len, seed_below);

	err = -secmap_verify(program.insns, program.len, program_types, PROGRAM_TABLES,
			     &program.facts, &why);
	if (err && !broken)
		differ("refused, although written by the rules: %s", why.text);
	found = create_policy(fd, &other);
	if (found != err || strcmp(other.text, why.text))
		differ("error %d here, '%s'; %d by the module, '%s'", err, why.text, found,
		       other.text);
	seen.refused += err != 0;
	seen.broken += !err && broken;
	seen.telling += !err && telling;
	return !err;
}

/* Or just it: the constant of any instruction, of a comparison perhaps. */
static u64 near_constant(void)
{
	u64 value = (s64)program.insns[seed_below(program.len)].imm;

	if (seed_once_in(2))
		value = (u32)value;
	return value + seed_below(3) - 1;
}

static u64 near_key(void)
{
	static const u64 keys[] = { 0, 1, 3, 5, 7, 63, 64, 99 };

	if (seed_once_in(2))
		return keys[seed_below(ARRAY_SIZE(keys))] + seed_below(2);
	return map[seed_below(ARRAY_SIZE(map))][0];
}

static void make_call(struct seccomp_data *call)
{
	u32 i;

	ebpf_call(call);
	if (seed_once_in(4))
		call->nr = (int)near_constant();
	else if (seed_once_in(8))
		call->nr = (int)near_key();
	if (call->arch == AUDIT_ARCH_X86_64 && seed_once_in(4))
		call->nr |= X32_BIT;
	if (seed_once_in(16))
		call->arch = (u32)seed_edge();
	if (seed_once_in(4))
		call->instruction_pointer = near_constant();
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		if (seed_once_in(3))
			call->args[i] = seed_once_in(2) ? near_constant() : near_key();
}

static void test_policy(int fd, struct secmap_verdict *verdicts)
{
	struct secmap_policy_test test = {
		.size = sizeof(test),
		.policy_fd = fd,
		.count = CALLS,
		.calls = (uintptr_t)calls,
		.verdicts = (uintptr_t)verdicts,
	};

	if (ioctl(device, SECMAP_IOC_POLICY_TEST, &test))
		die("POLICY_TEST");
}

static void differ_in(u32 i, const char *what, u32 answer, u32 expected)
{
	const struct seccomp_data *call = &calls[i];

	differ("call %u: nr %#x, arch %#x, ip %#llx, args %#llx %#llx %#llx %#llx %#llx %#llx: "
	       "the module answers %#x, %s %#x",
	       i, call->nr, call->arch, call->instruction_pointer, call->args[0], call->args[1],
	       call->args[2], call->args[3], call->args[4], call->args[5], answer, what, expected);
}

/* All 16 answers. */
static void judge_calls(int fd, struct secmap_predict_room *room)
{
	struct secmap_interpreter run = program_interpreter(program.insns, program.len, NULL);
	struct secmap_verdict verdicts[CALLS];
	struct secmap_why why = { "" };
	u32 i, k, expected, different = 0;

	run.lookup = look_up;
	for (i = 0; i < CALLS; i++)
		make_call(&calls[i]);
	test_policy(fd, verdicts);
	for (i = 0; i < CALLS; i++) {
		u32 answer = verdicts[i].action;

		if (secmap_interpret(&run, &calls[i], &expected, &why))
			differ("call %u: the interpreter trips: %s", i, why.text);
		if (answer != expected)
			differ_in(i, "the interpreter", answer, expected);
		if (secmap_predict_ebpf(room, calls[i].arch, calls[i].nr, &expected)) {
			seen.predicted++;
			if (answer != expected)
				differ_in(i, "predicted was", answer, expected);
		}
		for (k = 0; k < i && verdicts[k].action != answer; k++)
			;
		different += k == i;
		seen.digest = (seen.digest ^ answer) * 0x9e3779b97f4a7c15ULL;
		seen.digest ^= seen.digest >> 29;
	}
	seen.calls += CALLS;
	seen.differing += different > 1;
	seen.different_answers += different;
}

/* The numbers of one ABI that are told to be allowed; @actions are those met so far. */
static u32 count_allowed(struct secmap_predict_room *room, u32 arch, u32 first, u32 *actions,
			 u32 *known)
{
	u32 nr, i, action, count = 0;

	for (nr = 0; nr < SECMAP_NR_MAX; nr++) {
		if (!secmap_predict_ebpf(room, arch, first + nr, &action))
			continue;
		for (i = 0; i < *known && actions[i] != action; i++)
			;
		if (i == ACTIONS)
			continue;
		if (i == *known)
			actions[(*known)++] = action;
		count += (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
	}
	return count;
}

static void judge_prediction(const struct secmap_policy_info *info,
			     struct secmap_predict_room *room)
{
	u32 actions[ACTIONS], known = 0, i;
	u32 expected[SECMAP_ABI_COUNT];

	expected[SECMAP_ABI_X86_64] = count_allowed(room, AUDIT_ARCH_X86_64, 0, actions, &known);
	expected[SECMAP_ABI_X32] = count_allowed(room, AUDIT_ARCH_X86_64, X32_BIT, actions, &known);
	expected[SECMAP_ABI_I386] = count_allowed(room, AUDIT_ARCH_I386, 0, actions, &known);
	for (i = 0; i < SECMAP_ABI_COUNT; i++) {
		if (info->out_allow_count[i] != expected[i])
			differ("ABI %u: the module allows %u numbers, %u are predicted here", i,
			       info->out_allow_count[i], expected[i]);
		seen.allowed += expected[i];
	}
	seen.counted++;
}

/* What kind of programs these are. */
static void note_program(const struct secmap_policy_info *info)
{
	bool helper = false, map_named = false, division = false, order = false, narrow = false;
	u32 pc, jumps = 0;

	for (pc = 0; pc < program.len; pc++) {
		const struct bpf_insn *insn = &program.insns[pc];
		u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);
		bool alu = class == BPF_ALU || class == BPF_ALU64;

		seen.opcodes[insn->code] = true;
		helper |= insn->code == (BPF_JMP | BPF_CALL);
		map_named |= insn->code == (BPF_LD | BPF_DW | BPF_IMM) && insn->src_reg &&
			     insn->imm == TABLE_BPF;
		division |= alu && (op == BPF_DIV || op == BPF_MOD) && ebpf_has_source(insn);
		order |= alu && op == BPF_END;
		narrow |= class == BPF_LDX && ebpf_bytes(insn) < 4;
		jumps += ebpf_jumps(insn) && insn->off;
	}
	seen.programs++;
	seen.helpers += helper;
	seen.maps += helper && map_named;
	seen.stack += program.facts.stack > 0;
	seen.divisions += division;
	seen.orders += order;
	seen.narrow += narrow;
	seen.jumps += jumps;
	seen.instructions += program.len;
	seen.run_instructions += info->out_insns;
	if (seen.longest < program.len)
		seen.longest = program.len;
}

static struct secmap_predict_room *create_room(void)
{
	const struct secmap_ebpf of = {
		program.insns,
		program.len,
		program_tables(),
		PROGRAM_TABLES,
	};
	struct secmap_predict_room *room = secmap_predict_room_create(&of);

	if (!room)
		die("no memory");
	return room;
}

static void judge(u64 number)
{
	struct secmap_policy_info info = { .size = sizeof(info) };
	struct secmap_predict_room *room;

	program.number = number;
	seed_set(program.seed * 0xd1342543de82ef95ULL + number * 0xaf251af3b0f025b5ULL);
	while (!write_program(&info.policy_fd))
		;
	if (ioctl(device, SECMAP_IOC_POLICY_INFO, &info))
		die("POLICY_INFO");
	room = create_room();
	note_program(&info);
	judge_calls(info.policy_fd, room);
	if (counted())
		judge_prediction(&info, room);
	secmap_predict_room_free(room);
	close(info.policy_fd);
}

static void print_seen(void)
{
	u32 i, opcodes = 0;

	for (i = 0; i < ARRAY_SIZE(seen.opcodes); i++)
		opcodes += seen.opcodes[i];
	print("programs", seen.programs);
	print("calls", seen.calls);
	print("digest", seen.digest);
	print("instructions", seen.instructions);
	print("longest", seen.longest);
	print("run_instructions", seen.run_instructions);
	print("opcodes", opcodes);
	print("jumps", seen.jumps);
	print("with_helpers", seen.helpers);
	print("with_bpf_maps", seen.maps);
	print("with_stack", seen.stack);
	print("with_divisions", seen.divisions);
	print("with_orders", seen.orders);
	print("with_narrow_loads", seen.narrow);
	print("telling", seen.telling);
	print("broken", seen.broken);
	print("differing", seen.differing);
	print("different_answers", seen.different_answers);
	print("predicted", seen.predicted);
	print("counted", seen.counted);
	print("allowed", seen.allowed);
	print("refused", seen.refused);
}

int main(int argc, char **argv)
{
	u64 first, count, number;
	u32 i;

	if (argc != 4) {
		fprintf(stderr, "usage: programs SEED FIRST COUNT\n");
		return 2;
	}
	program.seed = strtoull(argv[1], NULL, 0);
	first = strtoull(argv[2], NULL, 0);
	count = strtoull(argv[3], NULL, 0);
	device = open(SECMAP_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0)
		die(SECMAP_DEVICE);
	for (i = 0; i < PROGRAM_TABLES; i++)
		fds[i] = i == TABLE_BPF ? create_map() : create_table(program_tables()[i]);
	for (number = first; number < first + count; number++)
		judge(number);
	print_seen();
	return 0;
}
