// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl policy replace|tighten|seal: what changes a policy that is carried.
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <secmap/device.hpp>
#include <secmap/names.hpp>
#include <secmap/policy.hpp>
#include <secmap/simulator.hpp>

#include "command.hpp"
#include "engine.hpp"
#include "policy_in_kernel.hpp"
#include "profile_options.hpp"
#include "program_options.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

struct replace_options {
    std::string policy;
    profile_options profile;
    program_options filter;
};

// Without a name of its own it is called as the old one is, so that it is found in the same way.
result<policy> make_next(const device& on, const replace_options& options, const std::string& old_name) {
    const std::string& name = options.profile.name.empty() ? old_name : options.profile.name;
    if (options.filter.given()) return create_policy(on, options.filter, name);
    profile_options named = options.profile;
    named.name = name;
    return create_policy(on, named);
}

result<replace_report> replace(const context& with, const replace_options& options) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto old = find_policy(*opened, options.policy);
    if (!old) return std::move(old).error();
    const auto next = make_next(*opened, options, old->info.name);
    if (!next) return next.error();
    const auto info = next->info(*opened);
    if (!info) return info.error();
    const auto done = old->policy.replace_by(*opened, *next);
    if (!done) return done.error();
    return replace_report{std::move(old->info), next->id(), info->name, *done};
}

struct tighten_options {
    std::string policy;
    profile_options profile;
    std::string from;
};

// What the module would find out, of the profile that the policy was made of; with the call's name.
result<void> check_tighter(const profile_options& was, const policy_image& next, const std::string& operation) {
    const auto before = load(was);
    if (!before) return before.error();
    const auto old = simulator::create(before->image);
    if (!old) return old.error();
    const auto tighter = simulator::create(next);
    if (!tighter) return tighter.error();
    const auto found = tighter->looser_than(*old);
    if (!found) return found.error();
    if (!*found) return {};
    const looser_calls& calls = **found;
    return error{EXDEV, operation,
                 calls.on
                     ? fmt::format("{} of {}: {}, was {}", call_words(*calls.on, calls.number), abi_name(*calls.on),
                                   action_text(calls.is.action), action_text(calls.was.action))
                     : calls.text,
                 "'secmapctl policy diff' shows what changes; an administrator loosens by 'policy replace'"};
}

result<tighten_report> tighten(const context& with, const tighten_options& options) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto old = find_own_policy(*opened, options.policy);
    if (!old) return std::move(old).error();
    profile_options named = options.profile;
    if (named.name.empty()) named.name = old->info.name;
    if (!options.from.empty()) {
        const auto next = load(named);
        if (!next) return next.error();
        profile_options was = named;
        was.file = options.from;
        const std::string operation = "tighten policy " + std::to_string(old->policy.id());
        if (auto checked = check_tighter(was, next->image, operation); !checked) return std::move(checked).error();
    }
    const auto next = create_policy(*opened, named);
    if (!next) return next.error();
    const auto info = next->info(*opened);
    if (!info) return info.error();
    const auto done = old->policy.tighten_by(*opened, *next);
    if (!done) return done.error();
    return tighten_report{{std::move(old->info), next->id(), info->name, *done}};
}

result<seal_report> seal(const context& with, const std::string& wanted) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto which = find_policy(*opened, wanted);
    if (!which) return std::move(which).error();
    auto sealed = which->policy.seal(*opened);
    if (!sealed) return std::move(sealed).error();
    return seal_report{std::move(which->info)};
}

void add_policy(CLI::App& to, std::string& policy) {
    to.add_option("policy", policy, "Its id, or its name")->required()->type_name("ID|NAME");
}

void add_replace(CLI::App& policy, registry& to) {
    CLI::App* command = policy.add_subcommand("replace", "Put another policy in its place, in all tasks that carry it");
    auto options = std::make_shared<replace_options>();
    add_policy(*command, options->policy);
    auto* source = command->add_option_group("next", "What comes in its place, one of");
    auto* profile =
        source->add_option("--profile", options->profile.file, "Make it of this profile; - for standard input")
            ->type_name("FILE");
    add_program_options(*source, options->filter);
    add_object_options(*command, *source, "--prog", options->filter);
    source->require_option(1);
    command->add_option("--name", options->profile.name, "Name of the new one; without it that of the old one")
        ->type_name("NAME");
    add_deciding_options(*command, options->profile);
    add_engine_option(*command, options->profile, profile);
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(replace(with, *options)); }; });
}

void add_tighten(CLI::App& policy, registry& to) {
    CLI::App* command = policy.add_subcommand("tighten", "Let it permit fewer calls, in all tasks that carry it");
    auto options = std::make_shared<tighten_options>();
    add_policy(*command, options->policy);
    command->add_option("--profile", options->profile.file, "What it shall be from now on; - for standard input")
        ->required()
        ->type_name("FILE");
    command->add_option("--from", options->from, "What it was made of: compared here, before the module compares")
        ->type_name("FILE");
    command->add_option("--name", options->profile.name, "Name of the new one; without it that of the old one")
        ->type_name("NAME");
    add_deciding_options(*command, options->profile);
    command->callback([&to, options] {
        if (options->profile.file == "-" && options->from == "-")
            throw CLI::ValidationError("--from", "only one of the profiles can be standard input");
        to.chosen = [options](const context& with) { return to_outcome(tighten(with, *options)); };
    });
}

void add_seal(CLI::App& policy, registry& to) {
    CLI::App* command = policy.add_subcommand("seal", "Let nothing come in its place any more");
    auto wanted = std::make_shared<std::string>();
    add_policy(*command, *wanted);
    command->callback(
        [&to, wanted] { to.chosen = [wanted](const context& with) { return to_outcome(seal(with, *wanted)); }; });
}

}  // namespace

void add_policy_change(CLI::App& policy, registry& to) {
    add_replace(policy, to);
    add_tighten(policy, to);
    add_seal(policy, to);
}

}  // namespace secmap::ctl
