// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace secmap::bench {

namespace {

constexpr double width = 860;
constexpr double left = 190;    // of the names of groups
constexpr double right = 70;    // of the last figure
constexpr double head = 30;     // of the legend
constexpr double thick = 11;    // a bar
constexpr double gap = 12;      // between groups
constexpr double height = 300;  // of a line plot
constexpr double foot = 45;
constexpr double line_left = 60;

// Colours that differ for those who see few of them, too.
constexpr std::array<std::string_view, 6> colours = {"#9a9a9a", "#e69f00", "#d55e00", "#0072b2", "#009e73", "#cc79a7"};

std::string_view colour_of(const std::vector<std::string>& series, const std::string& name) {
    const auto place = static_cast<std::size_t>(std::ranges::find(series, name) - series.begin());
    return colours.at(place % colours.size());
}

template <typename... Values>
void add(std::string& to, fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(to), format, std::forward<Values>(values)...);
    to += '\n';
}

void open_plot(std::string& to, double tall) {
    add(to, R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:.0f} {:.0f}" role="img">)", width, tall);
}

void add_text(std::string& to, double x, double y, std::string_view anchor, const std::string& text) {
    add(to, R"(<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)", x, y, anchor, escaped(text));
}

void add_line(std::string& to, double x1, double y1, double x2, double y2, std::string_view colour) {
    add(to, R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}"/>)", x1, y1, x2, y2, colour);
}

// Those that are drawn.
void add_legend(std::string& to, const std::vector<std::string>& series, const std::set<std::string>& drawn) {
    double x = line_left;
    constexpr double square = 10;
    constexpr double letter = 7.5;
    for (const std::string& each : series) {
        if (!drawn.contains(each)) continue;
        add(to, R"(<rect x="{:.1f}" y="6" width="{}" height="{}" fill="{}"/>)", x, square, square,
            colour_of(series, each));
        add_text(to, x + square + 4, 15, "start", each);
        x += square + 22 + letter * static_cast<double>(each.size());
    }
}

std::string short_number(double of) {
    return std::abs(of) < 10 ? fmt::format("{:.1f}", of) : fmt::format("{:.0f}", of);
}

void add_bar(std::string& to, const bar& of, double y, double scale, std::string_view colour) {
    const double middle = y + thick / 2;
    const double end = left + std::max(0.0, of.value) * scale;
    add(to, R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"><title>{}: {:.1f}</title></rect>)",
        left, y, end - left, thick - 2, colour, escaped(of.series), of.value);
    const double low = left + std::max(0.0, of.low) * scale;
    const double high = left + std::max(0.0, of.high) * scale;
    add_line(to, low, middle - 1, high, middle - 1, "#222");
    add_line(to, low, middle - 4, low, middle + 2, "#222");
    add_line(to, high, middle - 4, high, middle + 2, "#222");
    add_text(to, std::max(end, high) + 4, y + thick - 2, "start", short_number(of.value));
}

// The next round number: 1, 2 or 5 times a power of 10.
double round_up(double of) {
    const double power = std::pow(10.0, std::floor(std::log10(of)));
    for (const double each : {1.0, 2.0, 5.0})
        if (each * power >= of) return each * power;
    return 10 * power;
}

// From plot to page.
struct frame {
    double x_low = 0;
    double x_high = 1;
    double y_high = 1;

    [[nodiscard]] double x(double of) const {
        return line_left + (std::log2(of) - x_low) / (x_high - x_low) * (width - line_left - right);
    }
    [[nodiscard]] double y(double of) const { return head + (1 - std::max(0.0, of) / y_high) * (height - head - foot); }
};

frame frame_of(const std::vector<curve>& curves) {
    double least = 0;
    double most = 0;
    double highest = 1;
    for (const curve& each : curves)
        for (const point& at : each.points) {
            most = std::max(most, std::log2(at.x));
            highest = std::max(highest, at.y);
        }
    return {least, std::max(most, 1.0), round_up(highest)};
}

void add_axes(std::string& to, const frame& in, const std::vector<curve>& curves, const std::string& x_label,
              const std::string& unit) {
    constexpr int steps = 5;
    for (int step = 0; step <= steps; ++step) {
        const double value = in.y_high * step / steps;
        add_line(to, line_left, in.y(value), width - right, in.y(value), "#ddd");
        add_text(to, line_left - 6, in.y(value) + 4, "end", short_number(value));
    }
    std::vector<double> shown;
    for (const curve& each : curves)
        for (const point& at : each.points) shown.push_back(at.x);
    std::ranges::sort(shown);
    // Not std::ranges::unique(): clang 14 does not take libstdc++'s.
    shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
    for (const double each : shown) add_text(to, in.x(each), height - foot + 16, "middle", fmt::format("{:.0f}", each));
    add_text(to, (line_left + width - right) / 2, height - 8, "middle", x_label);
    add_text(to, width - right, 15, "end", unit);
}

}  // namespace

std::string bar_plot(const std::vector<bar_group>& groups, const std::vector<std::string>& series,
                     const std::string& unit) {
    double longest = 1;
    double tall = head + gap;
    std::set<std::string> drawn;
    for (const bar_group& each : groups) {
        for (const bar& at : each.bars) {
            longest = std::max({longest, at.value, at.high});
            drawn.insert(at.series);
        }
        tall += thick * static_cast<double>(each.bars.size()) + gap;
    }
    const double scale = (width - left - right) / longest;
    std::string made;
    open_plot(made, tall);
    add_legend(made, series, drawn);
    add_text(made, width - right, 15, "end", unit);
    double y = head;
    for (const bar_group& each : groups) {
        const double middle = y + thick * static_cast<double>(each.bars.size()) / 2;
        add_text(made, left - 8, middle + 4, "end", each.label);
        for (const bar& at : each.bars) {
            add_bar(made, at, y, scale, colour_of(series, at.series));
            y += thick;
        }
        y += gap;
    }
    made += "</svg>\n";
    return made;
}

std::string line_plot(const std::vector<curve>& curves, const std::vector<std::string>& series,
                      const std::string& x_label, const std::string& unit) {
    const frame in = frame_of(curves);
    std::set<std::string> drawn;
    for (const curve& each : curves) drawn.insert(each.series);
    std::string made;
    open_plot(made, height);
    add_legend(made, series, drawn);
    add_axes(made, in, curves, x_label, unit);
    for (const curve& each : curves) {
        const std::string_view colour = colour_of(series, each.series);
        std::string places;
        for (const point& at : each.points) places += fmt::format("{:.1f},{:.1f} ", in.x(at.x), in.y(at.y));
        add(made, R"(<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>)", places, colour);
        for (const point& at : each.points)
            add(made, R"(<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"><title>{}: {:.1f}</title></circle>)",
                in.x(at.x), in.y(at.y), colour, escaped(each.series), at.y);
    }
    made += "</svg>\n";
    return made;
}

std::string escaped(const std::string& text) {
    std::string made;
    for (const char each : text) switch (each) {
            case '<': made += "&lt;"; break;
            case '>': made += "&gt;"; break;
            case '&': made += "&amp;"; break;
            case '"': made += "&quot;"; break;
            default: made += each;
        }
    return made;
}

}  // namespace secmap::bench
