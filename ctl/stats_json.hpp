// SPDX-License-Identifier: LGPL-2.1-or-later
// What was counted, for programs: see schema/stats-show.json.
#pragma once

#include <nlohmann/json.hpp>

#include "value.hpp"

namespace secmap::ctl {

[[nodiscard]] nlohmann::ordered_json counting_json(const count_report& of);
[[nodiscard]] nlohmann::ordered_json stats_json(const stats_report& of);

}  // namespace secmap::ctl
