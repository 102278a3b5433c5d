// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl policy replace|seal: what changes a policy that is carried.
#include <memory>
#include <string>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>

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
    add_seal(policy, to);
}

}  // namespace secmap::ctl
