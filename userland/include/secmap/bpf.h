/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What a filter in C includes: the call that it judges, the tables that it asks, the values
 * that it may return. docs/ebpf.md is the tutorial, docs/examples has whole filters.
 *
 *   #include <asm/unistd.h>
 *   #include <errno.h>
 *   #include <sys/socket.h>
 *   #include <secmap/bpf.h>
 *
 *   SECMAP_BITMAP(families, AF_UNIX, AF_INET, AF_INET6);
 *
 *   SECMAP_FILTER unsigned int filter(const struct seccomp_data *call)
 *   {
 *           if (call->arch != AUDIT_ARCH_X86_64)
 *                   return SECCOMP_RET_KILL_PROCESS;
 *           if (call->nr == __NR_socket && !secmap_test_bit(&families, (__u32)call->args[0]))
 *                   return SECCOMP_RET_ERRNO | EAFNOSUPPORT;
 *           return SECCOMP_RET_ALLOW;
 *   }
 *
 *   clang -O2 -g -target bpf -mcpu=v3 -D__x86_64__ \
 *         -idirafter /usr/include/x86_64-linux-gnu -c filter.bpf.c -o filter.o
 *
 * -D__x86_64__ because the numbers and constants that a filter names are those of x86-64.
 */
#ifndef _SECMAP_BPF_H
#define _SECMAP_BPF_H

#ifndef __bpf__
#error "compile filters with clang -target bpf"
#endif

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/types.h>

/* Stands in front of the one function that is the filter. Others must be static inline. */
#define SECMAP_FILTER __attribute__((section("secmap"), used))

/*
 * Tables. A filter reads them, and only through the two functions below; their contents are
 * what is written here, and later what is changed through their descriptors.
 *
 *   SECMAP_BITMAP(NAME, BIT, ...)               numbers, for secmap_test_bit()
 *   SECMAP_SET(NAME, KEY, ...)                  64-bit keys, each with the value 1, and
 *   SECMAP_HASH(NAME, {KEY, VALUE}, ...)        64-bit keys and values, for secmap_lookup()
 *   SECMAP_BPF_MAP(NAME, "/sys/fs/bpf/...")     a BPF map that is pinned there, or, if the
 *                                               path is "", that `--map NAME=PATH` names
 *
 * They are as large as their contents. SECMAP_BITMAP_SIZED and SECMAP_HASH_SIZED take the
 * number of bits, or of keys, behind the name; their contents may be empty.
 */
#ifndef SECMAP_TABLE_BITMAP
#define SECMAP_TABLE_BITMAP 0
#define SECMAP_TABLE_HASH   1
#endif
#define SECMAP_TABLE_BPF 2

struct secmap_entry {
	__u64 key;
	__u64 value;
};

/* The loader reads these declarations from the object's BTF, as libbpf reads those of maps. */
#define SECMAP_UINT(name, number) int(*name)[number]
#define SECMAP_TABLE		  __attribute__((section(".maps"), used))
#define SECMAP_COUNT(type, ...)	  (sizeof((type[]){ __VA_ARGS__ }) / sizeof(type))

#define SECMAP_BITMAP(name, ...)                              \
	struct {                                              \
		SECMAP_UINT(type, SECMAP_TABLE_BITMAP);       \
		__u64 bits[SECMAP_COUNT(__u64, __VA_ARGS__)]; \
	} name SECMAP_TABLE = { .bits = { __VA_ARGS__ } }

#define SECMAP_BITMAP_SIZED(name, size, ...)                  \
	struct {                                              \
		SECMAP_UINT(type, SECMAP_TABLE_BITMAP);       \
		SECMAP_UINT(max_entries, size);               \
		__u64 bits[SECMAP_COUNT(__u64, __VA_ARGS__)]; \
	} name SECMAP_TABLE = { .bits = { __VA_ARGS__ } }

#define SECMAP_SET(name, ...)                                 \
	struct {                                              \
		SECMAP_UINT(type, SECMAP_TABLE_HASH);         \
		__u64 keys[SECMAP_COUNT(__u64, __VA_ARGS__)]; \
	} name SECMAP_TABLE = { .keys = { __VA_ARGS__ } }

#define SECMAP_HASH(name, ...)                                                               \
	struct {                                                                             \
		SECMAP_UINT(type, SECMAP_TABLE_HASH);                                        \
		struct secmap_entry entries[SECMAP_COUNT(struct secmap_entry, __VA_ARGS__)]; \
	} name SECMAP_TABLE = { .entries = { __VA_ARGS__ } }

#define SECMAP_HASH_SIZED(name, size, ...)                                                   \
	struct {                                                                             \
		SECMAP_UINT(type, SECMAP_TABLE_HASH);                                        \
		SECMAP_UINT(max_entries, size);                                              \
		struct secmap_entry entries[SECMAP_COUNT(struct secmap_entry, __VA_ARGS__)]; \
	} name SECMAP_TABLE = { .entries = { __VA_ARGS__ } }

#define SECMAP_BPF_MAP(name, path)                   \
	struct {                                     \
		SECMAP_UINT(type, SECMAP_TABLE_BPF); \
		char pin[sizeof(path)];              \
	} name SECMAP_TABLE = { .pin = path }

/*
 * 1 if the bit is set in the bitmap, 0 if not, or if the bitmap is not as large. An argument
 * that the kernel takes as int has anything in its upper half: cast it to __u32 first.
 */
static __u64 (*const secmap_test_bit)(const void *bitmap, __u64 bit) = (void *)1;

/* The key's value in a hash or a BPF map, or the third argument if it is not there. */
static __u64 (*const secmap_lookup)(const void *table, __u64 key, __u64 otherwise) = (void *)2;

#endif
