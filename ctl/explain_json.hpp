// SPDX-License-Identifier: LGPL-2.1-or-later
// For programs: what `explain` and `run --why` found out.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// Is the rule with this index all that a section says about its number, whatever the arguments are?
[[nodiscard]] bool is_constant(const abi_section& in, std::size_t rule);

/// What is to be added to "syscalls", as it stands in a profile.
[[nodiscard]] std::string entry_text(const remedy& of);

[[nodiscard]] nlohmann::ordered_json task_explanation_json(const task_explanation& of);
[[nodiscard]] nlohmann::ordered_json why_json(const why_report& of);

}  // namespace secmap::ctl
