// SPDX-License-Identifier: LGPL-2.1-or-later
// Statistics as Prometheus reads them: its text format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// What there is to tell.
struct metrics {
    std::vector<policy_info> policies;
    std::vector<counted_policy> counted;
    std::uint64_t tasks = 0;  ///< filtered ones
};

[[nodiscard]] std::string metrics_text(const metrics& of);

/// Who reads the file meanwhile finds the old one or the new one, whole.
[[nodiscard]] result<void> write_whole(const std::string& file, const std::string& text);

}  // namespace secmap::ctl
