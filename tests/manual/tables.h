/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every table, in the order of the pages. */
#ifndef SECMAP_TESTS_MANUAL_TABLES_H
#define SECMAP_TESTS_MANUAL_TABLES_H

#include "frame.h"

extern const struct manual_table *const manual_tables[];
extern const size_t manual_tables_count;

#endif
