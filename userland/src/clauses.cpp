// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clauses.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "comparisons.hpp"

namespace secmap::detail {

namespace {

/// From here on a set is cheaper than one comparison after the other.
constexpr std::size_t set_from = 4;

/// More than the module takes for all calls together.
constexpr std::size_t items_max = std::size_t{1} << 18;

constexpr std::uint32_t split_bit = 0x80000000U;

std::uint64_t largest(std::uint8_t width) noexcept { return width == 64 ? ~0ULL : 0xffffffffULL; }

condition compare(std::uint8_t arg, std::uint8_t width, comparison op, std::uint64_t value) {
    condition made;
    made.arg = arg;
    made.op = op;
    made.width = width;
    made.value = value;
    return made;
}

std::vector<condition> in_range(std::uint8_t arg, std::uint8_t width, std::uint64_t first, std::uint64_t last) {
    if (first == last) return {compare(arg, width, comparison::eq, first)};
    std::vector<condition> made;
    if (first != 0) made.push_back(compare(arg, width, comparison::ge, first));
    if (last != largest(width)) made.push_back(compare(arg, width, comparison::le, last));
    return made;
}

/// Does a condition hold for a value of its argument? Memberships cannot be told: nothing.
std::optional<bool> holds(const condition& at, std::uint64_t value) noexcept {
    return compares(at, value & largest(at.width));
}

bool same(const condition& a, const condition& b) noexcept {
    return a.arg == b.arg && a.op == b.op && a.width == b.width && a.table == b.table && a.value == b.value &&
           a.mask == b.mask;
}

/// Drops what an equality on the same argument makes superfluous. Nothing: the conjunction never holds.
std::optional<std::vector<condition>> simplify(const std::vector<condition>& all) {
    std::vector<condition> kept;
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool needed = true;
        for (std::size_t j = 0; j < all.size() && needed; ++j) {
            if (i == j || all[j].arg != all[i].arg) continue;
            if (same(all[i], all[j])) {
                needed = i < j;
                continue;
            }
            if (all[j].op != comparison::eq || all[j].width < all[i].width) continue;
            const auto known = holds(all[i], all[j].value);
            if (known && !*known) return std::nullopt;
            if (known) needed = false;
        }
        if (needed) kept.push_back(all[i]);
    }
    return kept;
}

std::string key_of(const clause& content, std::uint32_t next) {
    std::string key;
    const auto put = [&](std::uint64_t value) { key.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
    put(content.action);
    put(next);
    for (const condition& at : content.conditions) {
        put((std::uint64_t{at.arg} << 16) | (std::uint64_t{static_cast<std::uint8_t>(at.op)} << 8) | at.width);
        put(at.table);
        put(at.value);
        put(at.mask);
    }
    return key;
}

}  // namespace

std::uint32_t table_pool::add(const std::vector<std::uint64_t>& keys) {
    const auto [found, fresh] = known_.try_emplace(keys, static_cast<std::uint32_t>(tables_.size()));
    if (fresh) {
        table_image made;
        made.max_entries = static_cast<std::uint32_t>(keys.size());
        made.keys = keys;
        tables_.push_back(std::move(made));
    }
    return found->second;
}

/// One way of writing down a split: some answers as clauses in front of the list of the remaining one.
struct flattener::plan {
    struct part {
        std::vector<condition> guard;
        std::vector<clause> clauses;
    };
    std::vector<part> parts;
    list_id rest = 0;
    std::size_t cost = 0;

