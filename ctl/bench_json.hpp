// SPDX-License-Identifier: LGPL-2.1-or-later
// What `bench` found, for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "../bench/report.hpp"

namespace secmap::ctl {

/// The member of the document: see schema/bench.json.
[[nodiscard]] nlohmann::ordered_json bench_json(const bench::report& of);

}  // namespace secmap::ctl
