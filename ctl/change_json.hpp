// SPDX-License-Identifier: LGPL-2.1-or-later
// What was attached or detached, and who was followed, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "value.hpp"

namespace secmap::ctl {

[[nodiscard]] nlohmann::ordered_json change_json(const change_report& of);
[[nodiscard]] nlohmann::ordered_json follow_json(const follow_begin& of);
[[nodiscard]] nlohmann::ordered_json followed_json(const follow_end& of);

}  // namespace secmap::ctl
