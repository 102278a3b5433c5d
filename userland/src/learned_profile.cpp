// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/learned_profile.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <nlohmann/json.hpp>

#include <secmap/names.hpp>

namespace secmap {

namespace {

using nlohmann::ordered_json;

constexpr int indent = 2;

// What is called without a program's doing, or by it at a moment that no run need come to.
constexpr std::array<const char*, 4> always = {"exit", "exit_group", "restart_syscall", "rt_sigreturn"};

constexpr std::array<const char*, 3> architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_X86"};

constexpr std::array<const char*, 7> operators = {"SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT",       "SCMP_CMP_LE",
                                                  "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_MASKED_EQ"};

std::uint32_t kind_of(std::uint32_t action) { return action & SECCOMP_RET_ACTION_FULL; }

const char* action_word(std::uint32_t action) {
    switch (kind_of(action)) {
        case SECCOMP_RET_KILL_PROCESS: return "SCMP_ACT_KILL_PROCESS";
        case SECCOMP_RET_KILL_THREAD: return "SCMP_ACT_KILL_THREAD";
        case SECCOMP_RET_TRAP: return "SCMP_ACT_TRAP";
        case SECCOMP_RET_USER_NOTIF: return "SCMP_ACT_NOTIFY";
        case SECCOMP_RET_TRACE: return "SCMP_ACT_TRACE";
        case SECCOMP_RET_LOG: return "SCMP_ACT_LOG";
        case SECCOMP_RET_ALLOW: return "SCMP_ACT_ALLOW";
        default: return "SCMP_ACT_ERRNO";
    }
}

void add_action(ordered_json& to, const char* member, const char* number, std::uint32_t action) {
    to[member] = action_word(action);
    if (kind_of(action) == SECCOMP_RET_ERRNO || kind_of(action) == SECCOMP_RET_TRACE)
        to[number] = action & SECCOMP_RET_DATA;
}

ordered_json args_json(const std::vector<profile_arg>& of) {
    auto list = ordered_json::array();
    for (const profile_arg& each : of)
        list.push_back({{"index", each.index},
                        {"value", each.value},
                        {"valueTwo", each.value_two},
                        {"op", operators[static_cast<std::size_t>(each.op)]}});
    return list;
}

ordered_json entry_json(const std::vector<std::string>& names, std::uint32_t action,
                        const std::vector<profile_arg>& args) {
    ordered_json json = {{"names", names}};
    add_action(json, "action", "errnoRet", action);
    if (!args.empty()) json["args"] = args_json(args);
    return json;
}

auto key(const profile_arg& of) { return std::tie(of.index, of.op, of.value, of.value_two); }

// Of the arguments that were recorded, what each was.
std::vector<profile_arg> equal_to(const std::array<std::uint64_t, 6>& values, std::uint32_t args) {
    std::vector<profile_arg> all;
    for (std::uint32_t index = 0; index < values.size(); ++index)
        if (args >> index & 1) all.push_back({index, comparison::eq, values[index], 0});
    return all;
}

}  // namespace

bool learned_profile::by_text::operator()(const profile_arg& one, const profile_arg& other) const noexcept {
    return key(one) < key(other);
}

bool learned_profile::by_conditions::operator()(const conditions& one, const conditions& other) const noexcept {
    return std::ranges::lexicographical_compare(one, other, by_text());
}

learned_profile::learned_profile() : default_action_(SECCOMP_RET_ERRNO | EPERM), abis_({abi::x86_64}) {
    for (const char* name : always) allow(name);
}

void learned_profile::allow(const std::string& name) { calls_[name] = std::nullopt; }

void learned_profile::allow(const std::string& name, const conditions& if_all) {
    const auto [found, is_new] = calls_.try_emplace(name, alternatives());
    if (found->second) found->second->insert(if_all);
}

void learned_profile::add(const recording& what) {
    std::set<std::pair<abi, std::uint32_t>> by_arguments;
    for (const recorded_set& each : what.sets)
        if (!each.values.empty() && !each.overflow) by_arguments.emplace(each.what.abi, each.what.nr);
    for (std::size_t index = 0; index < what.calls.size(); ++index) {
        const auto on = static_cast<abi>(index);
        if (!what.calls[index].empty()) abis_.insert(on);
        for (const std::uint32_t nr : what.calls[index]) {
            const std::string name = call_name(on, nr);
            if (!call_number(on, name))
                notes_.push_back(
                    fmt::format("call {} of {} has no name here: the profile denies it", nr, abi_name(on)));
            else if (!by_arguments.contains({on, nr}))
                allow(name);
        }
    }
    for (const recorded_set& each : what.sets) {
        const std::string name = call_name(each.what.abi, each.what.nr);
        if (each.overflow)
            notes_.push_back(
                fmt::format("{} of {} was called with more than {} different arguments: it is allowed with any", name,
                            abi_name(each.what.abi), each.values.size()));
        else
            for (const auto& values : each.values) allow(name, equal_to(values, each.what.args));
    }
    if (what.other) notes_.emplace_back("a number was called that no profile can name: the profile denies it");
}

void learned_profile::add_denial(const profile_entry& from) {
    if (from.action != default_action_) denials_.push_back(from);
}

result<void> learned_profile::add(const profile& other) {
    if (kind_of(other.default_action) == SECCOMP_RET_ALLOW)
        return error{EINVAL, "learn a profile",
                     other.file + " allows what it does not name, so nothing is to be learned",
                     "give one whose defaultAction denies"};
    default_action_ = other.default_action;
    abis_.insert(other.listed.begin(), other.listed.end());
    for (const profile_entry& each : other.entries) {
        if (kind_of(each.action) != SECCOMP_RET_ALLOW) {
            add_denial(each);
            continue;
        }
        conditions all = each.args;
        std::ranges::sort(all, by_text());
        for (const std::string& name : each.names) {
            if (all.empty())
                allow(name);
            else
                allow(name, all);
        }
    }
    return {};
}

std::string learned_profile::text() const {
    ordered_json document;
    add_action(document, "defaultAction", "defaultErrnoRet", default_action_);
    document["architectures"] = ordered_json::array();
    for (const abi each : abis_) document["architectures"].push_back(architectures[static_cast<std::size_t>(each)]);
    document["syscalls"] = ordered_json::array();
    std::vector<std::string> whole;
    for (const auto& [name, some] : calls_)
        if (!some) whole.push_back(name);
    document["syscalls"].push_back(entry_json(whole, SECCOMP_RET_ALLOW, {}));
    for (const auto& [name, some] : calls_)
        for (const conditions& each : some.value_or(alternatives()))
            document["syscalls"].push_back(entry_json({name}, SECCOMP_RET_ALLOW, each));
    // Two actions for one call are refused by some readers, and which one holds is not what they say.
    for (const profile_entry& each : denials_) {
        std::vector<std::string> names;
        for (const std::string& name : each.names)
            if (!calls_.contains(name)) names.push_back(name);
        std::ranges::sort(names);
        if (!names.empty()) document["syscalls"].push_back(entry_json(names, each.action, each.args));
    }
    return document.dump(indent) + "\n";
}

std::vector<std::string> learned_profile::names() const {
    std::vector<std::string> all;
    for (const auto& [name, some] : calls_) all.push_back(name);
    return all;
}

std::size_t learned_profile::limited() const noexcept {
    return static_cast<std::size_t>(
        std::ranges::count_if(calls_, [](const auto& each) { return each.second.has_value(); }));
}

}  // namespace secmap
