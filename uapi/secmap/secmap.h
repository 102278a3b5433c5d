/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * secmap: system-call filters as maps. The ioctls of /dev/secmap.
 *
 * Records. Every record starts with its own size, nested ones too; a nested
 * array is a sequence of such records, each as long as its size says. A record
 * may be longer than this header knows if the rest is zero, and shorter down to
 * the size that was published first. Padding must be zero. Outputs are the
 * members named out_*. All pointers are 64 bit wide on every ABI.
 *
 * Errors. One errno, one meaning:
 *
 *   ENOTTY      unknown ioctl number
 *   EINVAL      a record that is too short, or members that contradict each other
 *   E2BIG       a non-zero byte behind the part of a record that is known, a record
 *               above 4096 bytes, or an array above its limit
 *   EOPNOTSUPP  a known member with an unknown value (flag, kind, operator, ABI,
 *               action), or a kind that something cannot be done with (TIGHTEN)
 *   EFAULT      a pointer that cannot be read or written
 *   ENOENT      no object with such an id, or no such key in the table
 *   ESRCH       no such task, or it is exiting; or a thread cannot be synchronised (ATTACH)
 *   EACCES      no_new_privs is missing
 *   EPERM       not allowed
 *   EBADF       no such descriptor
 *   EBADFD      a descriptor of the wrong kind
 *   EEXIST      the same thing is named twice
 *   EXDEV       it would go beyond what was: calls may be permitted that were not (TIGHTEN)
 *   EBUSY       the stack has a listener already
 *   EAGAIN      the kernel is still being tested, or the task is just being
 *               created: try again
 *   ENOSPC      the stack of the task is full, there are too many objects, the keys of a
 *               table do not spread, or are too many for it (TABLE_UPDATE), or there is not
 *               enough room for an answer
 *   EINTR       a signal came (POLICY_TEST), or a fatal one
 *   EMFILE, ENFILE  no descriptor is left
 *   ENOSYS      this kernel cannot skip a system call: nothing can be enforced
 *   ENOMEM      no memory
 *
 * When two apply, the order is: ENOTTY, EFAULT of the size, EINVAL of the size,
 * EFAULT, E2BIG, EOPNOTSUPP of flags, then the record's own members, then descriptors,
 * then permission, then ids, then the state of the task. Who may not ask about an id does
 * not learn whether it exists. A refused ioctl has changed nothing.
 *
 * Arguments of an i386 call are 32 bits wide, zero-extended: the kernel takes no more of
 * them, whatever a 64-bit program that uses int 0x80 has in the upper halves.
 *
 * Programs of kind EBPF. A function of struct seccomp_data in a small part of eBPF, which
 * the module itself verifies and the kernel compiles: the same programs are taken, and
 * decide the same, on every kernel. Forward jumps only; no pointer arithmetic, no calls but
 * of the SECMAP_HELPER_* below, no store but to the program's own stack, where nothing is
 * read that was not written before. A program is handed over as struct bpf_insn
 * (linux/bpf.h). It names a table by LD_IMM64 with src_reg BPF_PSEUDO_MAP_IDX, an index into
 * the policy's tables as the immediate, and 0 in all other members. The low 32 bits of what
 * it returns are SECCOMP_RET_*; an unknown action kills, as in seccomp(2).
 *
 * A table of a program may also be a map of bpf(2): of type HASH, ARRAY or LPM_TRIE, its
 * keys and values 4 or 8 bytes long (LPM_TRIE: 4 or 8 bytes behind the prefix length), made
 * without BPF_F_WRONLY_PROG, by a descriptor that can be read. It is never written, and what
 * is changed in it holds from the next call on. A HASH that is deleted from and inserted
 * into at that moment may give the value of another key, as to every BPF program.
 *
 * What the mechanism cannot do. A filter sees numbers: what a pointer argument
 * points to can change after the check. Calls through the vsyscall page never
 * reach it; the vDSO makes no calls; io_uring works without calls (deny
 * io_uring_setup). A call that was already under way when a filter was attached
 * to its task from outside is not judged.
 */
#ifndef _UAPI_SECMAP_SECMAP_H
#define _UAPI_SECMAP_SECMAP_H

#include <linux/ioctl.h>
#include <linux/seccomp.h>
#include <linux/types.h>

#define SECMAP_DEVICE "/dev/secmap"

/* Raised when a record's meaning changes; growing a record does not count. */
#define SECMAP_ABI_VERSION 1

#define SECMAP_NAME_LEN	   32 /* with the terminating NUL */

/* System-call numbers that a policy can name: 0 ... SECMAP_NR_MAX - 1, in each
 * ABI. For x32 bit 30 is not part of the number.
 */
#define SECMAP_NR_MAX	1024
#define SECMAP_NR_WORDS 16 /* a bit for each, in __u64 */

/* ABIs. They belong to the call, not to the task. */
#define SECMAP_ABI_X86_64	   0
#define SECMAP_ABI_X32		   1
#define SECMAP_ABI_I386		   2
#define SECMAP_ABI_COUNT	   3

