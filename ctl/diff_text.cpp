// SPDX-License-Identifier: LGPL-2.1-or-later
#include "diff_text.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string rule_words(const call_decision::rule& of) {
    std::string words = action_text(of.action);
    for (std::size_t each = 0; each < of.conditions.size(); ++each)
        words += (each == 0 ? " if " : " and ") + condition_words(of.conditions[each]);
    return words;
}

void print_decision(buffer& to, std::string_view when, const call_decision& of) {
    std::vector<std::string> rows;
    for (const call_decision::rule& each : of.rules) rows.push_back(rule_words(each));
    rows.push_back((rows.empty() ? "" : "otherwise ") + action_text(of.otherwise));
    for (std::size_t each = 0; each < rows.size(); ++each)
        line(to, "{}{}{:<5}{}", indent, indent, each == 0 ? when : "", rows[each]);
}

bool differ_in_keys_alone(const told_condition& one, const told_condition& other) {
    return one.what == other.what && one.keys != other.keys;
}

void print_keys(buffer& to, std::string_view what, const std::vector<std::uint64_t>& keys) {
    if (!keys.empty()) line(to, "{}{}     {} {}", indent, indent, what, some_of(keys));
}

// A set may be too long to be read twice: then what came and what went is told.
void print_key_changes(buffer& to, const call_decision& before, const call_decision& after) {
    if (before.rules.size() != after.rules.size()) return;
    for (std::size_t each = 0; each < before.rules.size(); ++each) {
        const auto& was = before.rules[each].conditions;
        const auto& is = after.rules[each].conditions;
        if (before.rules[each].action != after.rules[each].action || was.size() != is.size()) return;
        for (std::size_t one = 0; one < was.size(); ++one) {
            if (!differ_in_keys_alone(was[one], is[one])) continue;
            std::vector<std::uint64_t> came;
            std::vector<std::uint64_t> went;
            std::ranges::set_difference(is[one].keys, was[one].keys, std::back_inserter(came));
            std::ranges::set_difference(was[one].keys, is[one].keys, std::back_inserter(went));
            print_keys(to, "with", came);
            print_keys(to, "without", went);
        }
    }
}

void print_changes(buffer& to, abi on, std::string_view kind, const std::vector<call_change>& of) {
    std::size_t count = 0;
    bool and_above = false;
    for (const call_change& each : of) {
        count += each.numbers.size();
        and_above = and_above || each.and_above;
    }
    if (of.empty()) return;
    line(to, "  {}: {}{}", kind, counted(count, "number"),
         and_above ? fmt::format(", and all from {} on", SECMAP_NR_MAX) : "");
    for (const call_change& each : of) {
        print_words(to, number_words(on, each.numbers));
        if (each.and_above) line(to, "{}all from {} on", indent, SECMAP_NR_MAX);
        print_decision(to, "was", each.before);
        print_decision(to, "now", each.after);
        print_key_changes(to, each.before, each.after);
    }
}

std::string head(const diff_report& of, const abi_difference& on) {
    std::string words = fmt::format("{}: otherwise {}", abi_name(on.abi), action_text(on.default_after));
    if (on.default_before != on.default_after) words += ", was " + action_text(on.default_before);
    if (on.named_before != on.named_after)
        words += fmt::format("; only {} names it", printable((on.named_after ? of.after : of.before).file));
    return words;
}

}  // namespace

void print_difference(buffer& to, const diff_report& of) {
    if (of.abis.empty()) {
        line(to, "{} and {} decide the same", printable(of.before.file), printable(of.after.file));
        return;
    }
    line(to, "from {} to {}", printable(of.before.file), printable(of.after.file));
    for (const abi_difference& each : of.abis) {
        line(to, "{}", head(of, each));
        print_changes(to, each.abi, "gained", each.gained);
        print_changes(to, each.abi, "lost", each.lost);
        print_changes(to, each.abi, "changed", each.changed);
    }
}

}  // namespace secmap::ctl
