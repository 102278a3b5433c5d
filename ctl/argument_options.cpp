// SPDX-License-Identifier: LGPL-2.1-or-later
#include "argument_options.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <set>

#include <secmap/names.hpp>

#include "asked.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint32_t arguments = 6;

struct usual_call {
    const char* name;
    std::uint32_t args;
};

// What chooses the operation of a call of many; the first ones are recorded without being asked for.
constexpr std::array<usual_call, 14> usual = {{
    {"ioctl", 0b10},
    {"socket", 0b111},
    {"prctl", 0b1},
    {"personality", 0b1},
    {"bpf", 0b1},
    {"clone", 0b1},
    {"fcntl", 0b10},
    {"getsockopt", 0b110},
    {"keyctl", 0b1},
    {"madvise", 0b100},
    {"ptrace", 0b1},
    {"setsockopt", 0b110},
    {"socketpair", 0b111},
    {"unshare", 0b1},
}};
constexpr std::size_t without_asking = 4;

struct parsed_word {
    std::string name;
    std::uint32_t args = 0;
};

std::uint32_t usual_args(const std::string& name) {
    for (const usual_call& each : usual)
        if (each.name == name) return each.args;
    return 0;
}

// An error has a text alone.
result<parsed_word> parse(const std::string& word) {
    const auto colon = word.find(':');
    parsed_word found{word.substr(0, colon), 0};
    if (!is_call(found.name))
        return error{0, "--args", "there is no system call '" + found.name + "' on x86_64, x32 or i386", ""};
    if (colon == std::string::npos) {
        found.args = usual_args(found.name);
        if (found.args == 0)
            return error{0, "--args",
                         "which arguments of '" + found.name + "' is not said: '" + found.name + ":0' is the first one",
                         ""};
        return found;
    }
    for (std::size_t at = colon; at < word.size(); at += 2) {
        const bool good = word[at] == ':' && at + 1 < word.size() && word[at + 1] >= '0' &&
                          word[at + 1] < static_cast<char>('0' + arguments);
        const std::uint32_t bit = good ? 1U << (word[at + 1] - '0') : 0;
        if (!good || (found.args & bit) != 0)
            return error{0, "--args", "'" + word + "' is not CALL, CALL:0, CALL:0:2 ... with arguments from 0 to 5",
                         ""};
        found.args |= bit;
    }
    return found;
}

}  // namespace

std::vector<std::string> usual_arguments() {
    std::vector<std::string> names;
    for (std::size_t each = 0; each < without_asking; ++each) names.emplace_back(usual.at(each).name);
    return names;
}

std::string check_argument(const std::string& word) {
    if (word == "none") return "";
    const auto found = parse(word);
    return found ? "" : found.error().text;
}

result<std::vector<recorder_set>> to_recorder_sets(const std::vector<std::string>& words) {
    std::vector<recorder_set> sets;
    std::set<std::string> seen;
    for (const std::string& word : words) {
        if (word == "none") continue;
        const auto found = parse(word);
        if (!found) return found.error();
        if (!seen.insert(found->name).second)
            return error{EINVAL, "--args", "'" + found->name + "' is named twice", "name all its arguments at once"};
        for (const abi each : all_abis)
            if (const auto number = call_number(each, found->name)) sets.push_back({each, *number, found->args});
    }
    if (sets.size() > recorder::sets_max)
        return error{E2BIG, "--args", "these are more calls than a recorder can have", "name fewer"};
    return sets;
}

}  // namespace secmap::ctl