#define SECMAP_IOC_TYPE		   0xF5
#define SECMAP_IOC_INFO		   _IO(SECMAP_IOC_TYPE, 0)
#define SECMAP_IOC_TABLE_CREATE	   _IO(SECMAP_IOC_TYPE, 1)
#define SECMAP_IOC_POLICY_CREATE   _IO(SECMAP_IOC_TYPE, 2)
#define SECMAP_IOC_POLICY_BY_ID	   _IO(SECMAP_IOC_TYPE, 3)
#define SECMAP_IOC_POLICY_NEXT	   _IO(SECMAP_IOC_TYPE, 4)
#define SECMAP_IOC_POLICY_INFO	   _IO(SECMAP_IOC_TYPE, 5)
#define SECMAP_IOC_POLICY_TEST	   _IO(SECMAP_IOC_TYPE, 6)
#define SECMAP_IOC_ATTACH	   _IO(SECMAP_IOC_TYPE, 7)
#define SECMAP_IOC_DETACH	   _IO(SECMAP_IOC_TYPE, 8)
#define SECMAP_IOC_TASK_INFO	   _IO(SECMAP_IOC_TYPE, 9)
#define SECMAP_IOC_TASK_LIST	   _IO(SECMAP_IOC_TYPE, 10)
#define SECMAP_IOC_POLICY_FILTER   _IO(SECMAP_IOC_TYPE, 11)
#define SECMAP_IOC_POLICY_REPLACE  _IO(SECMAP_IOC_TYPE, 12)
#define SECMAP_IOC_POLICY_SEAL	   _IO(SECMAP_IOC_TYPE, 13)
#define SECMAP_IOC_RECORDER_CREATE _IO(SECMAP_IOC_TYPE, 14)
#define SECMAP_IOC_RECORDER_READ   _IO(SECMAP_IOC_TYPE, 15)
#define SECMAP_IOC_POLICY_COUNT	   _IO(SECMAP_IOC_TYPE, 16)
#define SECMAP_IOC_POLICY_STATS	   _IO(SECMAP_IOC_TYPE, 17)
#define SECMAP_IOC_ATTACH_LATER	   _IO(SECMAP_IOC_TYPE, 18)
#define SECMAP_IOC_TABLE_UPDATE	   _IO(SECMAP_IOC_TYPE, 19)
#define SECMAP_IOC_TABLE_SEAL	   _IO(SECMAP_IOC_TYPE, 20)
#define SECMAP_IOC_TABLE_BY_ID	   _IO(SECMAP_IOC_TYPE, 21)
#define SECMAP_IOC_TABLE_NEXT	   _IO(SECMAP_IOC_TYPE, 22)
#define SECMAP_IOC_TABLE_INFO	   _IO(SECMAP_IOC_TYPE, 23)
#define SECMAP_IOC_TABLE_READ	   _IO(SECMAP_IOC_TYPE, 24)

/* secmap_info.out_features */
#define SECMAP_FEATURE_MAPS	(1ULL << 0)  /* policies of this kind */
#define SECMAP_FEATURE_CBPF	(1ULL << 1)  /* policies of this kind */
#define SECMAP_FEATURE_TSYNC	(1ULL << 2)  /* SECMAP_ATTACH_TSYNC */
#define SECMAP_FEATURE_LISTENER (1ULL << 3)  /* SECMAP_ATTACH_NEW_LISTENER */
#define SECMAP_FEATURE_EBPF	(1ULL << 4)  /* policies of this kind, see out_ebpf */
#define SECMAP_FEATURE_REPLACE	(1ULL << 5)  /* POLICY_REPLACE, POLICY_SEAL */
#define SECMAP_FEATURE_TIGHTEN	(1ULL << 6)  /* SECMAP_REPLACE_TIGHTEN, SECMAP_NEXT_OWN */
#define SECMAP_FEATURE_RECORD	(1ULL << 7)  /* RECORDER_*, SECMAP_ATTACH_RECORD */
#define SECMAP_FEATURE_COMPLAIN (1ULL << 8)  /* SECMAP_ATTACH_COMPLAIN */
#define SECMAP_FEATURE_STATS	(1ULL << 9)  /* POLICY_COUNT, POLICY_STATS */
#define SECMAP_FEATURE_PHASE	(1ULL << 10) /* ATTACH_LATER */
#define SECMAP_FEATURE_UPDATE	(1ULL << 11) /* TABLE_*, but _CREATE */

/* secmap_info.out_ebpf: who may make policies of kind EBPF (the module parameter ebpf) */
#define SECMAP_EBPF_OFF	       0 /* nobody: EOPNOTSUPP */
#define SECMAP_EBPF_PRIVILEGED 1 /* CAP_SYS_ADMIN in the initial user namespace; else EPERM */
#define SECMAP_EBPF_ALL	       2 /* everybody, as of the other kinds */

/* secmap_info.out_selective: whether a task without a filter pays for the module */
#define SECMAP_SELECTIVE_OFF	     0 /* it does: the module parameter selective is off */
#define SECMAP_SELECTIVE_UNAVAILABLE 1 /* it does: on this kernel nobody who traces is noticed */
#define SECMAP_SELECTIVE_WAITS	     2 /* it does now: there are other probes, or our trial */
#define SECMAP_SELECTIVE_ON	     3 /* it does not */

/* secmap_info.out_actions: what ATTACH takes */
#define SECMAP_ACTION_KILL_PROCESS (1U << 0)
#define SECMAP_ACTION_KILL_THREAD  (1U << 1)
#define SECMAP_ACTION_TRAP	   (1U << 2)
#define SECMAP_ACTION_ERRNO	   (1U << 3)
#define SECMAP_ACTION_USER_NOTIF   (1U << 4)
#define SECMAP_ACTION_TRACE	   (1U << 5)
#define SECMAP_ACTION_LOG	   (1U << 6)
#define SECMAP_ACTION_ALLOW	   (1U << 7)

/* secmap_info.out_skip */
#define SECMAP_SKIP_UNKNOWN 0 /* not tested yet */
#define SECMAP_SKIP_WORKS   1 /* a call whose number is set to -1 does not run */
#define SECMAP_SKIP_BROKEN  2 /* it runs all the same: ATTACH refuses */

/**
 * struct secmap_info - what this module and this kernel can do
 * @size: sizeof(struct secmap_info)
 * @flags: 0
 * @out_abi_version: SECMAP_ABI_VERSION of the module
 * @out_errata: a bit for each mended fault of the ABI that a caller may have to know
 * @out_features: SECMAP_FEATURE_*
 * @out_actions: SECMAP_ACTION_*
 * @out_enosys_actions: those of @out_actions that only fail with ENOSYS: TRACE, for a module
 *	reaches no tracer, and so acts as seccomp(2) does when there is none
 * @out_skip: SECMAP_SKIP_*, found out by behaviour
 * @out_stack_max: policies a task can carry
 * @out_rules_max: rules in one ABI section of a policy
 * @out_conds_max: conditions in one rule
 * @out_cost_max: what judging one call may cost in a policy: 1 for a rule or a comparison,
 *	16 for a look-up in a table, 64 in a map of type LPM_TRIE. Of an EBPF program its
 *	dearest way counts: 1 for an instruction, 4 for a division, a modulo or a store
 * @out_stack_cost_max: the same, summed over a stack
 * @out_tables_max: tables that one policy can name
 * @out_bitmap_max: bits in a bitmap
 * @out_hash_max: entries in a hash map
 * @out_test_max: calls in one POLICY_TEST
 * @out_objects_max: policies, and tables, that can exist
 * @out_insns_max: instructions in one CBPF or EBPF policy
 * @out_stack_insns_max: those of CBPF policies, summed over a stack, with 4 more for each policy
 *	but the newest, counted as the kernel has translated them
 * @out_ebpf: SECMAP_EBPF_*
 * @out_selective: SECMAP_SELECTIVE_*
 * @out_pad: 0
 */
