// SPDX-License-Identifier: LGPL-2.1-or-later
#include "words.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>

namespace secmap::ctl {

namespace {

constexpr std::uint64_t every_bit = ~std::uint64_t{0};
constexpr std::uint8_t whole_width = 64;
constexpr std::size_t keys_shown = 16;

// "argument 2", with the part of it that is looked at.
std::string argument_words(const condition& of) {
    const bool masks = of.op >= comparison::masked_eq;
    const std::uint64_t whole = of.width == whole_width ? every_bit : every_bit >> (whole_width - of.width);
    std::string words = fmt::format("argument {}", of.arg);
    if (of.width != whole_width) words += fmt::format(" (low {} bits)", of.width);
    if (masks && of.mask != whole) words += " & " + hex(of.mask);
    return words;
}

}  // namespace

std::string action_name(std::uint32_t action) {
    std::string text = action_text(action);
    return text.substr(0, text.find('('));
}

std::string call_words(abi on, std::uint32_t nr) {
    const std::string name = call_name(on, nr);
    return name.starts_with('#') ? name : fmt::format("{}({})", name, nr);
}

std::string condition_words(const condition& of) {
    switch (of.op) {
        case comparison::in: return fmt::format("{} is in table {}", argument_words(of), of.table);
        case comparison::not_in: return fmt::format("{} is not in table {}", argument_words(of), of.table);
        case comparison::masked_eq: return fmt::format("{} == {}", argument_words(of), hex(of.value & of.mask));
        default: return fmt::format("{} {} {}", argument_words(of), comparison_name(of.op), hex(of.value));
    }
}

std::string condition_words(const told_condition& of) {
    const std::string argument = argument_words(of.what);
    if (of.what.op == comparison::in) return fmt::format("{} is one of {}", argument, some_of(of.keys));
    if (of.what.op == comparison::not_in) return fmt::format("{} is none of {}", argument, some_of(of.keys));
    return condition_words(of.what);
}

std::string some_of(const std::vector<std::uint64_t>& keys) {
    std::string words;
    const std::size_t shown = std::min(keys.size(), keys_shown);
    for (std::size_t each = 0; each < shown; ++each) words += (each == 0 ? "" : ", ") + hex(keys[each]);
    if (shown < keys.size()) words += fmt::format(" and {} more", keys.size() - shown);
    return words;
}

std::string conditions_words(const std::vector<condition>& of) {
    if (of.empty()) return "always";
    std::string words;
    for (const condition& each : of) words += (words.empty() ? "if " : " and ") + condition_words(each);
    return words;
}

std::string answer_words(const answer& of) {
    if (of.what == answer::kind::is_made) return "continue";
    if (of.what == answer::kind::returns) return fmt::format("value:{}", of.number);
    const char* name = strerrorname_np(static_cast<int>(of.number));
    return name ? fmt::format("errno:{}", name) : fmt::format("errno:{}", of.number);
}

std::string_view answered_by_word(answered_by who) {
    static constexpr std::array<std::string_view, 3> words = {"rule", "helper", "nobody"};
    return words.at(static_cast<std::size_t>(who));
}

std::string hex(std::uint64_t number) { return fmt::format("{:#x}", number); }

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string policy_name(const std::string& file) {
    if (file == "-") return "stdin";
    std::string name = std::filesystem::path(file).stem();
    std::ranges::replace_if(
        name,
        [](unsigned char each) {
            return each > 127 || (!std::isalnum(each) && each != '_' && each != '.' && each != '-');
        },
        '_');
    if (name.size() >= SECMAP_NAME_LEN) name.resize(SECMAP_NAME_LEN - 1);
    return name;
}

std::string printable(std::string_view text) {
    std::string clean(text);
    std::ranges::replace_if(
        clean, [](char each) { return static_cast<unsigned char>(each) < ' ' || each == '\x7f'; }, '?');
    return clean;
}

}  // namespace secmap::ctl
