// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl attach, secmapctl detach: change a running process.
#include <memory>
#include <optional>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>

#include "command.hpp"
#include "engine.hpp"
#include "profile_options.hpp"
#include "target.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

struct attach_options {
    profile_options profile;
    std::uint32_t policy = 0;
    target_options target;
    pid_t thread = 0;  ///< 0: all of them
};

struct detach_options {
    std::optional<std::uint32_t> policy;
    target_options target;
};

result<policy> find_or_make(const device& on, const attach_options& options) {
    if (options.policy != 0) return policy::open(on, options.policy);
    return create_policy(on, options.profile);
}

result<change_report> attach(const context& with, const attach_options& options) {
    const auto whom = target::open(options.target);
    if (!whom) return whom.error();
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto which = find_or_make(*opened, options);
    if (!which) return which.error();
    return options.thread == 0 ? whom->attach(*opened, *which) : whom->attach(*opened, *which, options.thread);
}

result<change_report> detach(const context& with, const detach_options& options) {
    const auto whom = target::open(options.target);
    if (!whom) return whom.error();
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    return whom->detach(*opened, options.policy);
}

}  // namespace

void add_attach(registry& to) {
    CLI::App* command =
        to.app.add_subcommand("attach", "Put a policy on top of what a running process, or all of a cgroup, carries");
    auto options = std::make_shared<attach_options>();
    auto* source = command->add_option_group("policy", "What to attach, one of");
    auto* profile =
        source->add_option("--profile", options->profile.file, "Make a policy of this profile; - for standard input")
            ->type_name("FILE");
    source->add_option("--policy", options->policy, "A policy that is there already")
        ->check(number_up_to(highest_id))
        ->type_name("ID");
    source->require_option(1);
    add_reading_options(*command, options->profile);
    add_engine_option(*command, options->profile, profile);
    auto* pid = add_target_options(*command, options->target);
    command->add_option("--thread", options->thread, "Only this thread of the process")
        ->check(number_up_to(highest_pid))
        ->type_name("TID")
        ->needs(pid);
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(attach(with, *options)); }; });
}

void add_detach(registry& to) {
    CLI::App* command = to.app.add_subcommand("detach", "Take a policy, or all, off a running process or a cgroup");
    auto options = std::make_shared<detach_options>();
    add_target_options(*command, options->target);
    command->add_option("--policy", options->policy, "Which one, however often it is carried; without it all")
        ->check(number_up_to(highest_id))
        ->type_name("ID");
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(detach(with, *options)); }; });
}

}  // namespace secmap::ctl
