/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/* A program in secmap's subset of eBPF, with what it names. */
#ifndef _SECMAP_EBPF_H
#define _SECMAP_EBPF_H

#include "kernel.h"
#include "limits.h"
#include <secmap/secmap.h>

struct secmap_table;

/* A real BPF map: a type of table for programs alone, which TABLE_CREATE does not make. */
#define SECMAP_TABLE_BPF      2
#define SECMAP_TABLE_BPF_TRIE 3 /* the same, of type LPM_TRIE: only what it costs differs */

/**
 * struct secmap_ebpf - a program
 * @insns: its instructions, as user space has them
 * @len: how many; LD_IMM64 counts as two
 * @tables: what it looks into; NULL stands for a BPF map, whose contents are not known
 * @table_count: how many
 *
 * Owns nothing.
 */
struct secmap_ebpf {
	const struct bpf_insn *insns;
	u32 len;
	const struct secmap_table *const *tables;
	u32 table_count;
};

#endif
