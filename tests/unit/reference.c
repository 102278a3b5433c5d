// SPDX-License-Identifier: GPL-2.0-only
/*
 * What secmap.h says a policy answers. Written from the header's text, sharing no code
 * with the module: it walks what was handed over, never what became of it.
 */
#include "reference.h"

#define X32_BIT 0x40000000U

static bool in_table(const struct reference_table *table, u64 key)
{
	u32 i;

	for (i = 0; i < table->count; i++)
		if (table->keys[i] == key)
			return true;
	return false;
}

static bool holds(const struct secmap_cond *cond, const struct reference_table *tables,
		  const struct seccomp_data *call)
{
	u64 argument = call->args[cond->arg];

	if (cond->width == 32 || call->arch == AUDIT_ARCH_I386)
		argument = (u32)argument;

	switch (cond->op) {
	case SECMAP_OP_EQ:
		return argument == cond->value;
	case SECMAP_OP_NE:
		return argument != cond->value;
	case SECMAP_OP_LT:
		return argument < cond->value;
	case SECMAP_OP_LE:
		return argument <= cond->value;
	case SECMAP_OP_GT:
		return argument > cond->value;
	case SECMAP_OP_GE:
		return argument >= cond->value;
	case SECMAP_OP_MASKED_EQ:
		return (argument & cond->mask) == (cond->value & cond->mask);
	case SECMAP_OP_IN:
		return in_table(&tables[cond->table], argument & cond->mask);
	case SECMAP_OP_NOT_IN:
		return !in_table(&tables[cond->table], argument & cond->mask);
	default:
		abort();
	}
}

static struct secmap_verdict judge_section(const struct secmap_abi_spec *section,
					   const struct reference_table *tables, u32 nr,
					   const struct seccomp_data *call)
{
	const struct secmap_abi *abi = &section->abi;
	const struct secmap_cond *cond = section->conds;
	bool has_rule = false;
	u32 i, c;

	if (nr / 64 < abi->allow_words && (section->allow[nr / 64] & (1ULL << (nr % 64))))
		return (struct secmap_verdict){ SECCOMP_RET_ALLOW, SECMAP_RULE_ALLOW };

	for (i = 0; i < abi->rule_count; i++) {
		const struct secmap_rule *rule = &section->rules[i];
		bool all = true;

		for (c = 0; c < rule->cond_count; c++, cond++)
			if (rule->nr == nr && !holds(cond, tables, call))
				all = false;
		if (rule->nr != nr)
			continue;
		has_rule = true;
		if (all)
			return (struct secmap_verdict){ rule->action, i };
	}
	if (!has_rule && abi->newer_from != SECMAP_NEWER_NONE && nr >= abi->newer_from &&
	    (s32)nr != -1)
		return (struct secmap_verdict){ abi->newer_action, SECMAP_RULE_NEWER };
	return (struct secmap_verdict){ abi->default_action, SECMAP_RULE_DEFAULT };
}

struct secmap_verdict reference_judge(const struct secmap_rules_spec *spec,
				      const struct reference_table *tables,
				      const struct seccomp_data *call)
{
	u32 abi = SECMAP_ABI_COUNT;
	u32 nr = call->nr;
	u32 i;

	if (call->arch == AUDIT_ARCH_I386) {
		abi = SECMAP_ABI_I386;
	} else if (call->arch == AUDIT_ARCH_X86_64) {
		abi = SECMAP_ABI_X86_64;
		/* "the x32 bit is set": every number from there on, but not -1. */
		if (call->nr != -1 && nr >= X32_BIT) {
			abi = SECMAP_ABI_X32;
			nr -= X32_BIT;
		}
	}
	for (i = 0; i < spec->abi_count; i++)
		if (spec->abis[i].abi.abi == abi)
			return judge_section(&spec->abis[i], tables, nr, call);
	return (struct secmap_verdict){ spec->foreign_action, SECMAP_RULE_FOREIGN };
}
