// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats_text.hpp"

#include <string>

#include <fmt/format.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "bits.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string policy_words(const policy_info& of) { return fmt::format("policy {} ({})", of.id, printable(of.name)); }

// "default", "rule 3: openat(257)"
std::string decider_words(const policy_count& of) {
    std::string kind = decision_kind({of.action, of.rule});
    if (kind != "rule") return kind;
    return fmt::format("rule {}: {}", of.rule, call_words(of.abi, of.nr));
}

// Of a program the data of its actions are not known.
std::string said_words(const policy_count& of) {
    return of.rule == SECMAP_RULE_PROGRAM ? action_name(of.action) : action_text(of.action);
}

std::string rate_words(const std::optional<double>& of) { return of ? fmt::format("{:.1f}", *of) : "-"; }

void print_counted(buffer& to, const counted_policy& of) {
    line(to, "{}: {}, on {}", policy_words(of.policy), of.counted ? "counted" : "not counted any more",
         counted(of.policy.stacks, "stack"));
    if (of.rows.empty()) {
        line(to, "{}no call so far", indent);
        return;
    }
    line(to, "{}{:<6}  {:>15}  {:>12}  {:<32}  {}", indent, "ABI", "CALLS", "PER SECOND", "BY", "ACTION");
    for (const counted_policy::row& each : of.rows)
        line(to, "{}{:<6}  {:>15}  {:>12}  {:<32}  {}", indent, abi_name(each.what.abi), each.what.calls,
             rate_words(each.rate), decider_words(each.what), said_words(each.what));
}

}  // namespace

void print_counting(buffer& to, const count_report& of) {
    const bool on = of.what == counting::on;
    if (on == of.policy.counted)
        line(to, "{} was {} already", policy_words(of.policy), on ? "counted" : "not counted");
    else
        line(to, "{} is {}: in {} and {}", policy_words(of.policy), on ? "counted from now on" : "not counted any more",
             counted(of.done.tasks, "task"), counted(of.done.stacks, "stack"));
}

void print_stats(buffer& to, const stats_report& of) {
    if (of.policies.empty()) line(to, "nothing is counted: 'secmapctl stats on' begins");
    for (const counted_policy& each : of.policies) print_counted(to, each);
    if (of.seconds) line(to, "");
}

void print_metrics(buffer& to, const metrics_report& of) {
    if (of.written_to.empty())
        to += of.text;
    else
        line(to, "{} written", printable(of.written_to));
}

}  // namespace secmap::ctl
