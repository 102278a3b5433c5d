// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls that are worth asking about: those at the edges of a profile's rules, and random ones near them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <linux/seccomp.h>

#include "../../bench/reference.hpp"

namespace secmap::diff {

using bench::reference;
using bench::reference_rule;

class interesting_calls final {
public:
    interesting_calls(const reference& from, std::uint64_t seed);

    /// Every number with no arguments, every combination of edges; where there are more than @p most for one number, that
    /// many of them at random.
    void edges(std::size_t most, const std::function<void(const seccomp_data&)>& visit);

    /// One random call.
    [[nodiscard]] seccomp_data next();

private:
    using values = std::vector<std::uint64_t>;
    using place = std::pair<std::uint32_t, std::uint32_t>;  ///< architecture, number as in seccomp_data

    void learn(const reference_rule& rule);
    void learn(const place& at, const reference_rule& rule, const std::uint64_t* operation);
    [[nodiscard]] std::uint64_t random_value(const values& known);
    [[nodiscard]] place random_place();
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    std::map<place, std::array<values, 6>> known_;
    std::vector<place> conditional_;
    std::vector<place> named_;
    std::mt19937_64 random_;
};

}  // namespace secmap::diff
