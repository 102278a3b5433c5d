// SPDX-License-Identifier: LGPL-2.1-or-later
#include "answer_rules.hpp"

#include <algorithm>

#include <secmap/names.hpp>

#include "asked.hpp"
#include "number.hpp"

namespace secmap::ctl {

namespace {

constexpr std::int64_t restart_first = 512;
constexpr std::int64_t restart_last = 516;
constexpr const char* the_rest = "*";

std::optional<answer> parse_errno(const std::string& text) {
    auto number = errno_from_name(text);
    if (!number) {
        const auto digits = parse_number(text);
        if (!digits || *digits > static_cast<std::uint64_t>(errno_max)) return std::nullopt;
        number = static_cast<std::uint32_t>(*digits);
    }
    if (!is_errno(*number)) return std::nullopt;
    return answer{answer::kind::fails, *number};
}

}  // namespace

bool is_errno(std::int64_t number) {
    return number >= 1 && number <= errno_max && (number < restart_first || number > restart_last);
}

std::optional<answer> parse_answer(const std::string& text) {
    if (text == "continue") return answer{answer::kind::is_made, 0};
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) return std::nullopt;
    const std::string kind = text.substr(0, colon);
    const std::string number = text.substr(colon + 1);
    if (kind == "errno") return parse_errno(number);
    if (kind != "value") return std::nullopt;
    const auto returned = parse_number(number);
    if (!returned) return std::nullopt;
    return answer{answer::kind::returns, static_cast<std::int64_t>(*returned)};
}

std::string check_answer_rule(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return "'" + text + "' is not NAME=ANSWER";
    const std::string name = text.substr(0, equals);
    if (name != the_rest && !is_call(name)) return "there is no system call '" + name + "'";
    if (parse_answer(text.substr(equals + 1))) return "";
    return "'" + text.substr(equals + 1) + "' is not errno:NAME, errno:NUMBER, value:NUMBER or continue";
}

answer_rules::answer_rules(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        const std::string name = text.substr(0, equals);
        const answer given = parse_answer(text.substr(equals + 1)).value_or(answer());
        const bool known = std::ranges::any_of(rules_, [&name](const auto& each) { return each.first == name; });
        if (known || (name == the_rest && rest_)) twice_ = name;
        if (name == the_rest)
            rest_ = given;
        else
            rules_.emplace_back(name, given);
    }
}

std::string answer_rules::named_twice() const { return twice_; }

std::vector<std::string> answer_rules::names() const {
    std::vector<std::string> names;
    for (const auto& each : rules_) names.push_back(each.first);
    return names;
}

std::optional<answer> answer_rules::of(const call_facts& call) const {
    for (const auto& [name, given] : rules_)
        if (is_named(call, name)) return given;
    return std::nullopt;
}

}  // namespace secmap::ctl
