// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tables.h"

extern const struct manual_table strict_table, filter_table, flags_table, tsync_table, data_table,
	program_table, kill_table, trap_table, actions_table, trace_table, order_table,
	logging_table, errors_table, notes_table, prctl_table, overview_table, receive_table,
	reply_table, addfd_table, wait_table;

const struct manual_table *const manual_tables[] = {
	&strict_table,	 &filter_table,	 &flags_table,	&tsync_table,	&data_table,
	&program_table,	 &kill_table,	 &trap_table,	&actions_table, &trace_table,
	&order_table,	 &logging_table, &errors_table, &notes_table,	&prctl_table,
	&overview_table, &receive_table, &reply_table,	&addfd_table,	&wait_table,
};
const size_t manual_tables_count = sizeof(manual_tables) / sizeof(manual_tables[0]);
