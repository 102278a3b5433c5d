// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers to requests that are known beforehand: --answer NAME=ANSWER.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

inline constexpr std::int64_t errno_max = 4095;

/// An errno that a program may see: not 512 to 516, which make the kernel restart a call.
[[nodiscard]] bool is_errno(std::int64_t number);

/// "errno:EPERM", "errno:1", "value:0", "continue".
[[nodiscard]] std::optional<answer> parse_answer(const std::string& text);

/// "NAME=ANSWER", with "*" for all that have no rule of their own; what is wrong with it, or nothing.
[[nodiscard]] std::string check_answer_rule(const std::string& text);

class answer_rules final {
public:
    /// From texts that @ref check_answer_rule has nothing against.
    explicit answer_rules(const std::vector<std::string>& texts);

    /// The name that has two rules, "" if none has.
    [[nodiscard]] std::string named_twice() const;
    /// The names, without "*".
    [[nodiscard]] std::vector<std::string> names() const;
    /// The rule of a call; none: it has no rule of its own.
    [[nodiscard]] std::optional<answer> of(const call_facts& call) const;
    /// The rule of "*".
    [[nodiscard]] std::optional<answer> of_the_rest() const { return rest_; }

private:
    std::vector<std::pair<std::string, answer>> rules_;
    std::optional<answer> rest_;
    std::string twice_;
};

}  // namespace secmap::ctl
