// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that documents of several commands share.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

[[nodiscard]] nlohmann::ordered_json error_json(const error& of);

/// ERRNO carries its errno's name, the others their data where they have any.
[[nodiscard]] nlohmann::ordered_json action_json(std::uint32_t action);

/// The number, and the name where it has one in this ABI.
[[nodiscard]] nlohmann::ordered_json call_json(abi on, std::uint32_t nr);

/// With its arguments, and which of them were given.
[[nodiscard]] nlohmann::ordered_json call_facts_json(const call_facts& of);

[[nodiscard]] nlohmann::ordered_json hex_list(const std::vector<std::uint64_t>& numbers);

}  // namespace secmap::ctl
