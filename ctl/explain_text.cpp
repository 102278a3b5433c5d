// SPDX-License-Identifier: LGPL-2.1-or-later
#include "explain_text.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "bits.hpp"
#include "decoded_call.hpp"
#include "explain_json.hpp"
#include "sentence.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

void print_notes(buffer& to, const std::vector<std::string>& notes) {
    for (const std::string& each : notes) line(to, "note: {}", printable(each));
}

std::string policy_words(const policy_info& of) {
    return of.name.empty() ? fmt::format("policy {}", of.id) : fmt::format("policy {} ({})", of.id, printable(of.name));
}

void print_numbers(buffer& to, const std::string& fate, abi on, const std::vector<std::uint32_t>& numbers) {
    if (numbers.empty()) return;
    line(to, "{}: {}", fate, counted(numbers.size(), "call"));
    print_words(to, number_words(on, numbers));
}

// Rules without conditions, of calls that have no other one.
std::map<std::uint32_t, std::vector<std::uint32_t>> constants(const abi_section& of) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> found;
    for (std::size_t each = 0; each < of.rules.size(); ++each)
        if (is_constant(of, each)) found[of.rules[each].action].push_back(of.rules[each].nr);
    return found;
}

std::string whose(const task_explanation& of) {
    return fmt::format("process {}{} ({})", of.pid, of.tid == of.pid ? "" : fmt::format(", thread {}", of.tid),
                       printable(of.name));
}

// "deny it", where a whole sentence would say the call again and again.
std::string says_words(const verdict& of) { return fmt::format("{}, {}", fate_words(of.action), decider_words(of)); }

void print_carried(buffer& to, const task_explanation& of) {
    for (std::size_t each = 0; each < of.policies.size(); ++each) {
        const auto& one = of.policies[each];
        if (!one.says) {
            line(to, "{}{}, {}", indent, policy_words(one.policy), kind_name(one.policy.kind));
            continue;
        }
        line(to, "{}{}: {}{}{}", indent, policy_words(one.policy), says_words(*one.says),
             one.origins.empty() ? "" : printable(fmt::format("  [{}]", fmt::join(one.origins, ", "))),
             of.decides == each ? "  <- decides" : "");
    }
}

std::string remedy_words(const denial& of) {
    const remedy& cure = *of.cure;
    const std::string entry = cure.name.empty() ? "" : entry_text(cure);
    switch (cure.what) {
        case remedy::kind::add_entry: return "to allow it, add to \"syscalls\": " + entry;
        case remedy::kind::take_out: return fmt::format("to allow it, take {} out of {}", cure.name, cure.place);
        case remedy::kind::take_out_and_add:
            return fmt::format("to allow it, take {} out of {} and add to \"syscalls\": {}", cure.name, cure.place,
                               entry);
        case remedy::kind::name_abi: return fmt::format("to allow it, name {} in \"architectures\"", cure.architecture);
        case remedy::kind::none: break;
    }
    return "no small change of the profile was found that allows it";
}

void print_denial(buffer& to, const denial& of) {
    const std::string on = of.call.abi == abi::x86_64 ? "" : fmt::format(" of {}", abi_name(of.call.abi));
    line(to, "{}{} is {}{}{}, {}, first in {} {}", decoded_call(of.call), on, fate_words(of.action),
         of.by ? ", " + decider_words(*of.by) : "", of.origin.empty() ? "" : printable(fmt::format(" [{}]", of.origin)),
         of.count == 1 ? "once" : fmt::format("{} times", of.count), of.pid, printable(of.comm));
    if (of.cure) line(to, "{}{}", indent, remedy_words(of));
}

}  // namespace

bool is_constant(const abi_section& in, std::size_t rule) {
    const auto& rules = in.rules;
    return rules[rule].conditions.empty() && (rule == 0 || rules[rule - 1].nr != rules[rule].nr);
}

void print_summary(buffer& to, const profile_summary& of) {
    line(to, "{}, for calls of {}", printable(of.by), abi_name(of.section.abi));
    print_numbers(to, "allowed, whatever the arguments are", of.section.abi, of.section.allow);
    for (const auto& [action, numbers] : constants(of.section))
        print_numbers(to, fate_words(action) + ", whatever the arguments are", of.section.abi, numbers);
    for (std::size_t each = 0; each < of.section.rules.size(); ++each) {
        const bool first = each == 0 || of.section.rules[each - 1].nr != of.section.rules[each].nr;
        if (first && !is_constant(of.section, each))
            line(to, "{}", sentence(of.section.abi, of.section.rules, each, of.section.default_action, of.tables));
    }
    if (of.section.newer_from)
        line(to, "numbers from {} on are {}, for they are newer than the profile", *of.section.newer_from,
             fate_words(of.section.newer_action));
    line(to, "all else is {}, by the default", fate_words(of.section.default_action));
    std::vector<std::string_view> others;
    for (const abi each : of.others) others.push_back(abi_name(each));
    if (!others.empty()) line(to, "it names {}, too: --abi shows them", fmt::join(others, " and "));
    if (others.size() + 1 < all_abis.size()) line(to, "calls of other ABIs are {}", fate_words(of.foreign_action));
    print_notes(to, of.notes);
}

void print_summary(buffer& to, const policy_summary& of) {
    line(to, "{}, {}, for calls of {}", policy_words(of.policy), kind_name(of.policy.kind), abi_name(of.on));
    line(to,
         "the kernel tells what it answers to calls whose arguments are 0; not what its rules say (--profile does)");
    std::map<std::pair<std::string, std::string>, std::vector<std::uint32_t>> by_fate;
    for (std::uint32_t nr = 0; nr < of.answers.size(); ++nr) {
        const verdict& each = of.answers[nr];
        const bool rule = decision_kind(each) == "rule";
        by_fate[{fate_words(each.action), rule ? "by a rule" : decider_words(each)}].push_back(nr);
    }
    for (const auto& [fate, numbers] : by_fate) print_numbers(to, fate.first + ", " + fate.second, of.on, numbers);
    print_notes(to, of.notes);
}

void print_task(buffer& to, const task_explanation& of) {
    const std::string call = of.call ? subject_words(*of.call) : "";
    if (of.policies.empty()) {
        line(to, "{} is not filtered{}", whose(of), of.call ? fmt::format(": {} is made", call) : "");
    } else if (!of.call) {
        line(to, "{} carries {}, newest first (--call asks about a call)", whose(of),
             of.policies.size() == 1 ? "1 policy" : fmt::format("{} policies", of.policies.size()));
    } else {
        const auto& by = of.policies.at(*of.decides);
        line(to, "{}: {} is {}, {}, of {}", whose(of), call, fate_words(by.says->action), decider_words(*by.says),
             policy_words(by.policy));
    }
    print_carried(to, of);
    print_notes(to, of.notes);
}

void print_why(buffer& to, const why_report& of) {
    const std::string by = of.profile.empty() ? fmt::format("policy {}", of.policy) : printable(of.profile);
    line(to, "secmapctl: {}: {} by {}", printable(of.program),
         of.denials.empty() ? "nothing was denied" : counted(of.denials.size(), "kind") + " of call denied", by);
    for (const denial& each : of.denials) print_denial(to, each);
    if (of.lost != 0) line(to, "{} were lost: they came faster than they were read", of.lost);
    if (of.suppressed != 0) line(to, "{} were not told of: there were more than events_rate", of.suppressed);
    print_notes(to, of.notes);
}

}  // namespace secmap::ctl