struct secmap_info {
	__u32 size;
	__u32 flags;
	__u32 out_abi_version;
	__u32 out_errata;
	__aligned_u64 out_features;
	__u32 out_actions;
	__u32 out_enosys_actions;
	__u32 out_skip;
	__u32 out_stack_max;
	__u32 out_rules_max;
	__u32 out_conds_max;
	__u32 out_cost_max;
	__u32 out_stack_cost_max;
	__u32 out_tables_max;
	__u32 out_bitmap_max;
	__u32 out_hash_max;
	__u32 out_test_max;
	__u32 out_objects_max;
	__u32 out_insns_max;
	__u32 out_stack_insns_max;
	__u32 out_ebpf;
	__u32 out_selective;
	__u32 out_pad;
};

/* secmap_table_create.type */
#define SECMAP_TABLE_BITMAP 0 /* keys 0 ... max_entries - 1, one bit each */
#define SECMAP_TABLE_HASH   1 /* u64 -> u64, up to max_entries keys */

/**
 * struct secmap_table_create - make a table with its contents
 * @size: sizeof(struct secmap_table_create)
 * @flags: 0
 * @type: SECMAP_TABLE_*
 * @max_entries: bits of a bitmap, or keys that a hash map can hold; at least 1
 * @count: number of keys at @keys
 * @pad: 0
 * @keys: pointer to @count __u64: the bits that are set, or the keys. A key given
 *	twice is EEXIST, a bit outside the bitmap is EINVAL
 * @values: pointer to @count __u64, the keys' values; 0: all values are 0. Must be 0
 *	for a bitmap
 * @name: NUL-terminated, of letters, digits and "_.-"; may be empty
 * @out_id: the table's id
 * @out_pad: 0
 *
 * Returns a descriptor, close-on-exec.
 */
struct secmap_table_create {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 max_entries;
	__u32 count;
	__u32 pad;
	__aligned_u64 keys;
	__aligned_u64 values;
	char name[SECMAP_NAME_LEN];
	__u32 out_id;
	__u32 out_pad;
};

/* secmap_table_update.flags: what is not at @keys is not in the table any more */
#define SECMAP_UPDATE_WHOLE (1U << 0)

/**
 * struct secmap_table_update - change what is in a table, in all policies that look into it
 * @size: sizeof(struct secmap_table_update)
 * @flags: SECMAP_UPDATE_WHOLE
 * @table_fd: the table
 * @remove_count: number of keys at @remove; 0 with SECMAP_UPDATE_WHOLE
 * @count: number of keys at @keys
 * @log_size: bytes at @log; 0: no text wanted
 * @remove: pointer to __u64: bits to clear, or keys to remove; ENOENT if one is not there
 * @keys: pointer to __u64: bits to set, or keys to be there, whether they are there or not.
 *	EEXIST: a key twice, also in @remove and in @keys; EINVAL: a bit outside of the bitmap
 * @values: pointer to @count __u64, the keys' values, also of those that are there; 0: all values
 *	are 0. Must be 0 for a bitmap
 * @log: where a NUL-terminated text goes that says why it was refused
 * @out_entries: bits that are set, or keys that are there, now
 * @out_policies: policies that look into it
 * @out_tasks: tasks for which something else holds, as POLICY_REPLACE has it
 * @out_stacks: stacks that were built for it
 *
 * All of it, or nothing; for all tasks, or none. Each call is decided by what was in the table, or
 * by what is, never by both, however often its policies look into it, and waits for neither; one
 * that begins after this ioctl has returned, by what is. Nothing else changes of what a task
 * carries, and nothing of what the policies cost. ENOSPC: more keys than max_entries.
 *
 * EPERM: the table is sealed, or a policy that looks into it. A table that no policy looks into may
 * be changed by who made it (the effective user id), unless he is filtered himself. Otherwise it
 * needs what DETACH needs: CAP_SYS_ADMIN in the initial user namespace, of the caller and of the
 * opener of the device, and a caller that is not filtered himself. EINTR: a fatal signal. What is
 * built is charged to the caller's cgroup.
 */
struct secmap_table_update {
	__u32 size;
	__u32 flags;
	__s32 table_fd;
	__u32 remove_count;
	__u32 count;
	__u32 log_size;
	__aligned_u64 remove;
	__aligned_u64 keys;
	__aligned_u64 values;
	__aligned_u64 log;
	__u32 out_entries;
	__u32 out_policies;
	__u32 out_tasks;
	__u32 out_stacks;
};

/**
 * struct secmap_table_seal - from now on a table is not changed
 * @size: sizeof(struct secmap_table_seal)
 * @flags: 0
 * @table_fd: the table
 * @pad: 0
 *
 * For good. Permission as for POLICY_SEAL. A policy that looks into it can be replaced.
 */
struct secmap_table_seal {
	__u32 size;
	__u32 flags;
	__s32 table_fd;
	__u32 pad;
};

/**
 * struct secmap_table_by_id - open a table by its id
 * @size: sizeof(struct secmap_table_by_id)
 * @flags: 0
 * @id: the id
 * @pad: 0
 *
 * Needs CAP_SYS_ADMIN in the initial user namespace. Returns a descriptor.
 */
struct secmap_table_by_id {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 pad;
};

/**
 * struct secmap_table_next - the ids of all tables, one after the other
 * @size: sizeof(struct secmap_table_next)
 * @flags: 0
 * @id: an id, or 0 to begin
 * @out_id: the smallest id above @id; ENOENT if there is none
 *
 * Needs CAP_SYS_ADMIN in the initial user namespace.
 */
struct secmap_table_next {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 out_id;
};

/**
 * struct secmap_table_info - what a table is
 * @size: sizeof(struct secmap_table_info)
 * @flags: 0
 * @table_fd: a table
 * @out_type: SECMAP_TABLE_*
 * @out_id: its id
 * @out_max_entries: bits, or keys, that there is room for
 * @out_count: bits that are set, or keys that are there
 * @out_policies: policies that look into it
 * @out_sealed: 1 after TABLE_SEAL, else 0
 * @out_uid: who made it, in the caller's user namespace
 * @out_bytes: memory
 * @out_name: its name
 */
