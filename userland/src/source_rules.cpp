// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source_rules.hpp"

#include <algorithm>

#include <secmap/names.hpp>

#include "comparisons.hpp"
#include "program.hpp"

namespace secmap::detail {

namespace {

std::uint64_t seen_through(const condition& at, std::uint64_t value) noexcept {
    return at.width == 64 ? value : value & 0xffffffffU;
}

bool in_table(const table_image& table, std::uint64_t key) {
    return std::find(table.keys.begin(), table.keys.end(), key) != table.keys.end();
}

bool holds_one(const condition& at, std::uint64_t value, const std::vector<table_image>& tables) {
    const std::uint64_t seen = seen_through(at, value);
    if (const auto told = compares(at, seen)) return *told;
    return in_table(tables[at.table], seen & at.mask) == (at.op == comparison::in);
}

/// The smallest value from @p from on whose bits under a mask are as wanted.
std::optional<std::uint64_t> next_masked(std::uint64_t from, std::uint64_t mask, std::uint64_t wanted) {
    if ((from & mask) == wanted) return from;
    // The highest bit that is wrong decides: the free bits above it may have to count one up.
    const std::uint64_t wrong = (from & mask) ^ wanted;
    const int top = 63 - __builtin_clzll(wrong);
    const std::uint64_t below = top == 63 ? ~0ULL : (1ULL << (top + 1)) - 1;
    if ((wanted >> top & 1) != 0) return (from & ~below & ~mask) | (wanted & ~below) | (wanted & below);
    for (int bit = top + 1; bit < 64; ++bit) {
        const std::uint64_t one = 1ULL << bit;
        if ((mask & one) != 0 || (from & one) != 0) continue;
        return (((from | one) & ~(one - 1)) & ~mask) | wanted;
    }
    return std::nullopt;
}

/// Values at which one of the conditions changes its answer: if any value satisfies all of them, one of these does.
std::vector<std::uint64_t> candidates(const std::vector<condition>& all, std::uint8_t arg,
                                      const std::vector<table_image>& tables) {
    std::vector<std::uint64_t> values = {0, ~0ULL, 0xffffffffU};
    for (const condition& at : all) {
        if (at.arg != arg) continue;
        for (const std::uint64_t value : {at.value - 1, at.value, at.value + 1}) values.push_back(value);
        if (at.op == comparison::in || at.op == comparison::not_in)
            for (const std::uint64_t key : tables[at.table].keys)
                for (const std::uint64_t value : {key, key + 1}) values.push_back(value);
    }
    const std::size_t plain = values.size();
    for (const condition& at : all) {
        if (at.arg != arg || at.op != comparison::masked_eq) continue;
        for (std::size_t index = 0; index < plain; ++index) {
            values.push_back((values[index] & ~at.mask) | (at.value & at.mask));
            if (const auto next = next_masked(values[index], at.mask, at.value & at.mask)) values.push_back(*next);
        }
    }
    return values;
}

condition as_taken(const profile_arg& arg, abi which) {
    condition made;
    made.arg = static_cast<std::uint8_t>(arg.index);
    made.op = arg.op;
    made.width = which == abi::x86_64 ? 64 : 32;
    const bool masked = arg.op == comparison::masked_eq;
    made.mask = masked ? seen_through(made, arg.value) : 0;
    made.value = seen_through(made, masked ? arg.value_two & arg.value : arg.value);
    return made;
}

/// The same of an argument of which the low half is all. What is beyond it stays 64 bits wide.
condition as_taken_of_int(profile_arg arg) {
    const bool masked = arg.op == comparison::masked_eq;
    std::uint64_t& value = masked ? arg.value_two : arg.value;
    value = without_sign(value);
    condition made = as_taken(arg, abi::x86_64);
    if (made.value > 0xffffffffU) return made;
    made.width = 32;
    made.mask = seen_through(made, made.mask);
    return made;
}

bool overlap(const std::vector<condition>& a, const std::vector<condition>& b, const std::vector<table_image>& tables) {
    std::vector<condition> both = a;
    both.insert(both.end(), b.begin(), b.end());
    return !witnesses(both, tables).empty();
}

/// Does a condition hold wherever @p given does, as far as the values tell at which either changes?
bool implied(const condition& wanted, const std::vector<condition>& given, const std::vector<table_image>& tables) {
    std::vector<condition> both = given;
    both.push_back(wanted);
    auto values = candidates(both, wanted.arg, tables);
    const std::size_t plain = values.size();
    for (std::size_t index = 0; index < plain; ++index) values.push_back(values[index] ^ (wanted.mask & -wanted.mask));
    return std::all_of(values.begin(), values.end(), [&](std::uint64_t value) {
        const bool possible = std::all_of(given.begin(), given.end(), [&](const condition& at) {
            return at.arg != wanted.arg || holds_one(at, value, tables);
        });
        return !possible || holds_one(wanted, value, tables);
    });
}

bool is_set(const condition& at) { return at.op == comparison::in; }

}  // namespace

bool holds(const std::vector<condition>& conditions, const call_args& args, const std::vector<table_image>& tables) {
    return std::all_of(conditions.begin(), conditions.end(),
                       [&](const condition& at) { return holds_one(at, args[at.arg], tables); });
}

std::vector<call_args> witnesses(const std::vector<condition>& conditions, const std::vector<table_image>& tables) {
    std::vector<call_args> found = {call_args{}};
    for (std::uint8_t arg = 0; arg < 6; ++arg) {
        const auto concerns = [&](const condition& at) { return at.arg == arg; };
        if (std::none_of(conditions.begin(), conditions.end(), concerns)) continue;
        const bool set = std::any_of(conditions.begin(), conditions.end(),
                                     [&](const condition& at) { return concerns(at) && at.op == comparison::in; });
        std::vector<std::uint64_t> values;
        for (const std::uint64_t value : candidates(conditions, arg, tables)) {
            if (!values.empty() && !set) break;
            const bool good = std::all_of(conditions.begin(), conditions.end(), [&](const condition& at) {
                return !concerns(at) || holds_one(at, value, tables);
            });
            if (good && std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
        }
        if (values.empty()) return {};
        std::vector<call_args> wider;
        for (const call_args& before : found)
            for (const std::uint64_t value : values) {
                wider.push_back(before);
                wider.back()[arg] = value;
                constexpr std::size_t enough = 4096;
                if (wider.size() == enough) break;
            }
        found = std::move(wider);
    }
    return found;
}

source_rules::source_rules(const profile& from, abi which, argument_widths widths) : widths_(widths) {
    for (std::size_t index = 0; index < from.entries.size(); ++index)
        if (from.entries[index].action != from.default_action) add(from.entries[index], index, which);
    std::stable_sort(rules_.begin(), rules_.end(),
                     [](const source_rule& a, const source_rule& b) { return a.number < b.number; });
}

void source_rules::add(const profile_entry& entry, std::size_t index, abi which) {
    for (const std::string& name : entry.names)
        for (const call_route& route : call_routes(which, name))
            for (const auto& args : conjunctions(entry)) {
                source_rule made;
                made.number = route.number;
                made.action = entry.action;
                made.entry = index;
                made.path = entry.path;
                for (const profile_arg& arg : args) {
                    if (route.operation && arg.index == 0) continue;
                    const bool cut = widths_ == argument_widths::as_kernel && is_narrow(which, name, arg.index);
                    made.conditions.push_back(cut ? as_taken_of_int(arg) : as_taken(arg, which));
                }
                // libseccomp puts the multiplexer's operation in the place of a condition on the first argument.
                if (route.operation)
                    made.conditions.push_back(as_taken({0, comparison::eq, *route.operation, 0}, which));
                rules_.push_back(std::move(made));
            }
}

std::vector<const source_rule*> source_rules::of(std::uint32_t number) const {
    std::vector<const source_rule*> found;
    auto at = std::lower_bound(rules_.begin(), rules_.end(), number,
                               [](const source_rule& rule, std::uint32_t wanted) { return rule.number < wanted; });
    for (; at != rules_.end() && at->number == number; ++at) found.push_back(&*at);
    return found;
}

std::string source_rules::origin(std::uint32_t number, std::uint32_t action, const std::vector<condition>& conditions,
                                 const std::vector<table_image>& tables) const {
    // A clause of an ordered list says less than the rule it comes from: what the clauses before it took is left out.
    // So the rules are asked for that follow from it; then for those that hold somewhere in it.
    const auto places = witnesses(conditions, tables);
    const bool set = std::any_of(conditions.begin(), conditions.end(), is_set);
    const auto follows = [&](const source_rule& rule) {
        return !set && std::all_of(rule.conditions.begin(), rule.conditions.end(),
                                   [&](const condition& at) { return implied(at, conditions, tables); });
    };
    const auto somewhere = [&](const source_rule& rule) {
        return std::any_of(places.begin(), places.end(),
                           [&](const call_args& args) { return holds(rule.conditions, args, tables); });
    };
    const auto touches = [&](const source_rule& rule) { return overlap(rule.conditions, conditions, tables); };
    std::string text = paths_of(number, action, follows);
    if (text.empty()) text = paths_of(number, action, somewhere);
    if (text.empty()) text = paths_of(number, action, touches);
    return text;
}

std::string source_rules::paths_of(std::uint32_t number, std::uint32_t action,
                                   const std::function<bool(const source_rule&)>& wanted) const {
    std::vector<std::string> paths;
    for (const source_rule* rule : of(number))
        if (rule->action == action && std::find(paths.begin(), paths.end(), rule->path) == paths.end() && wanted(*rule))
            paths.push_back(rule->path);
    std::string text;
    for (const std::string& path : paths) text += (text.empty() ? "" : ", ") + path;
    return text;
}

std::optional<std::pair<const source_rule*, const source_rule*>> source_rules::first_conflict() const {
    for (std::size_t i = 0; i < rules_.size(); ++i)
        for (std::size_t j = i + 1; j < rules_.size() && rules_[j].number == rules_[i].number; ++j)
            if (rules_[i].action != rules_[j].action && overlap(rules_[i].conditions, rules_[j].conditions, {}))
                return std::pair(&rules_[i], &rules_[j]);
    return std::nullopt;
}

std::optional<std::pair<const source_rule*, const source_rule*>> source_rules::conflict_with(std::size_t entry) const {
    for (const source_rule& mine : rules_) {
        if (mine.entry != entry) continue;
        for (const source_rule* other : of(mine.number))
            if (other->entry < entry && other->action != mine.action && overlap(other->conditions, mine.conditions, {}))
                return std::pair(other, &mine);
    }
    return std::nullopt;
}

}  // namespace secmap::detail
