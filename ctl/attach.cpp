// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl attach, secmapctl detach: change a running process.
#include <memory>
#include <optional>
#include <utility>

#include <secmap/attachment.hpp>
#include <secmap/device.hpp>
#include <secmap/phase.hpp>
#include <secmap/policy.hpp>
#include <secmap/task.hpp>

#include "command.hpp"
#include "engine.hpp"
#include "follow.hpp"
#include "phase_options.hpp"
#include "profile_options.hpp"
#include "target.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

struct attach_options {
    profile_options profile;
    std::uint32_t policy = 0;
    phase_options later;
    target_options target;
    pid_t thread = 0;  ///< 0: all of them
    bool complains = false;
    follow_options following;
};

struct detach_options {
    std::optional<std::uint32_t> policy;
    target_options target;
};

/// What is attached, and how.
struct made_policy {
    policy which;
    std::optional<phase> from;
};

result<made_policy> find_or_make(const device& on, const attach_options& options) {
    if (options.later.given()) {
        auto later = create_later(on, options.later, options.profile);
        if (!later) return std::move(later).error();
        later_policy& only = later->front();
        return made_policy{std::move(only.made), std::move(only.from)};
    }
    auto now = options.policy != 0 ? policy::open(on, options.policy) : create_policy(on, options.profile);
    if (!now) return std::move(now).error();
    return made_policy{std::move(now).value(), std::nullopt};
}

attachment attachment_of(const device& on, const made_policy& what, const attach_options& options) {
    if (what.from) return secmap::attachment_of(on, what.which, *what.from);
    return secmap::attachment_of(on, what.which,
                                 options.complains ? secmap::attach_options().complain() : secmap::attach_options());
}

in_force force_of(const attach_options& options) {
    if (options.later.given()) return in_force::later;
    return options.complains ? in_force::never : in_force::now;
}

outcome attach(const context& with, const attach_options& options) {
    const auto whom = target::open(options.target);
    if (!whom) return failure{whom.error()};
    const auto opened = device::open(with.device);
    if (!opened) return failure{opened.error()};
    const auto what = find_or_make(*opened, options);
    if (!what) return failure{what.error()};
    const attachment which = attachment_of(*opened, *what, options);
    if (options.following.wanted) return follow(with, *whom, *opened, which, force_of(options), options.following);
    auto done = options.thread == 0 ? whom->attach(*opened, which) : whom->attach(*opened, which, options.thread);
    if (done) done->when = force_of(options);
    return to_outcome(std::move(done));
}

void check_options(const attach_options& options) {
    options.following.check(options.target);
    if (options.later.after.size() + options.later.upon.size() > 1)
        throw CLI::ValidationError("attach", "one --after or --upon: what is attached is one policy");
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
    auto* after = add_after_option(*source, options->later);
    auto* upon = add_upon_option(*source, options->later);
    source->require_option(1);
    add_reading_options(*command, options->profile);
    add_engine_option(*command, options->profile, profile);
    const target_flags target = add_target_options(*command, options->target);
    target.whom->require_option(1);
    command->add_option("--thread", options->thread, "Only this thread of the process")
        ->check(number_up_to(highest_pid))
        ->type_name("TID")
        ->needs(target.pid);
    command->add_flag("--complain", options->complains, "Deny nothing; 'secmapctl monitor' tells what it would deny")
        ->excludes(after)
        ->excludes(upon);
    add_follow_options(*command, options->following);
    command->callback([&to, options] {
        check_options(*options);
        to.chosen = [options](const context& with) { return attach(with, *options); };
    });
}

void add_detach(registry& to) {
    CLI::App* command = to.app.add_subcommand("detach", "Take a policy, or all, off a running process or a cgroup");
    auto options = std::make_shared<detach_options>();
    add_target_options(*command, options->target).whom->require_option(1);
    command->add_option("--policy", options->policy, "Which one, however often it is carried; without it all")
        ->check(number_up_to(highest_id))
        ->type_name("ID");
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(detach(with, *options)); }; });
}

}  // namespace secmap::ctl