struct secmap_table_info {
	__u32 size;
	__u32 flags;
	__s32 table_fd;
	__u32 out_type;
	__u32 out_id;
	__u32 out_max_entries;
	__u32 out_count;
	__u32 out_policies;
	__u32 out_sealed;
	__u32 out_uid;
	__aligned_u64 out_bytes;
	char out_name[SECMAP_NAME_LEN];
};

/**
 * struct secmap_table_read - what is in a table, at one moment
 * @size: sizeof(struct secmap_table_read)
 * @flags: 0
 * @table_fd: a table
 * @count: room at @keys, and at @values
 * @keys: pointer to __u64, written: bits that are set, or keys, in no order; as many as fit
 * @values: pointer to __u64, written: their values; or 0
 * @out_count: how many there are
 * @out_pad: 0
 */
struct secmap_table_read {
	__u32 size;
	__u32 flags;
	__s32 table_fd;
	__u32 count;
	__aligned_u64 keys;
	__aligned_u64 values;
	__u32 out_count;
	__u32 out_pad;
};

/* secmap_cond.op. All comparisons are unsigned. */
#define SECMAP_OP_EQ	    0
#define SECMAP_OP_NE	    1
#define SECMAP_OP_LT	    2
#define SECMAP_OP_LE	    3
#define SECMAP_OP_GT	    4
#define SECMAP_OP_GE	    5
#define SECMAP_OP_MASKED_EQ 6 /* (argument & mask) == (value & mask) */
#define SECMAP_OP_IN	    7 /* (argument & mask) is in the table */
#define SECMAP_OP_NOT_IN    8 /* it is not */
#define SECMAP_OP_COUNT	    9

/**
 * struct secmap_cond - one condition on one argument
 * @size: sizeof(struct secmap_cond)
 * @arg: which argument, 0 ... 5
 * @op: SECMAP_OP_*
 * @width: 32 or 64: how many low bits of the argument are looked at
 * @pad: 0
 * @table: IN, NOT_IN: index into the policy's tables; otherwise 0
 * @pad2: 0
 * @value: what the argument is compared with; IN, NOT_IN: 0. With @width 32 it
 *	must fit in 32 bits
 * @mask: MASKED_EQ, IN, NOT_IN: applied to the argument (MASKED_EQ: to @value
 *	too); otherwise 0. With @width 32 it must fit in 32 bits
 */
struct secmap_cond {
	__u32 size;
	__u8 arg;
	__u8 op;
	__u8 width;
	__u8 pad;
	__u32 table;
	__u32 pad2;
	__aligned_u64 value;
	__aligned_u64 mask;
};

/**
 * struct secmap_rule - what to do with one number when all conditions hold
 * @size: sizeof(struct secmap_rule)
 * @nr: number of the system call, below SECMAP_NR_MAX
 * @action: SECCOMP_RET_* with its data
 * @cond_count: how many of the section's conditions are this rule's; they follow
 *	those of the rule before it. 0: the rule always holds, and must be the last
 *	one of its number
 */
struct secmap_rule {
	__u32 size;
	__u32 nr;
	__u32 action;
	__u32 cond_count;
};

/* secmap_abi.newer_from: no number is newer */
#define SECMAP_NEWER_NONE 0xffffffffU

/**
 * struct secmap_abi - what a policy says about one ABI
 * @size: sizeof(struct secmap_abi)
 * @abi: SECMAP_ABI_*
 * @default_action: for numbers that are neither in @allow nor have a rule that holds
 * @newer_from: numbers from here on that are not in @allow and have no rule get
 *	@newer_action instead (runc answers ENOSYS there); SECMAP_NEWER_NONE: none.
 *	Compared unsigned, and -1 is never newer
 * @newer_action: see @newer_from; 0 when there is none
 * @allow_words: number of __u64 at @allow, at most SECMAP_NR_MAX / 64
 * @rule_count: number of records at @rules
 * @cond_count: number of records at @conds: the sum of the rules' counts
 * @allow: pointer to __u64 words: bit (nr % 64) of word nr / 64 set: @nr is allowed
 *	whatever its arguments are. A number with this bit must not have a rule
 * @rules: pointer to struct secmap_rule records, sorted by number; among those of
 *	one number the first whose conditions all hold decides
 * @conds: pointer to struct secmap_cond records
 */
struct secmap_abi {
	__u32 size;
	__u32 abi;
	__u32 default_action;
	__u32 newer_from;
	__u32 newer_action;
	__u32 allow_words;
	__u32 rule_count;
	__u32 cond_count;
	__aligned_u64 allow;
	__aligned_u64 rules;
	__aligned_u64 conds;
};

/* secmap_policy_create.kind */
#define SECMAP_POLICY_MAPS 0 /* ABI sections */
#define SECMAP_POLICY_CBPF 1 /* a classic BPF program, as seccomp(2) takes it */
#define SECMAP_POLICY_EBPF 2 /* an eBPF program, see the top of this file */

/*
 * What an EBPF program can call, by the immediate of BPF_CALL (src_reg 0). r1 is a table;
 * r1 to r5 are gone afterwards, r0 is a number.
 *
 * TEST_BIT: is bit r2 set in bitmap r1? 1 or 0; 0 for bits outside of it.
 * LOOKUP: the value of key r2 in r1, a hash map or a map of bpf(2); r3 if the key is not
 *	there. A key or index above 32 bits is not there if keys are 4 bytes long. In an
 *	LPM_TRIE the longest prefix of all of r2 decides: its bytes, the first one first,
 *	are those of r2 in memory, the lowest four if data are 4 bytes long.
 */
#define SECMAP_HELPER_TEST_BIT 1
#define SECMAP_HELPER_LOOKUP   2

