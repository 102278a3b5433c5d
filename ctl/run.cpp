// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl run: execute a program that a profile or a filter holds, or whose own filters the module serves. Whatever
// fails on the way, the program does not run.
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <unistd.h>

#include <secmap/device.hpp>
#include <secmap/phase.hpp>
#include <secmap/policy.hpp>
#include <secmap/recorder.hpp>
#include <secmap/task.hpp>

#include "adopt.hpp"
#include "command.hpp"
#include "complaints.hpp"
#include "engine.hpp"
#include "execution.hpp"
#include "format.hpp"
#include "phase_options.hpp"
#include "profile_options.hpp"
#include "program_options.hpp"
#include "recorded.hpp"
#include "why.hpp"

namespace secmap::ctl {

namespace {

struct run_options {
    profile_options profile;
    program_options filter;
    phase_options later;
    privileges gained = privileges::never_new;
    bool adopts = false;
    bool complains = false;
    bool asks_why = false;
    std::string output;  ///< of why
    std::vector<std::string> program;

    [[nodiscard]] bool confines_now() const noexcept { return !profile.file.empty() || filter.given(); }
    [[nodiscard]] bool confines() const noexcept { return confines_now() || later.given(); }
};

result<policy> make_policy(const device& by, const run_options& options) {
    if (options.filter.given()) return create_policy(by, options.filter, options.profile.name);
    return create_policy(by, options.profile);
}

result<void> set_no_new_privs(const run_options& options) {
    if (options.gained == privileges::never_new && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error{errno, "set no_new_privs", std::strerror(errno), ""};
    return {};
}

result<void> confined(result<std::uint32_t> attached) {
    if (attached) return {};
    error failed = std::move(attached).error();
    if (failed.number == EACCES) failed.hint = "leave out --no-nnp, or have CAP_SYS_ADMIN";
    return failed;
}

// What waits is attached first: the policy that holds now may deny it.
result<void> confine(const device& by, const run_options& options) {
    const auto later = create_later(by, options.later, options.profile);
    if (!later) return later.error();
    std::optional<policy> now;
    if (options.confines_now()) {
        auto made = make_policy(by, options);
        if (!made) return std::move(made).error();
        now.emplace(std::move(made).value());
    }
    if (auto done = set_no_new_privs(options); !done) return done;
    for (const later_policy& each : *later)
        if (auto attached = confined(attach_self_later(by, each.made, each.from)); !attached) return attached;
    if (!now) return {};
    return confined(attach_self(by, *now));
}

// A program that a filter of ours holds has no_new_privs, unless it was told not to.
gained_privileges gained_by_exec(const run_options& options) {
    const bool never =
        (options.confines() && options.gained == privileges::never_new) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    return never ? gained_privileges::none : gained_privileges::of_the_file;
}

result<void> check_module(const device& by) {
    const auto info = by.info();
    if (!info) return info.error();
    if ((info->features & SECMAP_FEATURE_CBPF) == 0)
        return error{EOPNOTSUPP, "adopt filters", "the module does not take classic BPF",
                     "load the module that belongs to this secmapctl"};
    if (info->skipping == call_skipping::broken)
        return error{ENOSYS, "adopt filters", "this kernel cannot skip a system call, so nothing can be enforced on it",
                     "boot a kernel with the fix fb13b11d5387: 'secmapctl feature' tells whether it has it"};
    return {};
}

result<void> prepare(const context& with, const run_options& options) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    if (options.adopts) {
        auto checked = check_module(*opened);
        if (!checked) return checked;
        auto adopted = adopt(options.program.front(), gained_by_exec(options), with.device);
        if (!adopted) return adopted;
    }
    if (!options.confines()) return {};
    return confine(*opened, options);
}

// The program runs as a child: when it has ended, there is something to tell.
outcome run_and_complain(const context& with, const run_options& options) {
    const auto loaded = load(options.profile);
    if (!loaded) return failure{loaded.error()};
    const auto opened = device::open(with.device);
    if (!opened) return failure{opened.error()};
    const auto made = create_policy(*opened, loaded->image, options.profile.engine);
    if (!made) return failure{made.error()};
    const auto records = recorder::create(*opened, arguments_of_rules(loaded->image));
    if (!records) return failure{records.error()};
    const auto program = recorded_program::start(options.program, [&]() -> result<void> {
        if (auto done = set_no_new_privs(options); !done) return done;
        return confined(attach_self(*opened, *made, attach_options().complain(*records)));
    });
    if (!program) return failure{program.error()};
    const auto ended = program->wait({});
    if (!ended) return failure{ended.error()};
    if (const auto number = program->exec_failure()) return execution_failure(options.program.front(), *number);
    const auto found = records->read(*opened);
    if (!found) return failure{found.error()};
    auto report = complaints(loaded->image, *found);
    if (!report) return failure{std::move(report).error()};
    report->profile = options.profile.file;
    std::cerr << print(value(std::move(report).value()), with.format) << std::flush;
    return program_end{*ended};
}

// The program is a child then: somebody has to be left who watches.
outcome run_and_tell(const context& with, const run_options& options) {
    std::optional<loaded_profile> profile;
    if (!options.filter.given()) {
        auto loaded = load(options.profile);
        if (!loaded) return failure{std::move(loaded).error()};
        profile.emplace(std::move(loaded).value());
    }
    const auto opened = device::open(with.device);
    if (!opened) return failure{opened.error()};
    const auto made = profile ? create_policy(*opened, profile->image, options.profile.engine)
                              : create_policy(*opened, options.filter, options.profile.name);
    if (!made) return failure{made.error()};
    return tell_why({with, *opened, *made, profile, options.program, options.gained, options.output});
}

outcome run(const context& with, const run_options& options) {
    if (options.complains) return run_and_complain(with, options);
    if (options.asks_why) return run_and_tell(with, options);
    auto prepared = prepare(with, options);
    if (!prepared) return failure{std::move(prepared).error()};
    const auto arguments = argument_pointers(options.program);
    execvp(arguments.front(), arguments.data());
    failure failed = execution_failure(options.program.front(), errno);
    if (!failed.error.hint.empty() && options.filter.given())
        failed.error.hint = "the filter may deny execve: secmapctl prog test --call execve";
    return failed;
}

}  // namespace

void add_run(registry& to) {
    CLI::App* run_command =
        to.app.add_subcommand("run", "Execute a program under a profile or a filter, or under filters of its own");
    auto options = std::make_shared<run_options>();
    auto* source = run_command->add_option_group("filters", "What holds it, at least one of");
    auto* profile =
        source->add_option("--profile", options->profile.file, "Profile to hold it to; - for standard input")
            ->type_name("FILE");
    auto* cbpf = add_program_options(*source, options->filter)->excludes(profile);
    add_object_options(*run_command, *source, "--prog", options->filter)->excludes(profile)->excludes(cbpf);
    auto* adopt = source->add_flag("--adopt", options->adopts, "Serve the program's own seccomp filters by the module");
    auto* after = add_after_option(*source, options->later);
    auto* upon = add_upon_option(*source, options->later);
    source->require_option(1, 0);
    add_reading_options(*run_command, options->profile);
    add_engine_option(*run_command, options->profile, profile);
    auto* complain = run_command->add_flag("--complain", options->complains,
                                           "Deny nothing; tell at the end what the profile would have denied");
    complain->needs(profile)->excludes(adopt)->excludes(after)->excludes(upon);
    auto* why = run_command->add_flag("--why", options->asks_why,
                                      "Tell at its end what was denied, by which rule, and what would allow it");
    why->excludes(adopt)->excludes(after)->excludes(upon)->excludes(complain);
    run_command->add_option("--output", options->output, "File to tell it in; without it standard error")
        ->needs(why)
        ->type_name("FILE");
    run_command->add_flag_callback(
        "--no-nnp", [options] { options->gained = privileges::as_they_are; },
        "Do not set no_new_privs; needs CAP_SYS_ADMIN");
    run_command->add_option("program", options->program, "The program and its arguments, after --")
        ->required()
        ->type_name("");
    run_command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return run(with, *options); }; });
}

}  // namespace secmap::ctl
