// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: what it shows, and that it needs nothing else.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../../bench/html.hpp"
#include "../../bench/plot.hpp"

// Last: it defines fail() as a macro.
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace secmap::bench;

cell measured(const char* name, unsigned n, engine by, double median, double base) {
    cell made;
    made.scenario = name;
    made.n = n;
    made.by = by;
    made.figure = median;
    made.added = median - base;
    made.nanoseconds = {50, median - 4, median - 1, median, median + 2, median};
    made.ticks = made.nanoseconds;
    if (by != engine::none) made.to_stock = stock_ratio{0.5, interval{0.25, 0.75}};
    return made;
}

report example() {
    report made;
    made.rounds = 50;
    made.calls = 2048;
    made.date = "2026-01-02T03:04:05Z";
    made.machine.kernel = "6.1.0 <&>";
    made.titles = {{"podman_denied", "podman's profile, denied call"}, {"set_last", "argument in a set of N"}};
    made.warnings = {{"governor", "the governor is <script>", "do \"this\""}};
    made.cells = {measured("podman_denied", 1, engine::none, 100, 100),
                  measured("podman_denied", 1, engine::stock, 180, 100),
                  measured("podman_denied", 1, engine::maps, 140, 100)};
    for (const unsigned n : {1U, 16U}) made.cells.push_back(measured("set_last", n, engine::maps, 150, 100));
    cell missing;
    missing.scenario = "set_last";
    missing.n = 4096;
    missing.by = engine::stock;
    missing.missing = "not expressible";
    made.cells.push_back(missing);
    return made;
}

std::size_t count(const std::string& in, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = in.find(what); at != std::string::npos; at = in.find(what, at + 1)) ++found;
    return found;
}

void the_page_has_every_cell(void**) {
    const std::string page = to_html(example());
    for (const char* each : {"podman_denied", "set_last 16", "set_last 4096", "not expressible", "176.0", "179.0",
                             "180.0", "182.0", "80.0", "0.50 (0.25 … 0.75)", "2026-01-02T03:04:05Z"})
        if (page.find(each) == std::string::npos) fail_msg("the page lacks %s", each);
}

void text_of_others_is_only_text(void**) {
    const std::string page = to_html(example());
    assert_true(page.find("6.1.0 &lt;&amp;&gt;") != std::string::npos);
    assert_true(page.find("the governor is &lt;script&gt;: do &quot;this&quot;.") != std::string::npos);
    assert_int_equal(count(page, "<script"), 0);
}

void the_page_needs_nothing_else(void**) {
    const std::string page = to_html(example());
    for (const char* each : {"src=", "href=", "url(", "@import", "<link", "<img"})
        if (page.find(each) != std::string::npos) fail_msg("the page has %s", each);
}

// Bars of podman_denied, where the task without a filter has none; a line with two points of set_last.
void plots_have_a_mark_for_each_figure(void**) {
    const std::string page = to_html(example());
    assert_int_equal(count(page, "<svg"), 2);
    assert_int_equal(count(page, "</svg>"), 2);
    assert_int_equal(count(page, "<polyline"), 1);
    assert_int_equal(count(page, "<circle"), 2);
    assert_int_equal(count(page, "</title></rect>"), 2);
}

// 190 units are for names, 70 for the figure behind the bar: 600 are left for 200.
void the_longest_bar_fills_the_width(void**) {
    const std::string plot = bar_plot({{"one", {{"a", 200, 200, 200}, {"b", 50, 40, 60}}}}, {"a", "b"}, "ns");
    assert_int_equal(count(plot, "<rect x=\"190.0\" y=\"30.0\" width=\"600.0\""), 1);
    assert_int_equal(count(plot, "<rect x=\"190.0\" y=\"41.0\" width=\"150.0\""), 1);
    // The whisker of b: from 190 + 120 to 190 + 180.
    assert_int_equal(count(plot, "<line x1=\"310.0\" y1=\"45.5\" x2=\"370.0\" y2=\"45.5\""), 1);
}

// From 1 to 16 on a logarithmic axis, 4 is the middle: 60 + 730 / 2.
void lines_are_over_a_logarithm(void**) {
    const std::string plot = line_plot({{"a", {{1, 0}, {4, 50}, {16, 100}}}}, {"a"}, "N", "ns");
    assert_int_equal(count(plot, "points=\"60.0,255.0 425.0,142.5 790.0,30.0 \""), 1);
}

void nothing_measured_is_a_page_too(void**) {
    const std::string page = to_html({});
    assert_int_equal(count(page, "<svg"), 0);
    assert_true(page.ends_with("</html>\n"));
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_every_cell),         cmocka_unit_test(text_of_others_is_only_text),
        cmocka_unit_test(the_page_needs_nothing_else),     cmocka_unit_test(plots_have_a_mark_for_each_figure),
        cmocka_unit_test(the_longest_bar_fills_the_width), cmocka_unit_test(lines_are_over_a_logarithm),
        cmocka_unit_test(nothing_measured_is_a_page_too),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
