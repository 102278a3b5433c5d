// SPDX-License-Identifier: GPL-2.0-only
/* What a policy says, put together piece by piece. */
#include "spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

void spec_init(struct spec *spec, u32 foreign_action)
{
	spec->top = (struct secmap_rules_spec){
		.foreign_action = foreign_action,
		.abis = spec->abis,
		.tables = spec->tables,
	};
}

void spec_table(struct spec *spec, const struct secmap_table *table)
{
	spec->tables[spec->top.table_count++] = table;
}

struct secmap_abi *spec_abi(struct spec *spec, u32 abi, u32 default_action)
{
	u32 i = spec->top.abi_count++;
	struct secmap_abi_spec *section = &spec->abis[i];

	*section = (struct secmap_abi_spec){
		.abi = {
			.size = sizeof(struct secmap_abi),
			.abi = abi,
			.default_action = default_action,
			.newer_from = SECMAP_NEWER_NONE,
			.allow_words = SECMAP_NR_MAX / 64,
		},
		.allow = spec->allow[i],
		.rules = spec->rules[i],
		.conds = spec->conds[i],
	};
	memset(spec->allow[i], 0, sizeof(spec->allow[i]));
	return &section->abi;
}

void spec_allow(struct spec *spec, u32 nr)
{
	spec->allow[spec->top.abi_count - 1][nr / 64] |= BIT_ULL(nr % 64);
}

struct secmap_rule *spec_rule(struct spec *spec, u32 nr, u32 action)
{
	u32 i = spec->top.abi_count - 1;
	struct secmap_rule *rule = &spec->rules[i][spec->abis[i].abi.rule_count++];

	*rule = (struct secmap_rule){
		.size = sizeof(*rule),
		.nr = nr,
		.action = action,
	};
	return rule;
}

struct secmap_cond *spec_cond(struct spec *spec, u8 arg, u8 op, u8 width, u64 value)
{
	u32 i = spec->top.abi_count - 1;
	struct secmap_cond *cond = &spec->conds[i][spec->abis[i].abi.cond_count++];

	spec->rules[i][spec->abis[i].abi.rule_count - 1].cond_count++;
	*cond = (struct secmap_cond){
		.size = sizeof(*cond),
		.arg = arg,
		.op = op,
		.width = width,
		.value = value,
	};
	return cond;
}

struct secmap_rules *spec_taken(const struct spec *spec)
{
	struct secmap_why why = { "" };
	struct secmap_rules *rules = secmap_rules_create(&spec->top, &why);

	if (IS_ERR(rules))
		fail_msg("refused: %s", why.text);
	assert_string_equal(why.text, "");
	return rules;
}
