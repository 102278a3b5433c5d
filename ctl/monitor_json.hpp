// SPDX-License-Identifier: LGPL-2.1-or-later
// What `monitor` shows, for programs: the members of its documents, see schema/monitor.json.
#pragma once

#include <nlohmann/json.hpp>

#include "value.hpp"

namespace secmap::ctl {

[[nodiscard]] nlohmann::ordered_json begin_json(const monitor_begin& of);
[[nodiscard]] nlohmann::ordered_json event_json(const monitor_event& of);
[[nodiscard]] nlohmann::ordered_json loss_json(const monitor_loss& of);
[[nodiscard]] nlohmann::ordered_json end_json(const monitor_end& of);

}  // namespace secmap::ctl
