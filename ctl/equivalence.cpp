// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A condition looks at one argument. So of each argument one value is tried for each combination of answers that its
// conditions can have, and of all arguments each combination of these values: then every call behaves as one that was tried.
#include "equivalence.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace secmap::ctl {

namespace {

constexpr std::size_t argument_count = 6;
constexpr int looked_at_bits_max = 12;
constexpr std::size_t calls_max = 65536;
constexpr std::uint64_t whole = ~std::uint64_t{0};
constexpr std::uint64_t half = whole >> 32;

using values = std::vector<std::uint64_t>;
using arguments = std::array<std::uint64_t, argument_count>;

std::uint64_t all_bits(const condition& of) { return whole >> (64U - of.width); }

bool looks_at_bits(const condition& of) {
    return of.op >= comparison::masked_eq && (of.mask & all_bits(of)) != all_bits(of);
}

bool holds(const told_condition& of, std::uint64_t argument) {
    const std::uint64_t value = argument & all_bits(of.what);
    switch (of.what.op) {
        case comparison::eq: return value == of.what.value;
        case comparison::ne: return value != of.what.value;
        case comparison::lt: return value < of.what.value;
        case comparison::le: return value <= of.what.value;
        case comparison::gt: return value > of.what.value;
        case comparison::ge: return value >= of.what.value;
        case comparison::masked_eq: return (value & of.what.mask) == (of.what.value & of.what.mask);
        case comparison::in: return std::ranges::binary_search(of.keys, value & of.what.mask);
        case comparison::not_in: break;
    }
    return !std::ranges::binary_search(of.keys, value & of.what.mask);
}

std::uint32_t action_of(const call_decision& by, const arguments& with) {
    for (const call_decision::rule& each : by.rules)
        if (std::ranges::all_of(each.conditions, [&](const auto& one) { return holds(one, with[one.what.arg]); }))
            return each.action;
    return by.otherwise;
}

using conditions = std::vector<const told_condition*>;

void collect(const call_decision& from, std::array<conditions, argument_count>& to) {
    for (const call_decision::rule& rule : from.rules)
        for (const told_condition& each : rule.conditions) to.at(each.what.arg).push_back(&each);
}

// Where the answers of conditions on so much of an argument may change: at these, and between two neighbours not.
std::set<std::uint64_t> bounds(const conditions& of, std::uint64_t part) {
    std::set<std::uint64_t> found = {0};
    const auto add = [&](std::uint64_t value) { found.insert({value & part, (value + 1) & part}); };
    for (const told_condition* each : of) {
        if (looks_at_bits(each->what) || all_bits(each->what) != part) continue;
        if (each->keys.empty()) add(each->what.value);
        for (const std::uint64_t key : each->keys) add(key);
    }
    return found;
}

// All that these bits can be.
values combinations(std::uint64_t bits) {
    values found = {0};
    for (; bits != 0; bits &= bits - 1) {
        const std::uint64_t lowest = bits & (~bits + 1);
        const std::size_t before = found.size();
        for (std::size_t each = 0; each < before; ++each) found.push_back(found[each] | lowest);
    }
    return found;
}

// The least value from one on, within a part of an argument, in which some bits are as wanted.
std::optional<std::uint64_t> next_with(std::uint64_t from, std::uint64_t part, std::uint64_t bits,
                                       std::uint64_t wanted) {
    const std::uint64_t wrong = (from ^ wanted) & bits;
    if (wrong == 0) return from;
    std::uint64_t carry = std::bit_floor(wrong);
    if ((wanted & carry) == 0) {
        // It becomes less there, so a bit above that nobody looks at has to be more.
        const std::uint64_t above = part & ~bits & ~from & ~(carry | (carry - 1));
        if (above == 0) return std::nullopt;
        carry = above & (~above + 1);
    }
    return ((from | carry) & ~(carry - 1)) | (wanted & (carry - 1));
}

// One for each combination of answers. If a call's argument is v, take the last bound of wholes that is not above it;
// of halves, the last one not above its half; and the bits that are looked at as they are in v. The least value with these
// three is not above v, and is answered as v. Nothing: too many.
std::optional<values> values_to_try(const conditions& of) {
    std::uint64_t bits = 0;
    for (const told_condition* each : of)
        if (looks_at_bits(each->what)) bits |= each->what.mask & all_bits(each->what);
    if (std::popcount(bits) > looked_at_bits_max) return std::nullopt;
    const values wanted = combinations(bits);
    const std::set<std::uint64_t> starts = bounds(of, whole);
    std::set<std::uint64_t> halves = bounds(of, half);
    const bool half_counts = halves.size() > 1;
    if (half_counts)
        for (const std::uint64_t each : starts) halves.insert(each & half);
    if (starts.size() * halves.size() * wanted.size() > calls_max) return std::nullopt;
    values different;
    std::set<std::vector<bool>> seen;
    const auto add = [&](std::uint64_t value) {
        std::vector<bool> answers;
        for (const told_condition* one : of) answers.push_back(holds(*one, value));
        if (seen.insert(std::move(answers)).second) different.push_back(value);
    };
    for (const std::uint64_t low : halves)
        for (const std::uint64_t each : wanted) {
            const auto fixed = half_counts ? next_with(low, half, bits & half, each & half) : each & half;
            if (!fixed) continue;
            for (const std::uint64_t start : starts)
                if (const auto value =
                        next_with(start, whole, half_counts ? bits | half : bits, (each & ~half) | *fixed))
                    add(*value);
        }
    return different;
}

bool same_for_all(const call_decision& one, const call_decision& other,
                  const std::array<values, argument_count>& to_try) {
    std::array<std::size_t, argument_count> at = {};
    for (;;) {
        arguments with = {};
        for (std::size_t arg = 0; arg < argument_count; ++arg) with[arg] = to_try[arg][at[arg]];
        if (action_of(one, with) != action_of(other, with)) return false;
        std::size_t arg = 0;
        while (arg < argument_count && ++at[arg] == to_try[arg].size()) at[arg++] = 0;
        if (arg == argument_count) return true;
    }
}

}  // namespace

bool decide_the_same(const call_decision& one, const call_decision& other) {
    if (one == other) return true;
    std::array<conditions, argument_count> by_argument;
    collect(one, by_argument);
    collect(other, by_argument);
    std::array<values, argument_count> to_try;
    std::size_t calls = 1;
    for (std::size_t arg = 0; arg < argument_count; ++arg) {
        auto found = values_to_try(by_argument[arg]);
        if (!found) return false;
        calls *= found->size();
        if (calls > calls_max) return false;
        to_try[arg] = std::move(*found);
    }
    return same_for_all(one, other, to_try);
}

}  // namespace secmap::ctl
