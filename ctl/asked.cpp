// SPDX-License-Identifier: LGPL-2.1-or-later
#include "asked.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <linux/seccomp.h>

#include <secmap/names.hpp>

#include "call_options.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint8_t operation_width = 32;  // of an argument of i386

bool asks_here(const rule& of) { return (of.action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF; }

// A call by its number: nothing else is said about it any more.
void ask_always(abi_section& section, std::uint32_t number) {
    std::erase(section.allow, number);
    std::erase_if(section.rules, [number](const rule& each) { return each.nr == number; });
    const auto at = std::ranges::lower_bound(section.rules, number, {}, &rule::nr);
    section.rules.insert(at, {number, SECCOMP_RET_USER_NOTIF, {}, "--on"});
}

// Rules stand where a number was allowed, or newer than the profile; what was said then comes behind them.
void keep_the_rest(abi_section& section, std::uint32_t number) {
    const auto at = std::ranges::lower_bound(section.rules, number, {}, &rule::nr);
    const bool has_rules = at != section.rules.end() && at->nr == number;
    if (std::erase(section.allow, number) != 0)
        section.rules.insert(at, {number, SECCOMP_RET_ALLOW, {}, "--on"});
    else if (!has_rules && section.newer_from && number >= *section.newer_from)
        section.rules.insert(at, {number, section.newer_action, {}, "--on"});
}

// A call by an operation of a multiplexer: the other operations are decided as before.
void ask_for_operation(abi_section& section, std::uint32_t number, std::uint32_t operation) {
    keep_the_rest(section, number);
    condition equal;
    equal.width = operation_width;
    equal.value = operation;
    const auto at = std::ranges::lower_bound(section.rules, number, {}, &rule::nr);
    section.rules.insert(at, {number, SECCOMP_RET_USER_NOTIF, {equal}, "--on"});
}

// false: the ABI does not have the call.
bool ask_in(abi_section& section, const std::string& name) {
    const auto routes = call_routes(section.abi, name);
    for (const call_route& each : routes) {
        if (each.operation)
            ask_for_operation(section, each.number, *each.operation);
        else
            ask_always(section, each.number);
    }
    return !routes.empty();
}

}  // namespace

policy_image open_image(std::string name) {
    policy_image image;
    image.name = std::move(name);
    image.foreign_action = SECCOMP_RET_KILL_PROCESS;
    for (const abi each : all_abis) {
        abi_section section;
        section.abi = each;
        section.default_action = SECCOMP_RET_ALLOW;
        image.sections.push_back(std::move(section));
    }
    return image;
}

bool is_call(const std::string& name) {
    return std::ranges::any_of(all_abis, [&name](abi each) { return !call_routes(each, name).empty(); });
}

result<void> ask_about(policy_image& image, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        bool found = false;
        for (abi_section& section : image.sections) found = ask_in(section, name) || found;
        if (!found)
            return error{EINVAL, "ask about " + name, "no ABI that the profile allows has this call",
                         "add the ABI to the profile's archMap, or leave the call out"};
    }
    return {};
}

bool asks(const policy_image& image) {
    return std::ranges::any_of(
        image.sections, [](const abi_section& section) { return std::ranges::any_of(section.rules, asks_here); });
}

bool asks_about(const policy_image& image, const std::string& name) {
    for (const abi_section& section : image.sections)
        for (const call_route& route : call_routes(section.abi, name))
            for (const rule& each : section.rules)
                if (each.nr == route.number && asks_here(each)) return true;
    return false;
}

request to_request(const notification& from) {
    request made;
    made.id = from.id;
    made.pid = from.pid;
    made.instruction_pointer = from.call.instruction_pointer;
    made.call = to_facts(from.call);
    return made;
}

bool is_named(const call_facts& call, const std::string& name) {
    return std::ranges::any_of(call_routes(call.abi, name), [&call](const call_route& route) {
        return route.number == call.nr && (!route.operation || *route.operation == call.args.front());
    });
}

}  // namespace secmap::ctl