/**
 * struct secmap_policy_create - make a policy
 * @size: sizeof(struct secmap_policy_create)
 * @flags: 0
 * @kind: SECMAP_POLICY_*
 * @foreign_action: MAPS: for calls of an ABI that has no section
 * @abi_count: MAPS: number of records at @abis, 1 ... SECMAP_ABI_COUNT
 * @table_count: MAPS, EBPF: number of descriptors at @tables
 * @log_size: bytes at @log; 0: no text wanted
 * @filter_len: CBPF, EBPF: number of instructions at @filter, 1 ...
 *	secmap_info.out_insns_max; an LD_IMM64 counts as two
 * @abis: MAPS: pointer to struct secmap_abi records, each ABI at most once
 * @tables: MAPS, EBPF: pointer to __s32 descriptors of tables; EBPF: or of maps of bpf(2),
 *	EBADFD if they are of another shape than at the top of this file
 * @filter: CBPF: pointer to struct sock_filter instructions; EBPF: to struct bpf_insn
 * @log: where a NUL-terminated text goes that says why the policy was refused
 * @name: as for tables
 * @out_id: the policy's id
 * @out_pad: 0
 *
 * Members of another kind are 0. MAPS: every defined SECCOMP_RET_* action is taken. The data
 * of ERRNO may not be 512 ... 516 (the kernel restarts calls with these); above 4095 it acts
 * as 4095. CBPF: what seccomp(2) takes is taken, and acts in the same way. EBPF: who may is
 * secmap_info.out_ebpf; EPERM is told before the program is looked at, but after the
 * descriptors. E2BIG: its dearest way costs more than secmap_info.out_cost_max. Returns a
 * descriptor, close-on-exec.
 */
struct secmap_policy_create {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 foreign_action;
	__u32 abi_count;
	__u32 table_count;
	__u32 log_size;
	__u32 filter_len;
	__aligned_u64 abis;
	__aligned_u64 tables;
	__aligned_u64 filter;
	__aligned_u64 log;
	char name[SECMAP_NAME_LEN];
	__u32 out_id;
	__u32 out_pad;
};

/**
 * struct secmap_policy_by_id - open a policy by its id
 * @size: sizeof(struct secmap_policy_by_id)
 * @flags: 0
 * @id: the id
 * @pad: 0
 *
 * Needs CAP_SYS_ADMIN in the initial user namespace, or that it is the caller's own, see
 * SECMAP_NEXT_OWN. Returns a descriptor.
 */
struct secmap_policy_by_id {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 pad;
};

/*
 * secmap_policy_next.flags: only the caller's own ones, for which no privileges are needed: those
 * that he made (the effective user and group id), that somebody carries, and that were never lent,
 * see SECMAP_REPLACE_TIGHTEN. The caller must be in the initial user and pid namespaces, and not
 * filtered himself; for others there is none.
 */
#define SECMAP_NEXT_OWN (1U << 0)

/**
 * struct secmap_policy_next - the ids of all policies, one after the other
 * @size: sizeof(struct secmap_policy_next)
 * @flags: SECMAP_NEXT_OWN
 * @id: an id, or 0 to begin
 * @out_id: the smallest id above @id; ENOENT if there is none
 *
 * Needs CAP_SYS_ADMIN in the initial user namespace, unless with SECMAP_NEXT_OWN.
 */
struct secmap_policy_next {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 out_id;
};

/**
 * struct secmap_policy_info - what a policy is
 * @size: sizeof(struct secmap_policy_info)
 * @flags: 0
 * @policy_fd: a policy
 * @out_kind: SECMAP_POLICY_*
 * @out_id: its id
 * @out_foreign_action: for ABIs without a section
 * @out_abis: a bit (1 << SECMAP_ABI_*) for each section
 * @out_table_count: tables it names
 * @out_allow_count: per ABI, numbers that are allowed whatever the arguments
 * @out_rule_count: per ABI, rules
 * @out_cond_count: per ABI, conditions
 * @out_default_action: per ABI
 * @out_actions: SECMAP_ACTION_* that it can answer with
 * @out_cost: what judging one call may cost, see secmap_info.out_cost_max
 * @out_stacks: stacks that hold it, at this moment
 * @out_uid: who made it, in the caller's user namespace
 * @out_bytes: memory, without tables
 * @out_filter_len: CBPF, EBPF: instructions, as they were handed over; see POLICY_FILTER
 * @out_insns: CBPF, EBPF: instructions, as the kernel runs them
 * @out_name: its name
 * @out_sealed: 1 after POLICY_SEAL, else 0
 * @out_counted: 1 while it is counted, see POLICY_COUNT; else 0
 * @count: room at @tables
 * @pad: 0
 * @tables: pointer to __u32, written: ids of its tables, as many as fit; 0: a map of bpf(2)
 *
 * CBPF, EBPF: only the kind, the id, the tables, the allowed numbers (as far as they can be
 * told without running the program), and what follows @out_actions are there; all actions
 * count, and only EBPF has a cost.
 */
struct secmap_policy_info {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__u32 out_kind;
	__u32 out_id;
	__u32 out_foreign_action;
	__u32 out_abis;
	__u32 out_table_count;
	__u32 out_allow_count[SECMAP_ABI_COUNT];
	__u32 out_rule_count[SECMAP_ABI_COUNT];
	__u32 out_cond_count[SECMAP_ABI_COUNT];
	__u32 out_default_action[SECMAP_ABI_COUNT];
	__u32 out_actions;
	__u32 out_cost;
	__u32 out_stacks;
	__u32 out_uid;
	__aligned_u64 out_bytes;
	__u32 out_filter_len;
	__u32 out_insns;
	char out_name[SECMAP_NAME_LEN];
	__u32 out_sealed;
	__u32 out_counted;
	__u32 count;
	__u32 pad;
	__aligned_u64 tables;
};

/**
 * struct secmap_policy_filter - read the program of a CBPF or EBPF policy back
 * @size: sizeof(struct secmap_policy_filter)
 * @flags: 0
 * @policy_fd: a policy; EINVAL if it is of another kind
 * @count: room at @filter, in instructions
 * @filter: pointer to struct sock_filter or struct bpf_insn, as they were handed over (both
 *	are 8 bytes long), written: as many as fit
 * @out_count: how many there are
 * @out_pad: 0
 */
struct secmap_policy_filter {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__u32 count;
	__aligned_u64 filter;
	__u32 out_count;
	__u32 out_pad;
};

/* secmap_verdict.rule: an index into the section's rules, or one of these */
#define SECMAP_RULE_ALLOW   0xffffffffU /* the number is in the bitmap */
#define SECMAP_RULE_DEFAULT 0xfffffffeU /* default_action */
#define SECMAP_RULE_NEWER   0xfffffffdU /* newer_action */
#define SECMAP_RULE_FOREIGN 0xfffffffcU /* foreign_action */
#define SECMAP_RULE_PROGRAM 0xfffffffbU /* the policy is a program */

/**
 * struct secmap_verdict - what a policy answers
 * @action: SECCOMP_RET_* with its data
 * @rule: what decided, SECMAP_RULE_* or the index of a rule
 */
struct secmap_verdict {
	__u32 action;
	__u32 rule;
};

