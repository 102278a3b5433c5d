// SPDX-License-Identifier: LGPL-2.1-or-later
#include "evasion.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <linux/seccomp.h>

#include <secmap/secmap.h>
#include <secmap/call_arguments.hpp>
#include <secmap/names.hpp>

#include "call_options.hpp"
#include "decoded_call.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

constexpr std::size_t values_most = 64;   // of one argument that are tried
constexpr std::size_t calls_most = 4096;  // of one number
constexpr std::uint8_t whole_width = 64;

using arguments = std::array<std::uint64_t, 6>;

std::uint64_t low_bits(std::uint8_t width) { return width == whole_width ? ~0ULL : (1ULL << width) - 1; }

// The smaller wins, as between policies of a stack.
bool laxer(std::uint32_t one, std::uint32_t other) {
    return static_cast<std::int32_t>(one & SECCOMP_RET_ACTION_FULL) >
           static_cast<std::int32_t>(other & SECCOMP_RET_ACTION_FULL);
}

// LOG runs the call as ALLOW does.
bool runs(std::uint32_t action) {
    const std::uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
    return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG;
}

// Values at which a comparison changes its answer.
void add_values(std::set<std::uint64_t>& to, const condition& at, const std::vector<table_image>& tables) {
    const auto put = [&](std::uint64_t value) {
        if (to.size() < values_most) to.insert({value, value - 1, value + 1});
    };
    if (at.op != comparison::in && at.op != comparison::not_in) {
        put(at.value);
        if (at.op == comparison::masked_eq) put(at.mask);
        return;
    }
    for (const std::uint64_t key : tables[at.table].keys) put(key);
}

/// Looks for one call of a number.
class search final {
public:
    search(const policy_image& of, const simulator& judge, call_facts call, std::span<const rule> rules);

    [[nodiscard]] std::optional<evasion> run();

private:
    [[nodiscard]] verdict ask(const arguments& args);
    [[nodiscard]] std::vector<arguments> calls() const;
    [[nodiscard]] std::optional<evasion> evade(const arguments& meant);

    const simulator& judge_;
    call_facts call_;
    std::array<std::set<std::uint64_t>, 6> values_;
    std::vector<std::pair<std::uint8_t, std::uint64_t>> unseen_;  ///< arguments, and which of their bits do not count
};

search::search(const policy_image& of, const simulator& judge, call_facts call, std::span<const rule> rules)
    : judge_(judge), call_(std::move(call)) {
    const auto known = call_arguments(call_.abi, call_.name);
    std::array<std::uint64_t, 6> seen = {};
    for (const rule& each : rules)
        for (const condition& at : each.conditions) {
            add_values(values_[at.arg], at, of.tables);
            seen[at.arg] |= low_bits(at.width) & (at.mask != 0 ? at.mask : ~0ULL);
        }
    for (std::uint8_t arg = 0; arg < known.size() && arg < seen.size(); ++arg)
        if (const std::uint64_t beyond = seen[arg] & ~low_bits(known[arg].width); beyond != 0)
            unseen_.emplace_back(arg, beyond & -beyond);
    for (const auto& [arg, bit] : unseen_) {
        std::set<std::uint64_t> cut;
        for (const std::uint64_t value : values_[arg]) cut.insert(value & low_bits(known[arg].width));
        values_[arg] = std::move(cut);
    }
}

verdict search::ask(const arguments& args) {
    call_.args = args;
    return judge_.judge(to_data(call_));
}

std::vector<arguments> search::calls() const {
    std::vector<arguments> made = {arguments{}};
    for (std::size_t arg = 0; arg < values_.size(); ++arg) {
        std::vector<arguments> wider;
        for (const arguments& before : made)
            for (const std::uint64_t value : values_[arg]) {
                if (wider.size() == calls_most) break;
                wider.push_back(before);
                wider.back()[arg] = value;
            }
        if (!wider.empty()) made = std::move(wider);
    }
    return made;
}

// One argument, or all of them, with a bit that does not count.
std::optional<evasion> search::evade(const arguments& meant) {
    const verdict denied = ask(meant);
    if (runs(denied.action)) return std::nullopt;
    std::vector<arguments> others;
    arguments all = meant;
    for (const auto& [arg, bit] : unseen_) {
        others.push_back(meant);
        others.back()[arg] |= bit;
        all[arg] |= bit;
    }
    if (unseen_.size() > 1) others.push_back(all);
    for (const arguments& each : others) {
        const verdict got = ask(each);
        if (!laxer(got.action, denied.action) || !runs(got.action)) continue;
        evasion found{call_, call_, denied, got, {}};
        found.denied.args = meant;
        for (std::size_t arg = 0; arg < values_.size(); ++arg)
            if (!values_[arg].empty()) found.denied.given.push_back(static_cast<std::uint8_t>(arg));
        found.made.given = found.denied.given;
        return found;
    }
    return std::nullopt;
}

std::optional<evasion> search::run() {
    if (unseen_.empty()) return std::nullopt;
    for (const arguments& each : calls())
        if (auto found = evade(each)) return found;
    return std::nullopt;
}

std::string origin_of(const abi_section& in, const verdict& by) {
    if (by.rule == SECMAP_RULE_DEFAULT) return "/defaultAction";
    return by.rule < in.rules.size() ? in.rules[by.rule].origin : std::string();
}

}  // namespace

std::vector<evasion> find_evasions(const policy_image& of, const simulator& judge) {
    std::vector<evasion> found;
    for (const abi_section& section : of.sections) {
        for (auto first = section.rules.begin(); first != section.rules.end();) {
            const auto last =
                std::find_if(first, section.rules.end(), [&](const rule& each) { return each.nr != first->nr; });
            call_facts call;
            call.abi = section.abi;
            call.nr = first->nr;
            call.name = call_name(section.abi, first->nr);
            if (auto one = search(of, judge, std::move(call), {first, last}).run()) {
                one->origin = origin_of(section, one->by);
                found.push_back(std::move(*one));
            }
            first = last;
        }
    }
    return found;
}

std::string evasion_words(const evasion& of) {
    std::string bits;
    for (std::size_t arg = 0; arg < of.made.args.size(); ++arg)
        if (of.made.args.at(arg) != of.denied.args.at(arg))
            bits += fmt::format("{}argument {} as {}", bits.empty() ? "" : " and ", arg, hex(of.made.args.at(arg)));
    return fmt::format("{} on {} is {}; with {}, the same to the kernel, it is {}", decoded_call(of.denied),
                       abi_name(of.denied.abi), action_text(of.instead_of.action), bits, action_text(of.by.action));
}

}  // namespace secmap::ctl
