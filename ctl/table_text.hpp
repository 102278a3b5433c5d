// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables, for people.
#pragma once

#include <cstdint>
#include <vector>

#include "lines.hpp"
#include "value.hpp"

namespace secmap::ctl {

void print_tables(buffer& to, const table_list& of);
void print_table(buffer& to, const table_facts& of);
void print_update(buffer& to, const table_update_report& of);
void print_seal(buffer& to, const table_seal_report& of);

/// Those of a policy.
void print_table_ids(buffer& to, const std::vector<std::uint32_t>& ids);

}  // namespace secmap::ctl
