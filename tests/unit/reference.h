/* SPDX-License-Identifier: GPL-2.0-only */
/* What secmap.h says a policy answers, word for word, and slowly. */
#ifndef _TESTS_UNIT_REFERENCE_H
#define _TESTS_UNIT_REFERENCE_H

#include "kernel.h"
#include "rules.h"

/* A table's contents, as lists: the reference does not look into real tables. */
struct reference_table {
	const u64 *keys;
	u32 count;
};

struct secmap_verdict reference_judge(const struct secmap_rules_spec *spec,
				      const struct reference_table *tables,
				      const struct seccomp_data *call);

#endif
