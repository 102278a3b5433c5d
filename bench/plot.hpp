// SPDX-License-Identifier: LGPL-2.1-or-later
// Plots as SVG, for a page.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace secmap::bench {

/// A bar, with whiskers where the middle half of the measurements lies.
struct bar {
    std::string series;
    double value = 0;
    double low = 0;
    double high = 0;
};

struct bar_group {
    std::string label;
    std::vector<bar> bars;
};

/// Horizontal bars in groups; the longest one fills the width.
[[nodiscard]] std::string bar_plot(const std::vector<bar_group>& groups, const std::vector<std::string>& series,
                                   const std::string& unit);

struct point {
    double x = 0;  ///< above 0
    double y = 0;
};

struct curve {
    std::string series;
    std::vector<point> points;
};

/// Lines over a logarithmic x.
[[nodiscard]] std::string line_plot(const std::vector<curve>& curves, const std::vector<std::string>& series,
                                    const std::string& x_label, const std::string& unit);

/// For text and attributes.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace secmap::bench