/**
 * struct secmap_policy_test - ask a policy about calls without making them
 * @size: sizeof(struct secmap_policy_test)
 * @flags: 0
 * @policy_fd: the policy
 * @count: number of calls, at most secmap_info.out_test_max
 * @repeat: how often each call is judged, for measurements; 0 counts as 1, at most
 *	1000000. The call can be interrupted: EINTR
 * @pad: 0
 * @calls: pointer to @count struct seccomp_data
 * @verdicts: pointer to @count struct secmap_verdict, written
 */
struct secmap_policy_test {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__u32 count;
	__u32 repeat;
	__u32 pad;
	__aligned_u64 calls;
	__aligned_u64 verdicts;
};

/*
 * secmap_policy_replace.flags: only if the one that comes tightens the other: for every call its
 * verdict is at least as strict, in seccomp(2)'s order of actions, so that on top of the other one
 * it would decide just what it decides alone; and nothing is asked about (USER_NOTIF) that failed
 * by TRACE. EXDEV: the module could not show that; it does not find out in every case where it is
 * so. EOPNOTSUPP: one of them is a program.
 *
 * Needs to be who made both policies (the effective user and group id), and that @policy_fd was
 * never lent: EPERM. It is lent when it is attached by anybody but its maker's tasks to themselves,
 * or without no_new_privs, or by a task that has a capability, of which a real, effective or saved
 * id is not its maker's, or that is not dumpable (PR_SET_DUMPABLE); and when it comes in the place
 * of one that is lent, or that somebody else made. So who has no privileges denies nothing to a
 * task of others, and to none that has more privileges than he. Or needs CAP_SYS_ADMIN in the
 * initial user namespace, of the caller and of the opener of the device. In both cases a caller
 * that is not filtered himself.
 *
 * Who is no administrator cannot exceed the limits of a stack by it, nor replace it in more than
 * 4096 stacks: ENOSPC. EAGAIN: too many stacks came while the others were built.
 */
#define SECMAP_REPLACE_TIGHTEN (1U << 0)

/**
 * struct secmap_policy_replace - put a policy in another's place, wherever that is carried
 * @size: sizeof(struct secmap_policy_replace)
 * @flags: SECMAP_REPLACE_TIGHTEN
 * @policy_fd: the policy that is carried
 * @by_fd: the one that comes in its place; of any kind; EEXIST if it is the same
 * @out_tasks: tasks that carry it now instead, without those that were just being created or
 *	looked at
 * @out_stacks: stacks that were built for it, also for tasks that have ended meanwhile
 * @log_size: bytes at @log; 0: no text wanted
 * @pad: 0
 * @log: where a NUL-terminated text goes that says why it was refused: for EPERM, EOPNOTSUPP and
 *	EXDEV. The last one's begins with an ABI ("x86_64", "x32" or "i386"), " number ", the number
 *	and ": ", or with "other ABIs: "
 *
 * All tasks, or none. Each call is decided by the one or the other, never by both, and waits
 * for neither; one that begins after this ioctl has returned, by the new one. What a task
 * carries beside it, the order, the listener and the flags of its ATTACH stay. The policy
 * itself does not change: who holds it may still attach it.
 *
 * A stack may exceed secmap_info.out_stack_cost_max and out_stack_insns_max by the new policy
 * then, or exceed them by that more if it does already; ENOSPC: it would by more, since the
 * policy is in it several times. EPERM: @policy_fd is
 * sealed. EINTR: a fatal signal. The new stacks are charged to the caller's cgroup.
 *
 * Without TIGHTEN it needs what DETACH needs: CAP_SYS_ADMIN in the initial user namespace, of the
 * caller and of the opener of the device, and a caller that is not filtered himself.
 */
struct secmap_policy_replace {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__s32 by_fd;
	__u32 out_tasks;
	__u32 out_stacks;
	__u32 log_size;
	__u32 pad;
	__aligned_u64 log;
};

/**
 * struct secmap_policy_seal - from now on a policy is not replaced
 * @size: sizeof(struct secmap_policy_seal)
 * @flags: 0
 * @policy_fd: the policy
 * @pad: 0
 *
 * For good. It can still be attached, and taken off by DETACH. Needs to be who made it, and the
 * tables that it looks into, for these cannot be changed any more either (the effective user id);
 * or CAP_SYS_ADMIN in the initial user namespace, of the caller and of the opener of the device;
 * and a caller that is not filtered himself.
 */
struct secmap_policy_seal {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__u32 pad;
};

/**
 * struct secmap_policy_count - count what a policy says of calls, or do so no more
 * @size: sizeof(struct secmap_policy_count)
 * @flags: 0
 * @policy_fd: the policy
 * @on: 1: count from now on; 0: no more
 * @out_tasks: tasks that carry it, as POLICY_REPLACE has it; 0 if nothing has changed
 * @out_stacks: stacks that were built for it
 *
 * Off at first. Each call of a task that carries the policy, and that begins after this ioctl
 * has returned, is counted once: by what this policy says of it, also where a stricter one
 * decides, and however often it is in the task's stack. A call that is made again (the kernel
 * restarts it, or a supervisor says CONTINUE) is counted again; POLICY_TEST, and what the
 * kernel's trampolines call, are not. No decision changes. While a policy is counted all calls
 * of those who carry it are judged, the plainly allowed ones too, which costs them time; while
 * it is not, counting costs nothing. What was counted stays while the policy lives.
 *
 * A sealed policy can be counted. EINTR: a fatal signal. The memory, for each processor, is
 * charged to the caller's cgroup.
 *
 * Needs to be who made the policy (the effective user id), or CAP_SYS_ADMIN in the initial user
 * namespace, of the caller and of the opener of the device. For who is no administrator ENOSPC and
 * EAGAIN are as of a tightening.
 */
struct secmap_policy_count {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__u32 on;
	__u32 out_tasks;
	__u32 out_stacks;
};

/* secmap_count.nr: the calls were of several numbers */
#define SECMAP_NR_NONE 0xffffffffU

/**
 * struct secmap_count - how often a policy has said something
 * @abi: SECMAP_ABI_* of the calls
 * @nr: the number that the rule is about; SECMAP_NR_NONE where @rule is none
 * @rule: what decided, as in struct secmap_verdict
 * @action: SECCOMP_RET_* with its data. Where the policy is a program, without: each action is
 *	counted for itself, an unknown one as KILL_PROCESS, which it acts as
 * @count: so many calls, above 0
 */
