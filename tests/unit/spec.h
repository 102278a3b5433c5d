/* SPDX-License-Identifier: GPL-2.0-only */
/* What a policy says, put together piece by piece, right or wrong. */
#ifndef _TESTS_UNIT_SPEC_H
#define _TESTS_UNIT_SPEC_H

#include "kernel.h"
#include "rules.h"
#include "table.h"

#define SPEC_ABIS   (SECMAP_ABI_COUNT + 1)
#define SPEC_TABLES 8

/* Too big for the stack; room for one more than each limit. */
struct spec {
	struct secmap_rules_spec top;
	struct secmap_abi_spec abis[SPEC_ABIS];
	const struct secmap_table *tables[SPEC_TABLES];
	u64 allow[SPEC_ABIS][SECMAP_NR_MAX / 64];
	struct secmap_rule rules[SPEC_ABIS][SECMAP_LIMIT_RULES + 1];
	struct secmap_cond conds[SPEC_ABIS][SECMAP_LIMIT_SECTION_CONDS + 1];
};

void spec_init(struct spec *spec, u32 foreign_action);
void spec_table(struct spec *spec, const struct secmap_table *table);

/* Each of these adds to what was added last. */
struct secmap_abi *spec_abi(struct spec *spec, u32 abi, u32 default_action);
void spec_allow(struct spec *spec, u32 nr);
struct secmap_rule *spec_rule(struct spec *spec, u32 nr, u32 action);
struct secmap_cond *spec_cond(struct spec *spec, u8 arg, u8 op, u8 width, u64 value);

/* The rules that it makes: it is not refused. */
struct secmap_rules *spec_taken(const struct spec *spec);

#endif
