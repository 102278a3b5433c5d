// SPDX-License-Identifier: LGPL-2.1-or-later
#include "code_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>
#include <linux/seccomp.h>

#include <secmap/secmap.h>
#include <secmap/filter_program.hpp>

namespace secmap::detail {

namespace {

/// -1, which a tracer writes to skip a call: never newer, and always of the native ABI.
constexpr std::uint32_t no_call = 0xffffffffU;

/// So many equalities in a row are no slower than halving.
constexpr std::size_t row_most = 4;

bool same_condition(const condition& one, const condition& other) {
    return one.arg == other.arg && one.op == other.op && one.width == other.width && one.table == other.table &&
           one.value == other.value && one.mask == other.mask;
}

bool same_rule(const rule& one, const rule& other) {
    return one.action == other.action && std::ranges::equal(one.conditions, other.conditions, same_condition);
}

/// Single values that all others lie around: a, x, a, y, a.
bool is_row(std::span<const cell> cells) {
    if (cells.size() % 2 == 0 || cells.size() / 2 > row_most) return false;
    for (std::size_t at = 1; at < cells.size(); at += 2)
        if (cells[at + 1].to != cells.front().to || cells[at + 1].first - cells[at].first != 1) return false;
    return true;
}

/// Writes what is said about one ABI.
class section_writer final {
public:
    section_writer(code_writer& by, const abi_section& section) : by_(by), section_(section) {}

    /// Where its numbers lead: calls have @p first for 0, and those from @p end on are of another section.
    [[nodiscard]] std::vector<cell> cells(std::uint32_t first, std::uint32_t end);

private:
    [[nodiscard]] std::uint32_t rest_action(std::uint32_t number) const noexcept {
        const bool newer = section_.newer_from && number >= *section_.newer_from && number != no_call;
        return newer ? section_.newer_action : section_.default_action;
    }
    [[nodiscard]] label rest(std::uint32_t number);
    [[nodiscard]] label rules(std::span<const rule> of);
    [[nodiscard]] label number(std::uint32_t number);

    /// Rules, and where they are.
    struct written {
        std::span<const rule> rules;
        label at;
    };

    code_writer& by_;
    const abi_section& section_;
    std::vector<written> written_;
    std::map<std::uint32_t, std::optional<label>> tested_;  ///< by what the others get
};

/// For numbers without rules. Those that are allowed need not be told from the others here, if one step does that.
label section_writer::rest(std::uint32_t number) {
    const std::uint32_t action = rest_action(number);
    if (section_.allow.empty() || number > section_.allow.back()) return by_.answer(action);
    auto known = tested_.find(action);
    if (known == tested_.end()) {
        const label allow = by_.answer(SECCOMP_RET_ALLOW);
        known = tested_.emplace(action, by_.is_among(section_.abi, section_.allow, allow, by_.answer(action))).first;
    }
    if (known->second) return *known->second;
    return by_.answer(std::ranges::binary_search(section_.allow, number) ? SECCOMP_RET_ALLOW : action);
}

/// The first that holds decides. Calls with equal rules share them.
label section_writer::rules(std::span<const rule> of) {
    for (const written& each : written_)
        if (std::ranges::equal(each.rules, of, same_rule)) return each.at;
    label next = by_.answer(section_.default_action);
    for (auto each = of.rbegin(); each != of.rend(); ++each) {
        label yes = by_.answer(each->action);
        for (auto asked = each->conditions.rbegin(); asked != each->conditions.rend(); ++asked)
            yes = by_.holds(section_.abi, *asked, yes, next);
        next = yes;
    }
    written_.push_back({of, next});
    return next;
}

label section_writer::number(std::uint32_t number) {
    const auto first = std::ranges::lower_bound(section_.rules, number, {}, &rule::nr);
    const auto end = std::ranges::upper_bound(section_.rules, number, {}, &rule::nr);
    return first == end ? rest(number) : rules({first, end});
}

std::vector<cell> section_writer::cells(std::uint32_t first, std::uint32_t end) {
    std::vector<cell> made;
    for (std::uint32_t each = 0; each <= SECMAP_NR_MAX; ++each) add_cell(made, {first + each, number(each)});
    const std::uint32_t newer = section_.newer_from.value_or(no_call);
    if (newer > SECMAP_NR_MAX && newer < end - first) add_cell(made, {first + newer, rest(newer)});
    return made;
}

const abi_section* section_of(const policy_image& policy, abi which) {
    const auto found = std::ranges::find(policy.sections, which, &abi_section::abi);
    return found != policy.sections.end() ? &*found : nullptr;
}

/// The cells of an ABI, which may have no section, behind those of another.
void add_cells(std::vector<cell>& to, code_writer& by, const policy_image& policy, abi which) {
    const std::uint32_t first = which == abi::x32 ? x32_bit : 0;
    const std::uint32_t end = which == abi::x86_64 ? x32_bit : no_call;
    const abi_section* section = section_of(policy, which);
    if (section == nullptr) {
        add_cell(to, {first, by.answer(policy.foreign_action)});
        return;
    }
    for (const cell& each : section_writer(by, *section).cells(first, end)) add_cell(to, each);
}

void add_no_call(std::vector<cell>& to, code_writer& by, const policy_image& policy, abi which) {
    const abi_section* section = section_of(policy, which);
    add_cell(to, {no_call, by.answer(section != nullptr ? section->default_action : policy.foreign_action)});
}

}  // namespace

void add_cell(std::vector<cell>& to, const cell& next) {
    if (to.empty() || to.back().to != next.to) to.push_back(next);
}

label search(code_writer& by, std::span<const cell> cells) {
    if (is_row(cells)) {
        label next = cells.front().to;
        for (std::size_t at = cells.size(); at > 1; at -= 2)
            next = by.is_equal(cells[at - 2].first, cells[at - 2].to, next);
        return next;
    }
    const std::size_t middle = cells.size() / 2;
    // The nearer half is written last.
    const label upper = search(by, cells.subspan(middle));
    const label lower = search(by, cells.first(middle));
    return by.is_at_least(cells[middle].first, upper, lower);
}

void write_policy(code_writer& by, const policy_image& policy) {
    const label foreign = by.answer(policy.foreign_action);
    std::vector<cell> i386;
    add_cells(i386, by, policy, abi::i386);
    add_no_call(i386, by, policy, abi::i386);
    std::vector<cell> x86_64;
    add_cells(x86_64, by, policy, abi::x86_64);
    add_cells(x86_64, by, policy, abi::x32);
    add_no_call(x86_64, by, policy, abi::x86_64);
    const label by_number_i386 = search(by, i386);
    by.begin(search(by, x86_64), by_number_i386, foreign);
}

error too_long(const std::string& kind, const policy_image& policy, std::size_t length) {
    return {E2BIG, "compile program",
            fmt::format("{}: {} needs {} instructions, the limit is {}", policy.name, kind, length, filter_length_max),
            "the engine maps takes larger profiles"};
}

}  // namespace secmap::detail