struct secmap_count {
	__u32 abi;
	__u32 nr;
	__u32 rule;
	__u32 action;
	__aligned_u64 count;
};

/**
 * struct secmap_policy_stats - read what was counted
 * @size: sizeof(struct secmap_policy_stats)
 * @flags: 0
 * @policy_fd: a policy
 * @count: room at @counts
 * @counts: pointer to struct secmap_count, written: as many as fit; by ABI, and what is no rule
 *	first
 * @out_count: how many there are, those that do not fit too
 * @out_on: whether the policy is counted
 *
 * While calls are made they are counted: two counters are not of one moment. Permission as for
 * POLICY_COUNT.
 */
struct secmap_policy_stats {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__u32 count;
	__aligned_u64 counts;
	__u32 out_count;
	__u32 out_on;
};

/* secmap_attach.flags; where seccomp(2) has the same flag it is the same bit */
#define SECMAP_ATTACH_TSYNC		 (1U << 0)  /* all threads of the process, or none */
#define SECMAP_ATTACH_LOG		 (1U << 1)  /* log every verdict of this policy but ALLOW */
#define SECMAP_ATTACH_SPEC_ALLOW	 (1U << 2)  /* taken; there is nothing to leave out */
#define SECMAP_ATTACH_NEW_LISTENER	 (1U << 3)  /* return a listener for USER_NOTIF */
#define SECMAP_ATTACH_TSYNC_ESRCH	 (1U << 4)  /* TSYNC fails with ESRCH, not with a tid */
#define SECMAP_ATTACH_WAIT_KILLABLE_RECV (1U << 5)  /* received: only a fatal signal interrupts */
#define SECMAP_ATTACH_FILTER		 (1U << 16) /* make the policy of @filter */
#define SECMAP_ATTACH_STRICT		 (1U << 17) /* what SECCOMP_MODE_STRICT does */
#define SECMAP_ATTACH_COMPLAIN		 (1U << 18) /* the policy denies nothing */
#define SECMAP_ATTACH_RECORD		 (1U << 19) /* record calls in @record_fd */

/**
 * struct secmap_attach - put a policy on top of a task's stack
 * @size: sizeof(struct secmap_attach)
 * @flags: SECMAP_ATTACH_*
 * @policy_fd: the policy; -1 with SECMAP_ATTACH_FILTER, with SECMAP_ATTACH_STRICT, and with
 *	SECMAP_ATTACH_RECORD without SECMAP_ATTACH_COMPLAIN
 * @pid: 0: the calling thread, which needs no_new_privs or CAP_SYS_ADMIN in its user
 *	namespace; otherwise the thread with this id, which needs CAP_SYS_ADMIN in the
 *	initial user namespace, of the caller and of the opener of the device
 * @filter_len: with SECMAP_ATTACH_FILTER: number of instructions at @filter; otherwise 0
 * @record_fd: with SECMAP_ATTACH_RECORD: a recorder; otherwise 0
 * @filter: with SECMAP_ATTACH_FILTER: pointer to struct sock_filter instructions, of which a
 *	CBPF policy without a name is made; otherwise 0. For callers that have no descriptor
 *	to spare, or cannot close it afterwards
 * @out_depth: policies that the task now carries
 * @out_pad: 0
 *
 * It holds for the task, and for those that it creates from then on, over exec too.
 *
 * TSYNC is for the calling thread's process (@pid 0). Every thread whose stack is the caller's
 * or a lower part of it gets the caller's new stack, and no_new_privs if the caller has it. If
 * another thread carries something else nothing changes, and the call returns that thread's id
 * in the caller's pid namespace, a positive number; ESRCH with TSYNC_ESRCH, or if it has none.
 *
 * NEW_LISTENER returns a descriptor, close-on-exec, that takes the ioctls of
 * seccomp_unotify(2) with their records: SECCOMP_IOCTL_NOTIF_RECV, _SEND, _ID_VALID and _ADDFD
 * (less SECCOMP_ADDFD_FLAG_SETFD: EOPNOTSUPP), and poll(2). A stack has one listener at most:
 * EBUSY. EINVAL: TSYNC with NEW_LISTENER and without TSYNC_ESRCH, or WAIT_KILLABLE_RECV
 * without NEW_LISTENER. A call that is answered with SECCOMP_USER_NOTIF_FLAG_CONTINUE is made
 * again, and then runs: stock seccomp and tracers see it twice.
 *
 * STRICT, alone, is for who carries nothing (else EINVAL), and needs no no_new_privs: read,
 * write, exit and the return from a signal handler are left, all else ends the thread with
 * SIGKILL.
 *
 * TRACE fails with ENOSYS, as if there were no tracer.
 *
 * RECORD without COMPLAIN puts a policy there that allows everything (out_policy_id of
 * RECORDER_CREATE), and has each call recorded, at its entry, whatever the other policies say of
 * it. COMPLAIN: what the policy says is never enforced; other verdicts of it than ALLOW are told to
 * watchers, and with LOG go into the audit log, if no enforced policy says other than ALLOW. With
 * RECORD those calls are recorded, and no others, whoever else denies them. EINVAL: COMPLAIN with
 * NEW_LISTENER. While a task carries such a policy each of its calls is looked at: no other task's
 * are.
 */
struct secmap_attach {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__s32 pid;
	__u32 filter_len;
	__s32 record_fd;
	__aligned_u64 filter;
	__u32 out_depth;
	__u32 out_pad;
};

/**
 * struct secmap_number - a system call
 * @abi: SECMAP_ABI_*
 * @nr: its number, below SECMAP_NR_MAX
 */
struct secmap_number {
	__u32 abi;
	__u32 nr;
};

/* secmap_attach_later.flags: these, and SECMAP_ATTACH_LOG */
#define SECMAP_ATTACH_MADE (1U << 20) /* whatever the call returned */

