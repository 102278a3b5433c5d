// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scenario.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <sys/syscall.h>
#include <nlohmann/json.hpp>

#include <secmap/names.hpp>

namespace secmap::bench {

namespace {

using nlohmann::json;
using numbers = std::vector<std::uint64_t>;
using names = std::vector<std::string>;

constexpr std::int64_t unknown_call = 900;           // no call has this number, and no profile names it
constexpr std::uint64_t no_randomness = 0xffffffff;  // personality(): which one is it?
constexpr std::size_t absent = 64;                   // values that are tried and are not in a set
constexpr std::size_t tried_at_most = 4096;          // of a large set
constexpr std::int64_t notified_answer = 7;

json rule(const names& calls, const char* action) { return {{"names", calls}, {"action", action}}; }

std::string document(const char* default_action, const json& rules) {
    return json{{"defaultAction", default_action}, {"syscalls", rules}}.dump();
}

std::string allow_list(const names& calls) {
    return document("SCMP_ACT_ERRNO", json::array({rule(calls, "SCMP_ACT_ALLOW")}));
}

std::string deny_list(const names& calls) {
    json denied = rule(calls, "SCMP_ACT_ERRNO");
    denied["errnoRet"] = EPERM;
    return document("SCMP_ACT_ALLOW", json::array({denied}));
}

// create_module, if its first argument is one of these.
json member_rules(const numbers& members) {
    json rules = json::array();
    for (const std::uint64_t each : members) {
        json one = rule({"create_module"}, "SCMP_ACT_ALLOW");
        one["args"] = json::array({{{"index", 0}, {"value", each}, {"op", "SCMP_CMP_EQ"}}});
        rules.push_back(one);
    }
    return rules;
}

std::string set_of(const numbers& members) { return document("SCMP_ACT_ERRNO", member_rules(members)); }

// Numbers like those of ioctls: 32 bits without a pattern, none twice; the same ones every time.
numbers random_values(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::unordered_set<std::uint64_t> seen = {0};
    numbers values;
    while (values.size() < count)
        if (const std::uint64_t next = random() & 0xffffffffU; seen.insert(next).second) values.push_back(next);
    return values;
}

// The first of these is the one that is called.
names denied_names(std::size_t count) {
    names found = {"getuid", "mount", "keyctl", "bpf"};
    found.resize(std::min(count, found.size()));
    constexpr std::uint32_t last_number = 461;
    for (std::uint32_t number = 0; number <= last_number && found.size() < count; ++number) {
        const std::string name = call_name(abi::x86_64, number);
        if (!name.starts_with('#') && std::ranges::find(found, name) == found.end()) found.push_back(name);
    }
    return found;
}

scenario one(std::string name, std::string title, std::string profile, call_pattern call) {
    scenario made;
    made.name = std::move(name);
    made.title = std::move(title);
    made.profile = std::move(profile);
    made.call = std::move(call);
    return made;
}

scenario denied(scenario of, int number) {
    of.returned = -number;
    return of;
}

scenario counted(scenario of, unsigned n) {
    of.n = n;
    return of;
}

scenario hashed(scenario of) {
    of.hashed = true;
    return of;
}

scenario doing(work what, scenario of) {
    of.what = what;
    return of;
}

using list = std::vector<scenario>;

void add_podman(list& to) {
    to.push_back(one("podman_allow", "podman's profile, allowed call", "", {SYS_getppid}));
    to.push_back(hashed(one("podman_argument", "podman's profile, call allowed by its argument", "",
                            {SYS_personality, {no_randomness}})));
    to.push_back(denied(one("podman_denied", "podman's profile, denied call", "", {SYS_nfsservctl}), EPERM));
    to.push_back(
        denied(one("podman_unknown", "podman's profile, call that it does not name", "", {unknown_call}), ENOSYS));
}

void add_deny_lists(list& to) {
    for (const unsigned n : {1U, 4U, 10U, 100U, 350U})
        to.push_back(counted(
            denied(one("deny_list", "N denied calls, one of them made", deny_list(denied_names(n)), {SYS_getuid}),
                   EPERM),
            n));
}

void add_sets(list& to) {
    for (const unsigned n : {1U, 16U, 64U, 256U}) {
        numbers values = random_values(n + absent, n);
        const numbers others(values.begin() + n, values.end());
        values.resize(n);
        const std::string profile = set_of(values);
        const auto add = [&](const char* name, const char* title, const numbers& tried, order tested) {
            scenario made = hashed(counted(one(name, title, profile, {SYS_create_module, tried}), n));
            made.tested = tested;
            to.push_back(std::move(made));
        };
        add("set_first", "argument in a set of N, the first one tested", values, order::first);
        add("set_last", "argument in a set of N, the last one tested", values, order::last);
        add("set_mean", "argument in a set of N, mean over the set", values, order::none);
        add("set_absent", "argument not in a set of N", others, order::none);
        to.back() = denied(to.back(), EPERM);
    }
}

// Rules and stock filters have no equal.
void add_large_sets(list& to) {
    for (const unsigned n : {4096U, 65536U}) {
        numbers values = random_values(n + tried_at_most, n);
        const numbers others(values.begin() + n, values.end());
        values.resize(n);
        const numbers tried(values.begin(), values.begin() + tried_at_most);
        scenario inside = hashed(
            counted(one("set_mean", "argument in a set of N, mean over the set", "", {SYS_create_module, tried}), n));
        inside.members = values;
        to.push_back(inside);
        inside.name = "set_absent";
        inside.title = "argument not in a set of N";
        inside.call.values = others;
        to.push_back(denied(std::move(inside), EPERM));
    }
}

// As families of sockets: small numbers, every third one.
void add_bits(list& to) {
    numbers members;
    for (std::uint64_t each = 0; each < 64; each += 3) members.push_back(each);
    const auto n = static_cast<unsigned>(members.size());
    to.push_back(hashed(counted(one("bits_mean", "argument in a set of N small numbers, mean over the set",
                                    set_of(members), {SYS_create_module, members}),
                                n)));
}

void add_stacks(list& to) {
    // Whoever puts the second filter on needs its call.
    const names for_attaching = {"ioctl", "seccomp"};
    const std::string plain = allow_list({"getppid", "ioctl", "seccomp"});
    json by_argument = member_rules({1});
    by_argument.push_back(rule(for_attaching, "SCMP_ACT_ALLOW"));
    const std::string argument = document("SCMP_ACT_ERRNO", by_argument);
    for (const unsigned depth : {1U, 4U, 16U, 64U}) {
        const auto add = [&](scenario made) {
            made.n = made.depth = depth;
            to.push_back(std::move(made));
        };
        add(one("stack_plain", "N filters on top of each other, allowed call", plain, {SYS_getppid}));
        add(one("stack_argument", "N filters on top of each other, call allowed by its argument", argument,
                {SYS_create_module, {1}}));
        add(denied(one("stack_denied", "N filters on top of each other, denied call", plain, {SYS_nfsservctl}), EPERM));
    }
}

void add_tasks(list& to) {
    to.push_back(doing(work::forks, one("fork_exit", "fork, _exit and waitpid under podman's profile", "", {})));
    to.push_back(doing(work::threads, one("thread", "pthread_create and pthread_join under podman's profile", "", {})));
}

void add_attaching(list& to) {
    to.push_back(
        doing(work::attach, one("attach", "podman's profile made a policy and attached; stock: loaded", "", {})));
    to.push_back(doing(work::create, one("attach_create", "podman's profile made a policy", "", {})));
    to.push_back(doing(work::attach_made, one("attach_made", "a policy of podman's profile attached", "", {})));
    to.push_back(doing(work::replace, one("replace", "a policy of podman's profile replaced, in one task", "", {})));
    constexpr unsigned n = 65536;
    scenario set = counted(one("replace_set", "a policy with a table of N values replaced, in one task", "", {}), n);
    set.members = random_values(n, n);
    scenario stall =
        counted(one("replace_stall_set", "longest call while a policy with a table of N values is replaced", "",
                    {SYS_create_module, {0}}),
                n);
    stall.members = set.members;
    stall.call.values = {set.members.front()};
    scenario table = hashed(counted(one("build_table", "a table of N values made", "", {}), n));
    table.members = set.members;
    to.push_back(doing(work::replace, std::move(set)));
    to.push_back(doing(work::stall, one("replace_stall", "longest call while podman's profile is replaced all the time",
                                        "", {SYS_getppid})));
    to.push_back(doing(work::stall, std::move(stall)));
    to.push_back(doing(work::create_table, std::move(table)));
}

void add_notification(list& to) {
    scenario made = one("notify", "call that a thread of the process answers, by the listener",
                        document("SCMP_ACT_ALLOW", json::array({rule({"getppid"}, "SCMP_ACT_NOTIFY")})), {SYS_getppid});
    made.returned = notified_answer;
    to.push_back(doing(work::notifications, std::move(made)));
}

}  // namespace

std::string scenario::label() const { return n == 1 ? name : fmt::format("{} {}", name, n); }

std::vector<scenario> all_scenarios() {
    list made = {one("plain_allow", "policy of one allowed call, made", allow_list({"getppid"}), {SYS_getppid})};
    add_podman(made);
    add_deny_lists(made);
    add_sets(made);
    add_large_sets(made);
    add_bits(made);
    add_stacks(made);
    add_tasks(made);
    add_attaching(made);
    add_notification(made);
    return made;
}

std::vector<std::string> scenario_names() {
    std::vector<std::string> found;
    for (const scenario& each : all_scenarios())
        if (std::ranges::find(found, each.name) == found.end()) found.push_back(each.name);
    return found;
}

std::vector<call_pattern> ends_of(const call_pattern& of) {
    std::vector<call_pattern> found;
    const auto [least, most] = std::ranges::minmax(of.values);
    for (const std::uint64_t each : {of.values.front(), of.values.back(), least, most})
        if (std::ranges::none_of(found, [&](const call_pattern& at) { return at.values.front() == each; }))
            found.push_back({of.number, {each}});
    return found;
}

}  // namespace secmap::bench