    void add(std::vector<condition> guard, const std::vector<clause>& clauses) {
        for (const clause& at : clauses) cost += 1 + guard.size() + at.conditions.size();
        parts.push_back({std::move(guard), clauses});
    }
};

std::optional<std::vector<clause>> flattener::clauses_from(node_id start) {
    const list_id list = list_of(start);
    if (too_long_) return std::nullopt;
    std::vector<clause> made;
    for (const list_id at : chain(list)) made.push_back(items_[at].content);
    while (!made.empty() && made.back().action == default_action_) made.pop_back();
    return made;
}

flattener::list_id flattener::list_of(target which) {
    if (const auto found = done_.find(which); found != done_.end()) return found->second;
    const list_id list =
        (which & split_bit) != 0 ? list_of_split(split(splits_[which & ~split_bit])) : list_of_node(which);
    done_.emplace(which, list);
    return list;
}

flattener::list_id flattener::list_of_node(node_id which) {
    const node at = graph_.at(which);
    if (at.is_action()) return at.action == default_action_ ? 0 : cons({}, {{}, at.action}, 0);
    if (!plain(which, at.arg()))
        if (const auto list = list_of_masked(at)) return *list;
    return list_of_split(split_at(which));
}

/// Two masked halves of one argument in a row, or one alone, are one comparison.
std::optional<flattener::list_id> flattener::list_of_masked(const node& first) {
    if (first.test != word_test::eq) {
        too_long_ = true;
        return 0;
    }
    const node second = graph_.at(first.yes);
    const bool pair = first.high() && !second.is_action() && !second.high() && second.arg() == first.arg() &&
                      second.test == word_test::eq && second.no == first.no;
    const unsigned shift = first.high() ? 32 : 0;
    condition made;
    made.arg = first.arg();
    made.op = comparison::masked_eq;
    made.mask = std::uint64_t{first.mask} << shift;
    made.value = std::uint64_t{first.value} << shift;
    if (pair) {
        made.mask |= second.mask;
        made.value |= second.value;
    }
    const list_id yes = list_of(pair ? second.yes : first.yes);
    const list_id no = list_of(first.no);
    std::vector<clause> clauses;
    const auto after = chain(no);
    const std::set<list_id> shared(after.begin(), after.end());
    for (list_id at = yes; at != 0 && !shared.contains(at); at = items_[at].next) clauses.push_back(items_[at].content);
    // Where "yes" falls through it must arrive at the head of "no", or be closed with what follows there.
    const bool total = !clauses.empty() && clauses.back().conditions.empty();
    if (!total) {
        list_id tail = yes;
        for (std::size_t skip = clauses.size(); skip > 0; --skip) tail = items_[tail].next;
        if (tail != no) {
            for (; tail != 0; tail = items_[tail].next) clauses.push_back(items_[tail].content);
            if (clauses.empty() || !clauses.back().conditions.empty()) clauses.push_back({{}, default_action_});
        }
    }
    plan chosen;
    chosen.rest = no;
    chosen.add({made}, clauses);
    return carry_out(chosen);
}

flattener::list_id flattener::list_of_split(const split& over) {
    std::vector<target> targets;
    for (const cell& at : over.cells)
        if (std::find(targets.begin(), targets.end(), at.to) == targets.end()) targets.push_back(at.to);
    if (targets.size() == 1) return list_of(targets[0]);
    // With many answers each is tried in turn as the one that needs no condition; the last cell's usually is.
    constexpr std::size_t tries = 16;
    if (targets.size() > tries) {
        std::swap(targets[0], *std::find(targets.begin(), targets.end(), over.cells.back().to));
        targets.resize(tries);
    }
    std::optional<plan> best;
    for (const target rest : targets) {
        plan made = plan_for(over, rest);
        if (!best || made.cost < best->cost) best = std::move(made);
    }
    return carry_out(*best);
}

flattener::plan flattener::plan_for(const split& over, target rest) {
    plan made;
    made.rest = list_of(rest);
    const auto after = chain(made.rest);
    const std::set<list_id> shared(after.begin(), after.end());
    std::set<target> seen = {rest};
    for (const cell& each : over.cells) {
        if (!seen.insert(each.to).second) continue;
        const list_id list = list_of(each.to);
        std::vector<clause> clauses;
        list_id at = list;
        for (; at != 0 && !shared.contains(at); at = items_[at].next) clauses.push_back(items_[at].content);
        const bool total = !clauses.empty() && clauses.back().conditions.empty();
        if (!total && at != made.rest) {
            // It goes on behind clauses that are not meant for it: say all of it here.
            for (; at != 0; at = items_[at].next) clauses.push_back(items_[at].content);
            if (clauses.empty() || !clauses.back().conditions.empty()) clauses.push_back({{}, default_action_});
        }
        for (auto& guard : alternatives(over, each.to)) made.add(std::move(guard), clauses);
    }
    made.cost += after.size();
    return made;
}

flattener::list_id flattener::carry_out(const plan& chosen) {
    list_id list = chosen.rest;
    for (auto part = chosen.parts.rbegin(); part != chosen.parts.rend(); ++part)
        for (auto at = part->clauses.rbegin(); at != part->clauses.rend(); ++at) list = cons(part->guard, *at, list);
    return list;
}

bool flattener::plain(node_id which, std::uint8_t arg) const {
    const node& at = graph_.at(which);
    return !at.is_action() && at.arg() == arg && at.mask == ~0U;
}

/// Where the questions about one argument end for a value of it; without a low half: where its first question is.
node_id flattener::follow(node_id from, std::uint8_t arg, std::uint32_t high, std::optional<std::uint32_t> low) const {
    while (plain(from, arg)) {
        const node& at = graph_.at(from);
        if (!at.high() && !low) break;
        from = at.answer(at.high() ? high : *low) ? at.yes : at.no;
    }
    return from;
}

/// Values from which on the answers may change: of the high half, or with @p high given of the low half. Sorted, with 0.
std::vector<std::uint32_t> flattener::bounds(node_id start, std::uint8_t arg, std::optional<std::uint32_t> high) const {
    std::set<std::uint32_t> found = {0};
    std::set<node_id> seen;
    std::vector<node_id> open = {start};
    while (!open.empty()) {
        const node_id which = open.back();
        open.pop_back();
        if (!plain(which, arg) || !seen.insert(which).second) continue;
        const node& at = graph_.at(which);
        if (at.high() && high) {
            open.push_back(at.answer(*high) ? at.yes : at.no);
            continue;
        }
        if (at.high() != high.has_value()) {
            if (at.test != word_test::gt) found.insert(at.value);
            if (at.test != word_test::ge && at.value != ~0U) found.insert(at.value + 1);
        }
        open.push_back(at.yes);
        open.push_back(at.no);
    }
    return {found.begin(), found.end()};
}

std::vector<flattener::cell> flattener::cells_of_low(node_id start, std::uint8_t arg, std::uint32_t high) const {
    const auto starts = bounds(start, arg, high);
    std::vector<cell> cells;
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const std::uint32_t last = i + 1 < starts.size() ? starts[i + 1] - 1 : ~0U;
        const node_id to = follow(start, arg, high, starts[i]);
        if (!cells.empty() && cells.back().to == to)
            cells.back().last = last;
        else
            cells.push_back({starts[i], last, to});
    }
    return cells;
}

