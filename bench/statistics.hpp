// SPDX-License-Identifier: LGPL-2.1-or-later
// What many measurements of the same thing say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace secmap::bench {

struct summary {
    std::size_t count = 0;
    double minimum = 0;
    double lower = 0;  ///< a quarter of them is below
    double median = 0;
    double upper = 0;  ///< a quarter of them is above
    double mean = 0;
};

/// The value below which @p part of @p sorted lies, between two of them in proportion. @p sorted is not empty.
[[nodiscard]] double quantile(std::span<const double> sorted, double part);

/// Of at least one value.
[[nodiscard]] summary summarize(std::vector<double> values);

struct interval {
    double low = 0;
    double high = 0;
};

/// The same rounds, measured with a filter, with the filter that it is compared with, and without any.
struct rounds {
    std::span<const double> with;
    std::span<const double> other;
    std::span<const double> without;
};

/// How much dearer: what is added to the median without a filter, against what the other filter adds. Nothing: the
/// other one adds nothing that could be seen.
[[nodiscard]] std::optional<double> ratio_of_added(const rounds& of);

/// Where that ratio lies with a probability of 95 %, by @p draws bootstrap samples: whole rounds are drawn, so that
/// what slowed the machine down for a while slows all three. Nothing: in some sample the other filter adds nothing.
[[nodiscard]] std::optional<interval> bootstrap(const rounds& of, std::size_t draws, std::uint64_t seed);

}  // namespace secmap::bench
