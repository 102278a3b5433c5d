// SPDX-License-Identifier: LGPL-2.1-or-later
#include "difference.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <linux/seccomp.h>

#include <secmap/secmap.h>

#include "equivalence.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

// One ABI of a policy.
struct side {
    const policy_image& image;
    const abi_section* section;  // nullptr: it is foreign to it

    [[nodiscard]] std::uint32_t default_action() const {
        return section ? section->default_action : image.foreign_action;
    }

    // Of a number that no rule names.
    [[nodiscard]] std::uint32_t rest(std::uint32_t nr) const {
        return section && section->newer_from && nr >= *section->newer_from ? section->newer_action : default_action();
    }
};

side side_of(const policy_image& image, abi on) {
    const auto found = std::ranges::find(image.sections, on, &abi_section::abi);
    return {image, found == image.sections.end() ? nullptr : &*found};
}

// A table is what is in it, not its number.
told_condition told(const condition& of, const std::vector<table_image>& tables) {
    told_condition to{of, {}};
    if (of.op == comparison::in || of.op == comparison::not_in) to.keys = tables.at(of.table).keys;
    to.what.table = 0;
    return to;
}

call_decision decision_of(const side& by, std::uint32_t nr) {
    call_decision made{{}, by.rest(nr)};
    if (!by.section) return made;
    if (std::ranges::binary_search(by.section->allow, nr)) return {{}, SECCOMP_RET_ALLOW};
    const auto& rules = by.section->rules;
    auto each = std::ranges::lower_bound(rules, nr, {}, &rule::nr);
    if (each != rules.end() && each->nr == nr) made.otherwise = by.default_action();
    for (; each != rules.end() && each->nr == nr; ++each) {
        if (each->conditions.empty()) {
            made.otherwise = each->action;
            break;
        }
        call_decision::rule next{each->action, {}};
        for (const condition& one : each->conditions) next.conditions.push_back(told(one, by.image.tables));
        made.rules.push_back(std::move(next));
    }
    return made;
}

enum class extent : std::uint8_t { never, sometimes, always };

// LOG makes the call, too.
bool makes_call(std::uint32_t action) {
    const std::uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
    return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG;
}

extent extent_of(const call_decision& of) {
    const auto made = [](const call_decision::rule& each) { return makes_call(each.action); };
    if (makes_call(of.otherwise)) return std::ranges::all_of(of.rules, made) ? extent::always : extent::sometimes;
    return std::ranges::any_of(of.rules, made) ? extent::sometimes : extent::never;
}

// Calls that change in the same way are told together.
call_change& change_of(abi_difference& in, call_decision before, call_decision after) {
    const extent was = extent_of(before);
    const extent is = extent_of(after);
    auto& list = is > was ? in.gained : is < was ? in.lost : in.changed;
    for (call_change& each : list)
        if (each.before == before && each.after == after) return each;
    return list.emplace_back(call_change{{}, false, std::move(before), std::move(after)});
}

abi_difference compare(const side& before, const side& after, abi on) {
    abi_difference found;
    found.abi = on;
    found.named_before = before.section != nullptr;
    found.named_after = after.section != nullptr;
    found.default_before = before.default_action();
    found.default_after = after.default_action();
    // The number behind the last one that rules can name stands for all that follow.
    for (std::uint32_t nr = 0; nr <= SECMAP_NR_MAX; ++nr) {
        call_decision was = decision_of(before, nr);
        call_decision is = decision_of(after, nr);
        if (decide_the_same(was, is)) continue;
        call_change& change = change_of(found, std::move(was), std::move(is));
        if (nr == SECMAP_NR_MAX)
            change.and_above = true;
        else
            change.numbers.push_back(nr);
    }
    return found;
}

bool any(const abi_difference& in) {
    return in.default_before != in.default_after || !in.gained.empty() || !in.lost.empty() || !in.changed.empty();
}

}  // namespace

std::vector<abi_difference> difference(const policy_image& before, const policy_image& after) {
    std::vector<abi_difference> found;
    for (const abi each : all_abis) {
        abi_difference one = compare(side_of(before, each), side_of(after, each), each);
        if (any(one)) found.push_back(std::move(one));
    }
    return found;
}

}  // namespace secmap::ctl