/**
 * struct secmap_attach_later - attach a policy that holds from a call on
 * @size: sizeof(struct secmap_attach_later)
 * @flags: SECMAP_ATTACH_LOG, SECMAP_ATTACH_MADE
 * @policy_fd: the policy
 * @pid: as of ATTACH, with the same permissions
 * @count: number of records at @calls, 1 ... 256
 * @pad: 0
 * @calls: pointer to struct secmap_number: one of these has to succeed, or, with
 *	SECMAP_ATTACH_MADE, to have been made; EEXIST: the same one twice
 * @out_depth: policies that the task now carries
 * @out_pad: 0
 *
 * The policy goes on top of the task's stack, with its cost, and for DETACH, POLICY_REPLACE and
 * all else as any other one; but it is not asked. When the task returns from one of the calls, to
 * its next instruction in user mode, the policy is in force, for good. A call that is denied
 * has not been made; one that a signal interrupts has failed, and where the kernel makes it again
 * that is another call; but what it goes on with by restart_syscall(2) has succeeded. So has what
 * says ENOSYS: what is still under way when a tracer stops it does.
 *
 * Each thread has its own phases: a child begins with those of its parent at that moment, and
 * goes on by itself. If there is no memory for the stack with the policy in force the process is
 * killed.
 */
struct secmap_attach_later {
	__u32 size;
	__u32 flags;
	__s32 policy_fd;
	__s32 pid;
	__u32 count;
	__u32 pad;
	__aligned_u64 calls;
	__u32 out_depth;
	__u32 out_pad;
};

/**
 * struct secmap_detach - take policies off a task's stack
 * @size: sizeof(struct secmap_detach)
 * @flags: 0
 * @pid: the thread; 0: the calling one
 * @policy_id: which policy (its newest place in the stack); 0: all
 * @out_depth: policies that the task still carries
 * @out_pad: 0
 *
 * Needs CAP_SYS_ADMIN in the initial user namespace, of the caller and of the opener
 * of the device; and the caller must not be filtered himself: a filter does not let its
 * own task take it off. ENOENT: the task does not carry it.
 */
struct secmap_detach {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 policy_id;
	__u32 out_depth;
	__u32 out_pad;
};

/**
 * struct secmap_task_info - what a task carries
 * @size: sizeof(struct secmap_task_info)
 * @flags: 0
 * @pid: the thread; 0: the calling one
 * @count: room at @ids
 * @ids: pointer to __u32: policy ids, oldest first, as many as fit
 * @out_depth: policies that the task carries, 0 if it is not filtered
 * @out_pad: 0
 * @out_waiting: those that are not in force yet, see ATTACH_LATER: bit n is the one at @ids[n]
 *
 * Another task: needs CAP_SYS_ADMIN in the initial user namespace.
 */
struct secmap_task_info {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 count;
	__aligned_u64 ids;
	__u32 out_depth;
	__u32 out_pad;
	__aligned_u64 out_waiting;
};

/**
 * struct secmap_task - a filtered task in a list
 * @tid: thread id in the caller's pid namespace, 0 if it has none there
 * @tgid: its process
 * @depth: policies that it carries
 * @top_id: id of the newest of them
 */
struct secmap_task {
	__s32 tid;
	__s32 tgid;
	__u32 depth;
	__u32 top_id;
};

/**
 * struct secmap_task_list - the filtered tasks
 * @size: sizeof(struct secmap_task_list)
 * @flags: 0
 * @count: room at @tasks, at least 1
 * @out_count: how many were written; 0: the end
 * @cursor: 0 to begin; read back: where the next call goes on
 * @tasks: pointer to struct secmap_task
 *
 * A task that is there from the first to the last call is listed once; others may be.
 * ENOSPC: more tasks have to be listed together than fit; 256 nearly always do.
 * Needs CAP_SYS_ADMIN in the initial user namespace.
 */
struct secmap_task_list {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 out_count;
	__aligned_u64 cursor;
	__aligned_u64 tasks;
};

/**
 * struct secmap_recorder_set - a call whose arguments are to be recorded
 * @size: sizeof(struct secmap_recorder_set)
 * @abi: SECMAP_ABI_*
 * @nr: its number, below SECMAP_NR_MAX
 * @args: which arguments, a bit (1 << 0 ... 5) each, at least one. They are recorded together, as
 *	they stand in the registers
 */
struct secmap_recorder_set {
	__u32 size;
	__u32 abi;
	__u32 nr;
	__u32 args;
};

/**
 * struct secmap_recorder_create - make a recorder: what SECMAP_ATTACH_RECORD records in
 * @size: sizeof(struct secmap_recorder_create)
 * @flags: 0
 * @set_count: number of records at @sets, at most 256
 * @pad: 0
 * @sets: pointer to struct secmap_recorder_set records; EEXIST: the same call twice
 * @out_policy_id: id of the policy that is carried with it: for DETACH
 * @out_values_max: different arguments of a call that there is room for
 *
 * Returns a descriptor, close-on-exec. All memory is taken now, so that nothing can be lost for
 * want of it. Any number of tasks may be recorded in one, those that they create as well. It lasts
 * as long as its descriptor, or a task that carries it.
 */
struct secmap_recorder_create {
	__u32 size;
	__u32 flags;
	__u32 set_count;
	__u32 pad;
	__aligned_u64 sets;
	__u32 out_policy_id;
	__u32 out_values_max;
};

/* secmap_recorder_read.flags */
#define SECMAP_RECORDER_WAIT (1U << 0) /* for calls that are at their entry: they are there then */

/* secmap_recorder_read.set: none is to be read */
#define SECMAP_RECORDER_NO_SET 0xffffffffU

/**
 * struct secmap_recorder_read - what has been recorded up to now; it stays there
 * @size: sizeof(struct secmap_recorder_read)
 * @flags: SECMAP_RECORDER_*
 * @recorder_fd: a recorder
 * @set: index of a set of RECORDER_CREATE; EINVAL: there is none; or SECMAP_RECORDER_NO_SET
 * @values: pointer to __u64, written: of each entry of the set its arguments, in their order;
 *	0 with SECMAP_RECORDER_NO_SET
 * @count: room at @values, in entries; as many as fit
 * @out_count: how many there are. One may be there twice, if two processors recorded it at once
 * @out_overflow: 1: there were more than out_values_max of RECORDER_CREATE, which are lost
 * @out_other: 1: a call with a number from SECMAP_NR_MAX on was made, or one of another ABI
 * @out_calls: by ABI: bit (nr % 64) of word nr / 64 set: the call was made
 */
struct secmap_recorder_read {
	__u32 size;
	__u32 flags;
	__s32 recorder_fd;
	__u32 set;
	__aligned_u64 values;
	__u32 count;
	__u32 out_count;
	__u32 out_overflow;
	__u32 out_other;
	__aligned_u64 out_calls[SECMAP_ABI_COUNT][SECMAP_NR_WORDS];
};

#endif /* _UAPI_SECMAP_SECMAP_H */
