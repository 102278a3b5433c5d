// SPDX-License-Identifier: LGPL-2.1-or-later
#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace secmap::bench {

namespace {

constexpr double half = 0.5;
constexpr double quarter = 0.25;
constexpr double outside = 0.025;  // on either side of an interval of 95 %

double median_of(std::vector<double>& values) {
    std::ranges::sort(values);
    return quantile(values, half);
}

// The medians of one sample of rounds.
class sample final {
public:
    explicit sample(std::size_t size) : with_(size), other_(size), without_(size) {}

    void take(const rounds& from, std::size_t round, std::size_t place) {
        with_[place] = from.with[round];
        other_[place] = from.other[round];
        without_[place] = from.without[round];
    }

    std::optional<double> ratio() {
        const double base = median_of(without_);
        const double added = median_of(with_) - base;
        const double by_other = median_of(other_) - base;
        if (by_other <= 0) return std::nullopt;
        return added / by_other;
    }

private:
    std::vector<double> with_;
    std::vector<double> other_;
    std::vector<double> without_;
};

}  // namespace

double quantile(std::span<const double> sorted, double part) {
    const double place = part * static_cast<double>(sorted.size() - 1);
    const double below = std::floor(place);
    const auto index = static_cast<std::size_t>(below);
    if (index + 1 >= sorted.size()) return sorted.back();
    return sorted[index] + (place - below) * (sorted[index + 1] - sorted[index]);
}

summary summarize(std::vector<double> values) {
    std::ranges::sort(values);
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    return {values.size(),
            values.front(),
            quantile(values, quarter),
            quantile(values, half),
            quantile(values, 1 - quarter),
            sum / static_cast<double>(values.size())};
}

std::optional<double> ratio_of_added(const rounds& of) {
    const std::size_t count = std::min({of.with.size(), of.other.size(), of.without.size()});
    if (count == 0) return std::nullopt;
    sample all(count);
    for (std::size_t round = 0; round < count; ++round) all.take(of, round, round);
    return all.ratio();
}

std::optional<interval> bootstrap(const rounds& of, std::size_t draws, std::uint64_t seed) {
    const std::size_t count = std::min({of.with.size(), of.other.size(), of.without.size()});
    if (count < 2 || draws == 0) return std::nullopt;
    std::mt19937_64 random(seed);
    std::vector<double> ratios;
    sample drawn(count);
    for (std::size_t draw = 0; draw < draws; ++draw) {
        for (std::size_t place = 0; place < count; ++place) drawn.take(of, random() % count, place);
        const auto ratio = drawn.ratio();
        if (!ratio) return std::nullopt;
        ratios.push_back(*ratio);
    }
    std::ranges::sort(ratios);
    return interval{quantile(ratios, outside), quantile(ratios, 1 - outside)};
}

}  // namespace secmap::bench
