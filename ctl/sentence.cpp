// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sentence.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/seccomp.h>

#include <secmap/secmap.h>
#include <secmap/call_arguments.hpp>
#include <secmap/names.hpp>

#include "constants.hpp"
#include "decoded_call.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

constexpr std::size_t keys_shown = 16;

std::string value_words(const std::string& call, std::uint8_t arg, std::uint64_t value) {
    // What is beyond an int would not be seen in its words.
    if (value > UINT32_MAX) return hex(value);
    return argument_words(kind_of_argument(call, arg), value);
}

bool has_name(const std::string& words) {
    return !words.empty() && std::isupper(static_cast<unsigned char>(words.front())) != 0;
}

// "argument 0 (family)"
std::string argument_name(abi on, const std::string& call, std::uint8_t arg) {
    const auto known = call_arguments(on, call);
    if (arg >= known.size()) return fmt::format("argument {}", arg);
    std::string_view name = known[arg].name;
    name.remove_prefix(std::min(name.find_first_not_of('_'), name.size()));
    return fmt::format("argument {} ({})", arg, name);
}

std::string set_words(const std::string& call, const condition& of, const std::vector<table_image>& tables) {
    std::vector<std::string> words;
    if (of.table >= tables.size()) return fmt::format("what is in table {}", of.table);
    const auto& keys = tables[of.table].keys;
    for (const std::uint64_t key : keys) {
        if (words.size() == keys_shown) break;
        words.push_back(value_words(call, of.arg, key));
    }
    return fmt::format("{}{}", fmt::join(words, ", "),
                       keys.size() > keys_shown ? fmt::format(" and {} more", keys.size() - keys_shown) : "");
}

// Of bits that a mask leaves.
std::string masked_words(const std::string& call, const condition& of) {
    const std::uint64_t wanted = of.value & of.mask;
    const std::string mask = value_words(call, of.arg, of.mask);
    if (wanted == 0) return "has none of " + mask;
    if (wanted == of.mask) return "has " + mask;
    return fmt::format("has {} of {}", value_words(call, of.arg, wanted), mask);
}

}  // namespace

std::string fate_words(std::uint32_t action) {
    const std::uint32_t data = action & SECCOMP_RET_DATA;
    const char* name = strerrorname_np(static_cast<int>(data));
    switch (action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ALLOW: return "allowed";
        case SECCOMP_RET_LOG: return "allowed, and logged";
        case SECCOMP_RET_ERRNO: return name ? fmt::format("denied, {}", name) : fmt::format("denied, errno {}", data);
        case SECCOMP_RET_USER_NOTIF: return "left to a supervisor, and ENOSYS without one";
        case SECCOMP_RET_TRACE: return "denied, ENOSYS, for TRACE reaches no tracer";
        case SECCOMP_RET_TRAP: return "denied, with the signal SIGSYS";
        case SECCOMP_RET_KILL_THREAD: return "denied, and its thread is killed";
        default: return "denied, and its process is killed";
    }
}

std::string decider_words(const verdict& of) {
    switch (of.rule) {
        case SECMAP_RULE_ALLOW: return "whatever its arguments are";
        case SECMAP_RULE_DEFAULT: return "by the default";
        case SECMAP_RULE_NEWER: return "for it is newer than the profile";
        case SECMAP_RULE_FOREIGN: return "as all calls of an ABI that the profile does not name";
        case SECMAP_RULE_PROGRAM: return "by the policy's program";
        default: return fmt::format("by rule {}", of.rule);
    }
}

std::string subject_words(const call_facts& of) {
    std::vector<std::string> given;
    for (const std::uint8_t arg : of.given) {
        const std::string words = value_words(of.name, arg, of.args.at(arg));
        given.push_back(has_name(words) ? words : fmt::format("{} = {}", argument_name(of.abi, of.name, arg), words));
    }
    const std::string name = of.name.empty() ? fmt::format("call {}", of.nr) : of.name;
    const std::string on = of.abi == abi::x86_64 ? "" : fmt::format(" of {}", abi_name(of.abi));
    return given.empty() ? name + on : fmt::format("{}{} with {}", name, on, fmt::join(given, " and "));
}

std::string spoken(abi on, const std::string& call, const condition& of, const std::vector<table_image>& tables) {
    std::string argument = argument_name(on, call, of.arg);
    const std::string than = value_words(call, of.arg, of.value);
    const std::uint64_t all = of.width == 64 ? UINT64_MAX : UINT32_MAX;
    const bool part = (of.op == comparison::in || of.op == comparison::not_in) && of.mask != all;
    const std::string masked = part ? fmt::format("{} & {}", argument, hex(of.mask)) : argument;
    switch (of.op) {
        case comparison::eq: return fmt::format("{} is {}", argument, than);
        case comparison::ne: return fmt::format("{} is not {}", argument, than);
        case comparison::lt: return fmt::format("{} is below {}", argument, than);
        case comparison::le: return fmt::format("{} is at most {}", argument, than);
        case comparison::gt: return fmt::format("{} is above {}", argument, than);
        case comparison::ge: return fmt::format("{} is at least {}", argument, than);
        case comparison::masked_eq: return fmt::format("{} {}", argument, masked_words(call, of));
        case comparison::in: return fmt::format("{} is one of {}", masked, set_words(call, of, tables));
        case comparison::not_in: return fmt::format("{} is none of {}", masked, set_words(call, of, tables));
    }
    return argument;
}

std::string spoken(abi on, const std::string& call, const rule& of, const std::vector<table_image>& tables) {
    std::vector<std::string> words;
    words.reserve(of.conditions.size());
    for (const condition& each : of.conditions) words.push_back(spoken(on, call, each, tables));
    return fmt::format("{}", fmt::join(words, " and "));
}

std::string sentence(const call_facts& about, const verdict& decided) {
    return fmt::format("{} is {}, {}", subject_words(about), fate_words(decided.action), decider_words(decided));
}

std::string sentence(abi on, const std::vector<rule>& rules, std::size_t index, std::uint32_t otherwise,
                     const std::vector<table_image>& tables) {
    const std::uint32_t nr = rules.at(index).nr;
    const std::string name = call_name(on, nr);
    std::vector<std::string> parts;
    bool total = false;
    for (; !total && index < rules.size() && rules[index].nr == nr; ++index) {
        const rule& each = rules[index];
        total = each.conditions.empty();
        parts.push_back(fmt::format("{}{}, by rule {}{}{}", total ? "otherwise " : "", fate_words(each.action), index,
                                    total ? "" : " if ", spoken(on, name, each, tables)));
    }
    if (!total) parts.push_back(fmt::format("otherwise {}, by the default", fate_words(otherwise)));
    return fmt::format("{} is {}", name, fmt::join(parts, "; "));
}

}  // namespace secmap::ctl
