// SPDX-License-Identifier: LGPL-2.1-or-later
// What `bench` found, for people.
#pragma once

#include <string>

#include "../bench/report.hpp"

namespace secmap::ctl {

/// Whole lines.
[[nodiscard]] std::string bench_text(const bench::report& of);

}  // namespace secmap::ctl
