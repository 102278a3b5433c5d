// SPDX-License-Identifier: LGPL-2.1-or-later
#include "html.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "plot.hpp"

namespace secmap::bench {

namespace {

constexpr std::string_view style =
    "body{font:15px/1.45 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em}"
    "svg{width:100%;height:auto}svg text{font:11px sans-serif;fill:#222}"
    "table{border-collapse:collapse;font-size:.85em;width:100%}"
    "td,th{padding:.15em .5em;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child,td.word{text-align:left}"
    "tr.first td{border-top:2px solid #999}.warning{background:#fff3cd;padding:.4em .7em;margin:.3em 0}";

// Of which a line is drawn: over the number of values, of filters, of names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> line_scenarios = {{
    {"set_first", "values in the set"},
    {"set_last", "values in the set"},
    {"set_mean", "values in the set"},
    {"set_absent", "values in the set"},
    {"stack_plain", "filters in the stack"},
    {"stack_argument", "filters in the stack"},
    {"stack_denied", "filters in the stack"},
    {"deny_list", "names in the list"},
}};

// Of which a bar would hide all others; they have one plot of their own.
constexpr std::array<std::string_view, 9> long_scenarios = {
    "fork_exit", "thread", "attach", "attach_create", "attach_made", "replace", "replace_set", "build_table", "notify"};

template <typename... Values>
void add(std::string& to, fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(to), format, std::forward<Values>(values)...);
    to += '\n';
}

std::string unit_words(const report& of) { return of.unit == unit::instructions ? "instructions" : "nanoseconds"; }

enum class length : std::uint8_t { of_calls, of_more };

length length_of(const cell& of) {
    const bool found = std::ranges::find(long_scenarios, of.scenario) != long_scenarios.end();
    return found ? length::of_more : length::of_calls;
}

bool is_line(const cell& of) {
    return std::ranges::any_of(line_scenarios, [&](const auto& each) { return each.first == of.scenario; });
}

const summary& shown(const cell& of) { return of.nanoseconds.count != 0 ? of.nanoseconds : of.ticks; }

// What a plot shows: what is added, or all of it where there is nothing to compare with.
double plotted(const cell& of) { return of.added ? *of.added : of.figure; }

std::vector<std::string> series_of(const report& of) {
    std::vector<std::string> names;
    for (const engine each : all_engines) names.push_back(engine_label(of, each));
    return names;
}

std::string label_of(const cell& of) { return of.n == 1 ? of.scenario : fmt::format("{} {}", of.scenario, of.n); }

void add_facts(std::string& to, const report& of) {
    const machine_facts& on = of.machine;
    const auto row = [&](const char* name, const std::string& value) {
        add(to, "<tr><td>{}</td><td class=\"word\">{}</td></tr>", name,
            value.empty() ? "cannot be read" : escaped(value));
    };
    to += "<table>\n";
    row("kernel", on.kernel + (on.module_loaded ? ", the module is loaded" : ", the module is not loaded"));
    row("processor", fmt::format("{} of {}: {}", on.cpu, on.processors, on.processor));
    row("clock", on.clock);
    if (on.counter_hz != 0) row("time stamp counter", fmt::format("{:.0f} ticks a second", on.counter_hz));
    row("governor", on.governor);
    row("turbo", on.turbo);
    row("net.core.bpf_jit_enable", on.bpf_jit);
    row("net.core.bpf_jit_harden", on.bpf_jit_harden);
    row("spec_store_bypass", on.store_bypass);
    row("other probes of system calls", on.other_probes);
    row("load", on.load ? fmt::format("{:.2f}", *on.load) : "");
    if (!of.profile.empty()) row("profile", of.profile);
    row("measured", fmt::format("{}, secmapctl {}, {} rounds of {} calls", of.date, of.tool, of.rounds, of.calls));
    to += "</table>\n";
}

void add_warnings(std::string& to, const report& of) {
    for (const warning& each : of.warnings)
        add(to, "<p class=\"warning\">{}: {}.</p>", escaped(each.text), escaped(each.hint));
    for (const unavailable_engine& each : of.unavailable)
        add(to, "<p class=\"warning\">{} could not be measured: {}</p>", engine_name(each.which),
            escaped(each.why.message()));
}

