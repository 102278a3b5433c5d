// SPDX-License-Identifier: LGPL-2.1-or-later
// What a helper program says about a request: a line of JSON, ctl/schema/notify-reply.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

struct reply {
    std::uint64_t id = 0;
    std::optional<answer> given;  ///< none: what it says is not an answer
};

/// Fails where the line does not even name a request.
[[nodiscard]] result<reply> parse_reply(const std::string& line);

/// As much of it as an error shows.
[[nodiscard]] std::string excerpt(const std::string& line);

}  // namespace secmap::ctl
