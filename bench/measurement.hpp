// SPDX-License-Identifier: LGPL-2.1-or-later
// The benchmark: every engine in every scenario, in turns.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <secmap/result.hpp>

#include "engine.hpp"
#include "report.hpp"
#include "scenario.hpp"

namespace secmap::bench {

struct plan {
    std::vector<scenario> scenarios;
    std::vector<engine> engines;  ///< with none
    bench::unit unit = unit::nanoseconds;
    unsigned rounds = 0;
    unsigned calls = 0;
    std::uint64_t seed = 1;
    double counter_hz = 0;  ///< not 0: the clock is a system call; times are computed by this
};

/// How far it has come.
struct progress {
    std::string label;      ///< of the scenario that is being measured
    std::size_t index = 0;  ///< of the scenario, from 1
    std::size_t count = 0;
    std::chrono::seconds left{0};
};

using progress_teller = std::function<void(const progress&)>;

/// With nanoseconds, each round measures every engine once, in a task of its own, and begins with another one; a round's
/// hash sets are laid out anew. With instructions nothing is left to chance but these layouts: each engine is measured
/// for itself, and the least of the rounds counts, of several tasks where it is more than a call; of layouts the mean. Fails where no task can be measured.
[[nodiscard]] result<std::vector<cell>> measure(const plan& of, const filter_source& from, const progress_teller& tell);

}  // namespace secmap::bench
