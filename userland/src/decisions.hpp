// SPDX-License-Identifier: LGPL-2.1-or-later
// What a classic BPF program asks about the arguments of one call, as a graph. Not installed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <secmap/result.hpp>

#include "program.hpp"

namespace secmap::detail {

/// How a word of an argument is compared with a constant.
enum class word_test : std::uint8_t { none, eq, gt, ge };

using node_id = std::uint32_t;

/// An action, or a question about one half of an argument and where each answer leads.
struct node {
    word_test test = word_test::none;  ///< none: the action is reached
    std::uint32_t action = 0;
    std::uint8_t word = 0;  ///< 2 * argument, plus 1 for its high half
    std::uint32_t mask = 0;
    std::uint32_t value = 0;
    node_id yes = 0;
    node_id no = 0;

    [[nodiscard]] bool is_action() const noexcept { return test == word_test::none; }
    [[nodiscard]] std::uint8_t arg() const noexcept { return static_cast<std::uint8_t>(word / 2); }
    [[nodiscard]] bool high() const noexcept { return word % 2 != 0; }
    /// Does @p input, the whole word, answer yes?
    [[nodiscard]] bool answer(std::uint32_t input) const noexcept;
};

/// What is known about an argument: the range of each of its halves, low and high.
struct arg_range {
    std::uint8_t arg = 0;
    std::uint32_t first[2] = {0, 0};
    std::uint32_t last[2] = {~0U, ~0U};

    /// What a question is answered by it; nothing: either way, or it is about another argument.
    [[nodiscard]] std::optional<bool> answer(const node& question) const noexcept;
    auto operator<=>(const arg_range&) const = default;
};

/// Follows a program for one ABI and number at a time; equal questions are one node, over all of them.
class decisions final {
public:
    explicit decisions(const program& from) : program_(from) {}

    /// Where the questions about a call begin. Errors: the program does what libseccomp's never do.
    [[nodiscard]] result<node_id> of_call(std::uint32_t arch, std::uint32_t number);

    [[nodiscard]] const node& at(node_id which) const { return nodes_[which]; }

    /// The same questions where an argument is known to lie in a range: those that are answered by that are left out.
    [[nodiscard]] node_id within(node_id which, const arg_range& known);

private:
    /// What the accumulator holds.
    struct accumulator {
        bool word = false;        ///< a word of an argument, masked; otherwise a constant
        std::uint32_t value = 0;  ///< which word, or the constant
        std::uint32_t mask = 0;
        auto operator<=>(const accumulator&) const = default;
    };
    struct position {
        std::size_t at = 0;
        accumulator holds;
        auto operator<=>(const position&) const = default;
    };
    struct call {
        std::uint32_t arch;
        std::uint32_t number;
    };

    [[nodiscard]] result<position> advance(position from, const call& subject) const;
    [[nodiscard]] node_id intern(const node& wanted);
    [[nodiscard]] position branch(const position& from, bool yes) const;

    const program& program_;
    std::vector<node> nodes_;
    std::map<std::tuple<word_test, std::uint32_t, std::uint8_t, std::uint32_t, std::uint32_t, node_id, node_id>,
             node_id>
        known_;
    std::map<std::pair<node_id, arg_range>, node_id> narrowed_;
};

}  // namespace secmap::detail