/// Takes the questions about one argument together: its values fall into ranges, each with where it leads.
flattener::split flattener::split_at(node_id start) {
    const std::uint8_t arg = graph_.at(start).arg();
    const auto alike = [](const std::vector<cell>& a, const std::vector<cell>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](const cell& x, const cell& y) { return x.first == y.first && x.to == y.to; });
    };
    struct row {
        std::uint32_t first;
        std::uint32_t last;
        std::vector<cell> cells;
    };
    std::vector<row> rows;
    const auto highs = bounds(start, arg, std::nullopt);
    for (std::size_t i = 0; i < highs.size(); ++i) {
        const std::uint32_t last = i + 1 < highs.size() ? highs[i + 1] - 1 : ~0U;
        auto cells = cells_of_low(start, arg, highs[i]);
        if (!rows.empty() && alike(rows.back().cells, cells))
            rows.back().last = last;
        else
            rows.push_back({highs[i], last, std::move(cells)});
    }
    if (rows.size() == 1) {
        split made{arg, 32, std::move(rows[0].cells)};
        narrow(made);
        return made;
    }
    split made{arg, 64, {}};
    const auto put = [&](std::uint64_t first, std::uint64_t last, target to) {
        if (!made.cells.empty() && made.cells.back().to == to)
            made.cells.back().last = last;
        else
            made.cells.push_back({first, last, to});
    };
    for (row& at : rows) {
        const std::uint64_t first = std::uint64_t{at.first} << 32;
        const std::uint64_t last = (std::uint64_t{at.last} << 32) | 0xffffffffU;
        if (at.cells.size() == 1) {
            put(first, last, at.cells[0].to);
        } else if (at.first == at.last) {
            for (const cell& low : at.cells) put(first | low.first, first | low.last, low.to);
        } else {
            // The low half is asked for more than one high half: a split of its own.
            splits_.push_back({arg, 32, std::move(at.cells)});
            put(first, last, split_bit | static_cast<target>(splits_.size() - 1));
        }
    }
    narrow(made);
    return made;
}

