// SPDX-License-Identifier: LGPL-2.1-or-later
// Figures against values that were worked out by hand.
#include <cmath>
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../../bench/statistics.hpp"

// Last: it defines fail() as a macro.
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace secmap::bench;
using values = std::vector<double>;

bool near(double one, double other) { return std::abs(one - other) < 1e-9; }

void one_value_is_everything(void**) {
    const summary of = summarize({7});
    assert_int_equal(of.count, 1);
    for (const double each : {of.minimum, of.lower, of.median, of.upper, of.mean}) assert_true(near(each, 7));
}

// In no order. Sorted: 1 2 4 8 16; places 1, 2 and 3.
void quartiles_of_five_are_three_of_them(void**) {
    const summary of = summarize({16, 1, 8, 2, 4});
    assert_int_equal(of.count, 5);
    assert_true(near(of.minimum, 1));
    assert_true(near(of.lower, 2));
    assert_true(near(of.median, 4));
    assert_true(near(of.upper, 8));
    assert_true(near(of.mean, 6.2));
}

// Sorted: 1 2 4 8; places 0.75, 1.5 and 2.25.
void quartiles_of_four_lie_between_them(void**) {
    const summary of = summarize({8, 4, 2, 1});
    assert_true(near(of.lower, 1.75));
    assert_true(near(of.median, 3));
    assert_true(near(of.upper, 5));
    assert_true(near(of.mean, 3.75));
}

void ends_are_quantiles(void**) {
    const values sorted = {3, 5, 9};
    assert_true(near(quantile(sorted, 0), 3));
    assert_true(near(quantile(sorted, 1), 9));
    assert_true(near(quantile(sorted, 0.25), 4));
}

// Medians: 110, 140 and 100: a quarter of what the other adds.
void the_ratio_is_of_what_is_added_to_the_medians(void**) {
    const values with = {110, 500, 105};
    const values other = {140, 141, 90};
    const values without = {100, 99, 101};
    assert_true(near(ratio_of_added({with, other, without}).value(), 0.25));
}

void there_is_no_ratio_to_nothing(void**) {
    const values base = {100, 100, 100};
    const values with = {120, 120, 120};
    assert_false(ratio_of_added({with, base, base}).has_value());
    assert_false(ratio_of_added({values(), values(), values()}).has_value());
    assert_false(bootstrap({with, base, base}, 100, 1).has_value());
}

// Every sample of equal rounds is the same.
void without_spread_the_interval_is_a_point(void**) {
    const values with(10, 130);
    const values other(10, 200);
    const values without(10, 100);
    const auto within = bootstrap({with, other, without}, 200, 1);
    assert_true(within.has_value());
    assert_true(near(within->low, 0.3));
    assert_true(near(within->high, 0.3));
}

// Of two rounds there are four samples, each as likely: the first round twice, 0.1; the second twice, 0.5; both, 0.3. The
// ends of 2.5 % are the outer ones.
void the_interval_has_the_outer_samples_as_its_ends(void**) {
    const values with = {110, 150};
    const values other = {200, 200};
    const values without = {100, 100};
    const auto within = bootstrap({with, other, without}, 2000, 1);
    assert_true(within.has_value());
    assert_true(near(within->low, 0.1));
    assert_true(near(within->high, 0.5));
}

// A round in which everything took ten times as long leaves the ratio alone, if it is drawn as a whole.
void rounds_are_drawn_as_a_whole(void**) {
    values with;
    values other;
    values without;
    for (const double slow : {1.0, 10.0, 1.0, 10.0, 1.0, 10.0, 1.0}) {
        with.push_back(120 * slow);
        other.push_back(180 * slow);
        without.push_back(100 * slow);
    }
    const auto within = bootstrap({with, other, without}, 500, 3);
    assert_true(within.has_value());
    assert_true(near(within->low, 0.25));
    assert_true(near(within->high, 0.25));
}

void a_seed_repeats_the_interval(void**) {
    const values with = {110, 150, 120, 118, 131};
    const values other = {200, 210, 190, 205, 202};
    const values without = {100, 101, 99, 100, 103};
    const auto one = bootstrap({with, other, without}, 300, 5);
    const auto again = bootstrap({with, other, without}, 300, 5);
    assert_true(one && again);
    assert_true(one->low == again->low && one->high == again->high);
    assert_true(one->low < one->high);
    const double ratio = ratio_of_added({with, other, without}).value();
    assert_true(one->low <= ratio && ratio <= one->high);
}

void no_interval_of_one_round(void**) {
    const values one = {1};
    const values two = {2};
    const values three = {3};
    assert_false(bootstrap({two, three, one}, 100, 1).has_value());
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(one_value_is_everything),
        cmocka_unit_test(quartiles_of_five_are_three_of_them),
        cmocka_unit_test(quartiles_of_four_lie_between_them),
        cmocka_unit_test(ends_are_quantiles),
        cmocka_unit_test(the_ratio_is_of_what_is_added_to_the_medians),
        cmocka_unit_test(there_is_no_ratio_to_nothing),
        cmocka_unit_test(without_spread_the_interval_is_a_point),
        cmocka_unit_test(the_interval_has_the_outer_samples_as_its_ends),
        cmocka_unit_test(rounds_are_drawn_as_a_whole),
        cmocka_unit_test(a_seed_repeats_the_interval),
        cmocka_unit_test(no_interval_of_one_round),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
