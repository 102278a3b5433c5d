// SPDX-License-Identifier: LGPL-2.1-or-later
#include "records.hpp"

#include <algorithm>
#include <cerrno>

#include "ioctl.hpp"

namespace secmap::detail {

namespace {

constexpr std::uint32_t word_bits = 64;

secmap_cond to_record(const condition& from) {
    auto record = make_record<secmap_cond>();
    record.arg = from.arg;
    record.op = static_cast<std::uint8_t>(from.op);
    record.width = from.width;
    record.table = from.table;
    record.value = from.value;
    record.mask = from.mask;
    return record;
}

secmap_rule to_record(const rule& from) {
    auto record = make_record<secmap_rule>();
    record.nr = from.nr;
    record.action = from.action;
    record.cond_count = static_cast<std::uint32_t>(from.conditions.size());
    return record;
}

// A number beyond the last that a policy can name makes one word more than the module takes: it refuses that.
std::vector<std::uint64_t> to_words(const std::vector<std::uint32_t>& numbers) {
    std::vector<std::uint64_t> words;
    for (std::uint32_t number : numbers) {
        const std::uint32_t word = std::min<std::uint32_t>(number, SECMAP_NR_MAX) / word_bits;
        if (words.size() <= word) words.resize(word + 1);
        words[word] |= std::uint64_t{1} << (number % word_bits);
    }
    return words;
}

}  // namespace

result<void> set_name(std::span<char, SECMAP_NAME_LEN> into, const std::string& name, const std::string& operation) {
    if (name.size() >= into.size())
        return error{
            EINVAL, operation,
            "the name has " + std::to_string(name.size()) + " characters, more than " + std::to_string(into.size() - 1),
            "choose a shorter one"};
    std::copy(name.begin(), name.end(), into.begin());
    return {};
}

policy_records::policy_records(const policy_image& image) {
    arrays_.reserve(image.sections.size());
    sections_.reserve(image.sections.size());
    for (const abi_section& section : image.sections) add(section);
}

void policy_records::add(const abi_section& section) {
    arrays& made = arrays_.emplace_back();
    made.allow = to_words(section.allow);
    made.rules.reserve(section.rules.size());
    for (const rule& each : section.rules) {
        made.rules.push_back(to_record(each));
        for (const condition& one : each.conditions) made.conditions.push_back(to_record(one));
    }
    auto record = make_record<secmap_abi>();
    record.abi = static_cast<std::uint32_t>(section.abi);
    record.default_action = section.default_action;
    record.newer_from = section.newer_from.value_or(SECMAP_NEWER_NONE);
    record.newer_action = section.newer_action;
    record.allow_words = static_cast<std::uint32_t>(made.allow.size());
    record.rule_count = static_cast<std::uint32_t>(made.rules.size());
    record.cond_count = static_cast<std::uint32_t>(made.conditions.size());
    record.allow = address(made.allow.data());
    record.rules = address(made.rules.data());
    record.conds = address(made.conditions.data());
    sections_.push_back(record);
}

}  // namespace secmap::detail
