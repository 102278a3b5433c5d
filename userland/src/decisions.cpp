// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decisions.hpp"

#include <cstddef>

#include <fmt/format.h>
#include <linux/seccomp.h>

namespace secmap::detail {

namespace {

error not_understood(std::size_t at) {
    return error{0, "compile profile", fmt::format("libseccomp's program has an unknown instruction at {}", at),
                 "this version of libseccomp is newer than this library"};
}

bool compare(std::uint16_t operation, std::uint32_t left, std::uint32_t right) noexcept {
    switch (operation) {
        case BPF_JEQ: return left == right;
        case BPF_JGT: return left > right;
        case BPF_JGE: return left >= right;
        default: return (left & right) != 0;
    }
}

}  // namespace

bool node::answer(std::uint32_t input) const noexcept {
    switch (test) {
        case word_test::eq: return (input & mask) == value;
        case word_test::gt: return (input & mask) > value;
        case word_test::ge: return (input & mask) >= value;
        default: return false;
    }
}

std::optional<bool> arg_range::answer(const node& question) const noexcept {
    if (question.is_action() || question.arg() != arg) return std::nullopt;
    const std::size_t half = question.high() ? 1 : 0;
    const bool one = first[half] == last[half];
    if (question.mask != ~0U && !one) return std::nullopt;
    const bool lowest = question.answer(first[half]);
    const bool highest = question.answer(last[half]);
    // "==" can hold in the middle of a range whose ends it does not hold for.
    const bool inside =
        question.test == word_test::eq && !one && question.value >= first[half] && question.value <= last[half];
    if (lowest != highest || inside) return std::nullopt;
    return lowest;
}

node_id decisions::within(node_id which, const arg_range& known) {
    while (const auto answer = known.answer(nodes_[which])) which = *answer ? nodes_[which].yes : nodes_[which].no;
    if (nodes_[which].is_action()) return which;
    const auto key = std::make_pair(which, known);
    if (const auto found = narrowed_.find(key); found != narrowed_.end()) return found->second;
    node narrow = nodes_[which];
    narrow.yes = within(narrow.yes, known);
    narrow.no = within(narrow.no, known);
    const node_id made = intern(narrow);
    narrowed_.emplace(key, made);
    return made;
}

/// Goes on to the next instruction that depends on an argument, or that returns.
result<decisions::position> decisions::advance(position from, const call& subject) const {
    constexpr std::uint32_t first_arg = offsetof(seccomp_data, args);
    const auto& code = program_.code;
    while (from.at < code.size()) {
        const sock_filter& at = code[from.at];
        switch (at.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                if (at.k == offsetof(seccomp_data, nr))
                    from.holds = {false, subject.number, 0};
                else if (at.k == offsetof(seccomp_data, arch))
                    from.holds = {false, subject.arch, 0};
                else if (at.k >= first_arg && at.k < sizeof(seccomp_data) && at.k % 4 == 0)
                    from.holds = {true, (at.k - first_arg) / 4, ~0U};
                else
                    return not_understood(from.at);
                ++from.at;
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                (from.holds.word ? from.holds.mask : from.holds.value) &= at.k;
                if (from.holds.word && from.holds.mask == 0) from.holds = {};
                ++from.at;
                break;
            case BPF_JMP | BPF_JA: from.at += std::size_t{at.k} + 1; break;
            case BPF_RET | BPF_K: return from;
            default:
                if (BPF_CLASS(at.code) != BPF_JMP || BPF_SRC(at.code) != BPF_K) return not_understood(from.at);
                if (from.holds.word) return from;
                from = branch(from, compare(BPF_OP(at.code), from.holds.value, at.k));
                break;
        }
    }
    return not_understood(from.at);
}

decisions::position decisions::branch(const position& from, bool yes) const {
    const sock_filter& at = program_.code[from.at];
    return {from.at + 1 + (yes ? at.jt : at.jf), from.holds};
}

node_id decisions::intern(const node& wanted) {
    if (!wanted.is_action() && wanted.yes == wanted.no) return wanted.yes;
    const auto key =
        std::make_tuple(wanted.test, wanted.action, wanted.word, wanted.mask, wanted.value, wanted.yes, wanted.no);
    const auto [found, fresh] = known_.try_emplace(key, static_cast<node_id>(nodes_.size()));
    if (fresh) nodes_.push_back(wanted);
    return found->second;
}

result<node_id> decisions::of_call(std::uint32_t arch, std::uint32_t number) {
    const call subject{arch, number};
    std::map<position, node_id> done;
    auto start = advance({}, subject);
    if (!start) return std::move(start).error();
    // Depth first with a stack of its own: profiles decide how deep it is.
    std::vector<position> open = {*start};
    while (!open.empty()) {
        const position now = open.back();
        const sock_filter& at = program_.code[now.at];
        if (done.contains(now)) {
            open.pop_back();
            continue;
        }
        if (at.code == (BPF_RET | BPF_K)) {
            node action;
            action.action = program_.action_of(at.k);
            done.emplace(now, intern(action));
            continue;
        }
        auto yes = advance(branch(now, true), subject);
        if (!yes) return std::move(yes).error();
        auto no = advance(branch(now, false), subject);
        if (!no) return std::move(no).error();
        const auto yes_done = done.find(*yes);
        const auto no_done = done.find(*no);
        if (yes_done == done.end()) open.push_back(*yes);
        if (no_done == done.end()) open.push_back(*no);
        if (yes_done == done.end() || no_done == done.end()) continue;
        node question;
        switch (BPF_OP(at.code)) {
            case BPF_JEQ: question.test = word_test::eq; break;
            case BPF_JGT: question.test = word_test::gt; break;
            case BPF_JGE: question.test = word_test::ge; break;
            default: return not_understood(now.at);
        }
        question.word = static_cast<std::uint8_t>(now.holds.value);
        question.mask = now.holds.mask;
        question.value = at.k;
        question.yes = yes_done->second;
        question.no = no_done->second;
        done.emplace(now, intern(question));
    }
    return done.at(*start);
}

}  // namespace secmap::detail
