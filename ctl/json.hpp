// SPDX-License-Identifier: LGPL-2.1-or-later
// The printer for programs. Every document has "schema": 1; ctl/schema describes each command's.
#pragma once

#include <cstdint>
#include <string>

#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

enum class json_style : std::uint8_t { compact, pretty };

/// 64-bit numbers are strings ("0x241"): many readers of JSON would round them.
[[nodiscard]] std::string to_json(const value& of, json_style style);

/// What `notify` hands to its helper.
[[nodiscard]] std::string to_json(const request& of, json_style style);

[[nodiscard]] std::string to_json(const error& of, json_style style);

}  // namespace secmap::ctl
