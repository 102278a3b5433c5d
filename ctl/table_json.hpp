// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables, for programs: see schema/table-*.json.
#pragma once

#include <nlohmann/json.hpp>

#include "value.hpp"

namespace secmap::ctl {

[[nodiscard]] nlohmann::ordered_json table_list_json(const table_list& of);
[[nodiscard]] nlohmann::ordered_json table_facts_json(const table_facts& of);
[[nodiscard]] nlohmann::ordered_json table_update_json(const table_update_report& of);
[[nodiscard]] nlohmann::ordered_json table_seal_json(const table_seal_report& of);

}  // namespace secmap::ctl