// Those that have figures, of one kind of scenario, in groups.
std::vector<bar_group> groups_of(const report& of, length which) {
    std::vector<bar_group> groups;
    for (const cell& each : of.cells) {
        if (each.missing || length_of(each) != which || is_line(each)) continue;
        if (each.by == engine::none) continue;
        const std::string label = label_of(each);
        if (groups.empty() || groups.back().label != label) groups.push_back({label, {}});
        const double moved = plotted(each) - each.figure;
        groups.back().bars.push_back(
            {engine_label(of, each.by), plotted(each), shown(each).lower + moved, shown(each).upper + moved});
    }
    return groups;
}

void add_bars(std::string& to, const report& of) {
    if (const auto groups = groups_of(of, length::of_calls); !groups.empty()) {
        add(to, "<h2>Added to a call</h2>\n<p>The whiskers hold the middle half of the rounds.</p>");
        to += bar_plot(groups, series_of(of), unit_words(of));
    }
    // Each on a scale of its own.
    if (const auto groups = groups_of(of, length::of_more); !groups.empty()) {
        add(to,
            "<h2>Tasks, attaching, answers</h2>\n<p>Of fork_exit and thread what is added; of the others all of "
            "it.</p>");
        for (const bar_group& each : groups) to += bar_plot({each}, series_of(of), unit_words(of));
    }
}

std::vector<curve> curves_of(const report& of, std::string_view scenario) {
    std::vector<curve> curves;
    for (const engine by : all_engines) {
        curve made{engine_label(of, by), {}};
        for (const cell& each : of.cells)
            if (each.scenario == scenario && each.by == by && !each.missing && by != engine::none)
                made.points.push_back({static_cast<double>(each.n), plotted(each)});
        if (!made.points.empty()) curves.push_back(std::move(made));
    }
    return curves;
}

void add_lines(std::string& to, const report& of) {
    for (const auto& [name, axis] : line_scenarios) {
        const auto curves = curves_of(of, name);
        if (curves.empty()) continue;
        add(to, "<h2>{}</h2>", name);
        for (const scenario_title& each : of.titles)
            if (each.name == name) add(to, "<p>{}</p>", escaped(each.title));
        to += line_plot(curves, series_of(of), std::string(axis), unit_words(of) + " added");
    }
}

std::string ratio_words(const cell& of) {
    if (!of.to_stock) return "";
    if (!of.to_stock->within) return fmt::format("{:.2f}", of.to_stock->ratio);
    return fmt::format("{:.2f} ({:.2f} … {:.2f})", of.to_stock->ratio, of.to_stock->within->low,
                       of.to_stock->within->high);
}

void add_table(std::string& to, const report& of) {
    add(to,
        "<h2>All figures</h2>\n<table>\n<tr><th>scenario</th><th>engine</th><th>least</th><th>quarter</th>"
        "<th>median</th><th>3 quarters</th><th>added</th><th>of stock (95 %)</th></tr>");
    std::string before;
    for (const cell& each : of.cells) {
        const std::string label = label_of(each);
        add(to, "<tr{}><td>{}</td><td class=\"word\">{}</td>", label != before ? " class=\"first\"" : "",
            label != before ? label : "", engine_label(of, each.by));
        before = label;
        if (each.missing) {
            add(to, "<td class=\"word\" colspan=\"6\">{}</td></tr>", escaped(*each.missing));
            continue;
        }
        const summary& values = shown(each);
        add(to, "<td>{:.1f}</td><td>{:.1f}</td><td>{:.1f}</td><td>{:.1f}</td><td>{}</td><td>{}</td></tr>",
            values.minimum, values.lower, values.median, values.upper,
            each.added ? fmt::format("{:.1f}", *each.added) : "", ratio_words(each));
    }
    to += "</table>\n";
}

}  // namespace

std::string to_html(const report& of) {
    std::string page;
    add(page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>What filters cost</title>\n"
        "<style>{}</style>\n</head>\n<body>\n<h1>What filters cost</h1>",
        style);
    add(page,
        "<p>Each figure is of a task that put the filter on itself, pinned to one processor and warmed up; rounds of "
        "all "
        "engines take turns. <em>Added</em> is the median less that of the same task without a filter, and <em>of "
        "stock</em> is its ratio to what the better of seccomp(2)'s two filters adds, with SPEC_ALLOW, with a "
        "bootstrap "
        "interval of 95 % over the rounds. With instructions instead of nanoseconds the least of the rounds counts, "
        "and "
        "nothing is left to chance.</p>");
    add_warnings(page, of);
    add_facts(page, of);
    add_bars(page, of);
    add_lines(page, of);
    add_table(page, of);
    page += "</body>\n</html>\n";
    return page;
}

}  // namespace secmap::bench