/// Behind a cell, what is asked about the argument once more is answered by the cell.
void flattener::narrow(split& made) {
    for (cell& at : made.cells) {
        if ((at.to & split_bit) != 0) continue;
        arg_range known;
        known.arg = made.arg;
        const bool one_high = made.width == 32 || at.first >> 32 == at.last >> 32;
        if (one_high) {
            known.first[0] = static_cast<std::uint32_t>(at.first);
            known.last[0] = static_cast<std::uint32_t>(at.last);
        }
        if (made.width == 64) {
            known.first[1] = static_cast<std::uint32_t>(at.first >> 32);
            known.last[1] = static_cast<std::uint32_t>(at.last >> 32);
        }
        at.to = graph_.within(at.to, known);
    }
}

condition flattener::membership(const split& over, comparison op, const std::vector<std::uint64_t>& keys) {
    condition made;
    made.arg = over.arg;
    made.op = op;
    made.width = over.width;
    made.mask = largest(over.width);
    made.table = tables_.add(keys);
    return made;
}

/// Conjunctions that hold for the values that lead to @p to: one of them for each, and none for any other.
std::vector<std::vector<condition>> flattener::alternatives(const split& over, target to) {
    std::vector<std::uint64_t> points;
    std::vector<std::uint64_t> other_points;
    std::vector<cell> ranges;
    bool other_ranges = false;
    for (const cell& at : over.cells) {
        if (at.to != to) {
            other_ranges = other_ranges || at.first != at.last;
            if (at.first == at.last) other_points.push_back(at.first);
        } else if (at.first == at.last) {
            points.push_back(at.first);
        } else {
            ranges.push_back(at);
        }
    }
    const bool edge = ranges.size() == 1 && points.empty();
    if (!other_ranges && !edge) {
        if (other_points.size() >= set_from) return {{membership(over, comparison::not_in, other_points)}};
        std::vector<condition> each;
        for (const std::uint64_t value : other_points)
            each.push_back(compare(over.arg, over.width, comparison::ne, value));
        return {each};
    }
    std::vector<std::vector<condition>> made;
    if (points.size() >= set_from)
        made.push_back({membership(over, comparison::in, points)});
    else
        for (const std::uint64_t value : points) made.push_back(in_range(over.arg, over.width, value, value));
    for (const cell& at : ranges) made.push_back(in_range(over.arg, over.width, at.first, at.last));
    return made;
}

flattener::list_id flattener::cons(const std::vector<condition>& more, const clause& content, list_id next) {
    clause made{more, content.action};
    made.conditions.insert(made.conditions.end(), content.conditions.begin(), content.conditions.end());
    auto simple = simplify(made.conditions);
    if (!simple) return next;
    made.conditions = std::move(*simple);
    if (items_.size() >= items_max) {
        too_long_ = true;
        return next;
    }
    const auto [found, fresh] = interned_.try_emplace(key_of(made, next), static_cast<list_id>(items_.size()));
    if (fresh) items_.push_back({std::move(made), next});
    return found->second;
}

std::vector<flattener::list_id> flattener::chain(list_id from) const {
    std::vector<list_id> all;
    for (; from != 0; from = items_[from].next) all.push_back(from);
    return all;
}

}  // namespace secmap::detail
