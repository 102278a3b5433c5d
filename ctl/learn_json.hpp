// SPDX-License-Identifier: LGPL-2.1-or-later
// What was recorded, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "value.hpp"

namespace secmap::ctl {

[[nodiscard]] nlohmann::ordered_json learn_json(const learn_report& of);
[[nodiscard]] nlohmann::ordered_json complaints_json(const complaint_report& of);

}  // namespace secmap::ctl
