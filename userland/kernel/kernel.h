/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * User space, dressed as the kernel: what module/action.c, cbpf.c, predict.c, predict_ebpf.c,
 * premise.c, rules.c, rules_build.c, table.c, tally.c, tighten.c, verify.c and verify_insn.c use of
 * it. It takes the place of the module's file of this name, whose include guard it shares: compile
 * the pure files with "-include" of this file and "-I uapi"; include it before module/rules.h and
 * the like, in extern "C" where that is C++.
 */
/* The names are the kernel's. NOLINTBEGIN(bugprone-reserved-identifier) */
#ifndef _SECMAP_KERNEL_H
#define _SECMAP_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#ifndef __cplusplus
/* As in the kernel the sentence may be left out; C11 wants one. */
#undef static_assert
#define static_assert(expr, ...) static_assert_says(expr, ##__VA_ARGS__, #expr)
#define static_assert_says(expr, says, ...) _Static_assert(expr, says)
#endif

#define U16_MAX			   ((u16)~0U)
#define U32_MAX			   ((u32)~0U)
#define U64_MAX			   ((u64)~0ULL)
#define S32_MAX			   ((s32)(U32_MAX >> 1))
#define S32_MIN			   ((s32)(-S32_MAX - 1))

#define BITS_PER_LONG		   64
#define BITS_TO_LONGS(bits)	   (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)

#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

#define fallthrough		   __attribute__((fallthrough))
#define __printf(fmt, args)	   __attribute__((format(printf, fmt, args)))
#define __must_check		   __attribute__((warn_unused_result))

/* linux/err.h */
#define MAX_ERRNO 4095

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *pointer)
{
	return (long)pointer;
}

static inline bool IS_ERR(const void *pointer)
{
	return (unsigned long)pointer >= (unsigned long)-MAX_ERRNO;
}

/* What only the pure files themselves use; some of it would upset C++. */
#ifndef __cplusplus

#define likely(x)	  __builtin_expect(!!(x), 1)
#define unlikely(x)	  __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define BIT_ULL(nr)	  (1ULL << (nr))

#define max(a, b)                        \
	({                               \
		__typeof__(a) __a = (a); \
		__typeof__(b) __b = (b); \
                                         \
		__a > __b ? __a : __b;   \
	})

#define min(a, b)                        \
	({                               \
		__typeof__(a) __a = (a); \
		__typeof__(b) __b = (b); \
                                         \
		__a < __b ? __a : __b;   \
	})

#define swap(a, b)                         \
	do {                               \
		__typeof__(a) __old = (a); \
                                           \
		(a) = (b);                 \
		(b) = __old;               \
	} while (0)

#define DECLARE_FLEX_ARRAY(type, name) \
	struct {                       \
		struct {               \
		} __empty_##name;      \
		type name[];           \
	}

#define struct_size(pointer, member, count) \
	(sizeof(*(pointer)) + (count) * sizeof((pointer)->member[0]))

/* There is nobody to protect from in this process: the bound is kept all the same. */
#define array_index_nospec(index, size)              \
	({                                           \
		__typeof__(index) __index = (index); \
                                                     \
		__index < (size) ? __index : 0;      \
	})

static inline unsigned long array_index_mask_nospec(unsigned long index, unsigned long size)
{
	return index < size ? ~0UL : 0;
}

static inline bool test_bit(unsigned long nr, const unsigned long *bits)
{
	return bits[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

static inline void __set_bit(unsigned long nr, unsigned long *bits)
{
	bits[nr / BITS_PER_LONG] |= 1UL << (nr % BITS_PER_LONG);
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *bits)
{
	bool old = test_bit(nr, bits);

	__set_bit(nr, bits);
	return old;
}

static inline unsigned int bitmap_weight(const unsigned long *bits, unsigned int count)
{
	unsigned int i, weight = 0;

	for (i = 0; i < count; i++)
		weight += test_bit(i, bits);
	return weight;
}

static inline void bitmap_fill(unsigned long *bits, unsigned int count)
{
	memset(bits, 0xff, BITS_TO_LONGS(count) * sizeof(long));
}

static inline unsigned int fls_long(unsigned long x)
{
	return x ? BITS_PER_LONG - __builtin_clzl(x) : 0;
}

static inline void cond_resched(void)
{
}

static inline bool secmap_is_dying(void)
{
	return false;
}

#endif /* !__cplusplus */

/* Zeroed memory, or NULL. */
static inline void *secmap_alloc(size_t bytes)
{
	return calloc(1, bytes);
}

static inline void secmap_release(const void *memory)
{
	free((void *)memory);
}

static inline u64 secmap_random(void)
{
	u64 value = 0;

	/* Eight bytes are never cut short; before the pool is ready, it waits. */
	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		abort();
	return value;
}

#endif
/* NOLINTEND(bugprone-reserved-identifier) */
