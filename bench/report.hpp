// SPDX-License-Identifier: LGPL-2.1-or-later
// What a run of the benchmark found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine.hpp"
#include "machine.hpp"
#include "scenario.hpp"
#include "statistics.hpp"

namespace secmap::bench {

/// What figures are.
enum class unit : std::uint8_t { nanoseconds, instructions };

/// What the ratio is to, and where it lies.
struct stock_ratio {
    double ratio = 0;
    std::optional<interval> within;  ///< with 95 %; nothing: too few rounds, or lost in the noise
};

/// One engine in one scenario.
struct cell {
    std::string scenario;
    unsigned n = 1;
    engine by = engine::none;
    std::optional<std::string> missing;   ///< why there are no figures; then all that follows is empty
    double figure = 0;                    ///< with nanoseconds the median, with instructions the least
    std::optional<double> added;          ///< to the same without a filter; nothing: it needs a filter
    std::optional<stock_ratio> to_stock;  ///< ratio of added, or of figures, to the better of the stock filters
    summary nanoseconds;                  ///< count is 0: the clock was not read
    summary ticks;                        ///< of the time stamp counter
    std::int64_t returned = 0;            ///< by the last call
};

/// An engine that could not be measured at all.
struct unavailable_engine {
    engine which = engine::none;
    error why;
};

/// Something that makes figures bad, and what to do.
struct warning {
    std::string about;  ///< a word: "governor"
    std::string text;
    std::string hint;
};

/// In the order of measurement.
struct scenario_title {
    std::string name;
    std::string title;
};

struct report {
    bench::unit unit = unit::nanoseconds;
    unsigned rounds = 0;
    unsigned calls = 0;
    std::uint64_t seed = 0;
    std::string date;     ///< UTC
    std::string tool;     ///< its version
    std::string profile;  ///< empty: no scenario needed one
    machine_facts machine;
    std::vector<warning> warnings;
    std::vector<unavailable_engine> unavailable;
    std::vector<scenario_title> titles;
    std::vector<cell> cells;
};

/// What each of them is, once.
[[nodiscard]] std::vector<scenario_title> titles_of(const std::vector<scenario>& of);

/// What makes figures of this unit bad on that machine.
[[nodiscard]] std::vector<warning> warnings_of(const machine_facts& of, unit figures);

/// "none", or "unfiltered" where the module is loaded: then the task without a filter pays for its probe.
[[nodiscard]] std::string engine_label(const report& of, engine which);

}  // namespace secmap::bench
