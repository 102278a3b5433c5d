// SPDX-License-Identifier: LGPL-2.1-or-later
#include "validators.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "number.hpp"

namespace secmap::ctl {

CLI::Validator number_up_to(std::uint64_t highest) {
    const auto check = [highest](const std::string& text) {
        const bool decimal = text.find_first_not_of("0123456789") == std::string::npos && !text.starts_with('0');
        const auto number = decimal ? parse_number(text) : std::nullopt;
        return number && *number <= highest ? "" : fmt::format("'{}' is not a number from 1 to {}", text, highest);
    };
    return {check, "", "number"};
}

CLI::Validator id_or_name() {
    const auto check = [](const std::string& text) {
        return text.find_first_not_of("0123456789") != std::string::npos ? std::string()
                                                                         : number_up_to(highest_id)(text);
    };
    return {check, "", "policy"};
}

CLI::Validator one_of(std::vector<std::string> words) {
    const auto check = [words = std::move(words)](const std::string& text) {
        const bool known = std::ranges::find(words, text) != words.end();
        return known ? "" : fmt::format("'{}' is not one of {}", text, fmt::join(words, ", "));
    };
    return {check, "", "word"};
}

}  // namespace secmap::ctl
