// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench_text.hpp"

#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "words.hpp"

namespace secmap::ctl {

namespace {

template <typename... Values>
void line(std::string& to, fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(to), format, std::forward<Values>(values)...);
    to += '\n';
}

std::string_view unit_words(bench::unit of) { return of == bench::unit::instructions ? "instructions" : "nanoseconds"; }

void print_head(std::string& to, const bench::report& of) {
    const bench::machine_facts& on = of.machine;
    line(to, "kernel     {}, the module is {}loaded", printable(on.kernel), on.module_loaded ? "" : "not ");
    line(to, "processor  {} of {}: {}", on.cpu, on.processors, printable(on.processor));
    line(to, "figures    {} for one call, or one of what the scenario is; {} of {}", unit_words(of.unit),
         counted(of.rounds, "round"), counted(of.calls, "call"));
    if (!of.profile.empty()) line(to, "profile    {}", printable(of.profile));
    for (const bench::warning& each : of.warnings)
        line(to, "warning    {} ({})", printable(each.text), printable(each.hint));
    for (const bench::unavailable_engine& each : of.unavailable)
        line(to, "not there  {}: {}", bench::engine_name(each.which), printable(each.why.message()));
}

std::string number(double of) { return fmt::format("{:.1f}", of); }

std::string ratio_words(const bench::cell& of) {
    if (!of.to_stock) return "";
    if (!of.to_stock->within) return fmt::format("{:.2f}", of.to_stock->ratio);
    return fmt::format("{:.2f}  {:.2f} ... {:.2f}", of.to_stock->ratio, of.to_stock->within->low,
                       of.to_stock->within->high);
}

void print_cell(std::string& to, const bench::report& in, const bench::cell& of) {
    const std::string name = bench::engine_label(in, of.by);
    if (of.missing) {
        line(to, "    {:<10}  not measured: {}", name, printable(*of.missing));
        return;
    }
    const bench::summary& shown = of.nanoseconds.count != 0 ? of.nanoseconds : of.ticks;
    const std::string added = of.added && of.by != bench::engine::none ? number(*of.added) : "";
    const std::string text =
        fmt::format("    {:<10}  {:>11}  {:>11}  {:>11}  {:>11}  {:>11}   {}", name, number(shown.minimum),
                    number(shown.lower), number(shown.median), number(shown.upper), added, ratio_words(of));
    line(to, "{}", text.substr(0, text.find_last_not_of(' ') + 1));
}

std::string title_of(const bench::report& in, const bench::cell& of) {
    for (const bench::scenario_title& each : in.titles)
        if (each.name == of.scenario) return each.title;
    return "";
}

}  // namespace

std::string bench_text(const bench::report& of) {
    std::string text;
    print_head(text, of);
    const bench::cell* before = nullptr;
    for (const bench::cell& each : of.cells) {
        if (!before || before->scenario != each.scenario || before->n != each.n) {
            line(text, "\n{}, N = {}: {}", each.scenario, each.n, title_of(of, each));
            line(text, "    {:<10}  {:>11}  {:>11}  {:>11}  {:>11}  {:>11}   {}", "", "least", "quarter", "median",
                 "3 quarters", "added", "of stock, 95 %");
        }
        print_cell(text, of, each);
        before = &each;
    }
    return text;
}

}  // namespace secmap::ctl
