// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl learn: record the calls of a program, or of a process that is running, and write a profile that allows them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include <secmap/device.hpp>
#include <secmap/learned_profile.hpp>
#include <secmap/process.hpp>
#include <secmap/recorder.hpp>
#include <secmap/task.hpp>

#include "argument_options.hpp"
#include "capability.hpp"
#include "caught_signals.hpp"
#include "command.hpp"
#include "execution.hpp"
#include "format.hpp"
#include "recorded.hpp"
#include "validators.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint64_t longest = 31'536'000;
constexpr std::chrono::seconds usual_progress{10};
constexpr unsigned passes_max = 1000;

struct learn_options {
    std::string output;
    std::string base;
    std::string merge;
    std::vector<std::string> arguments = usual_arguments();
    pid_t pid = 0;
    std::uint32_t seconds = 0;   ///< 0: until a signal comes
    std::uint32_t progress = 0;  ///< 0: on a terminal, seldom
    bool keeps_privileges = false;
    std::vector<std::string> program;
};

// What has been said by the options; checked before anything runs.
struct learning {
    descriptor output;
    learned_profile profile;
    device opened;
    recorder records;
};

result<void> add_profile(learned_profile& to, const std::string& file) {
    if (file.empty()) return {};
    profile_host host;
    host.capabilities = container_capabilities();
    const auto read = read_profile(file, host);
    if (!read) return read.error();
    return to.add(*read);
}

// Not emptied yet: the file may be the one that is merged, and what was learned may never come.
result<descriptor> open_output(const std::string& file) {
    const int number = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    if (number < 0) return error{errno, "write " + file, std::strerror(errno), ""};
    return descriptor(number);
}

result<learning> prepare(const context& with, const learn_options& options) {
    learned_profile known;
    if (auto added = add_profile(known, options.base); !added) return std::move(added).error();
    if (auto added = add_profile(known, options.merge); !added) return std::move(added).error();
    auto sets = to_recorder_sets(options.arguments);
    if (!sets) return std::move(sets).error();
    auto opened = device::open(with.device);
    if (!opened) return std::move(opened).error();
    auto records = recorder::create(*opened, std::move(sets).value());
    if (!records) return std::move(records).error();
    auto output = open_output(options.output);
    if (!output) return std::move(output).error();
    return learning{std::move(output).value(), std::move(known), std::move(opened).value(), std::move(records).value()};
}

// A line now and then, where somebody looks on or has asked for it.
ticker progress_of(const learning& of, const learn_options& options, format wanted) {
    const bool shown = options.progress != 0 || (wanted == format::text && isatty(STDERR_FILENO) != 0);
    if (!shown) return {};
    const auto every = options.progress != 0 ? std::chrono::seconds(options.progress) : usual_progress;
    return {every, [&of, begun = clock::now(), last = std::size_t{0}]() mutable {
                const auto found = of.records.glance(of.opened);
                if (!found) return;
                const auto since = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - begun);
                std::cerr << fmt::format("secmapctl: {} s, {} different calls, {} new\n", since.count(), found->count(),
                                         found->count() - last)
                          << std::flush;
                last = found->count();
            }};
}

result<void> write_profile(const learning& from, const std::string& file) {
    const int number = from.output.number();
    int failed = 0;
    // What is no file cannot be cut, and need not be.
    if (ftruncate(number, 0) != 0 && errno != EINVAL) failed = errno;
    if (failed == 0) failed = write_all(number, from.profile.text());
    if (failed != 0) return error{failed, "write " + file, std::strerror(failed), ""};
    return {};
}

// Reads, writes, and tells on standard error: standard output is the program's.
result<learn_report> finish(learning& of, const learn_options& options, clock::time_point begun) {
    const auto found = of.records.read(of.opened);
    if (!found) return found.error();
    of.profile.add(*found);
    if (auto written = write_profile(of, options.output); !written) return std::move(written).error();
    learn_report report;
    report.written_to = options.output;
    report.seconds = std::chrono::duration<double>(clock::now() - begun).count();
    for (std::size_t each = 0; each < found->calls.size(); ++each) report.recorded[each] = found->calls[each].size();
    report.allowed = of.profile.names();
    report.limited = of.profile.limited();
    report.notes = of.profile.notes();
    return report;
}

outcome learn_program(const context& with, const learn_options& options) {
    auto prepared = prepare(with, options);
    if (!prepared) return failure{std::move(prepared).error()};
    learning& of = *prepared;
    const auto begun = clock::now();
    const auto program = recorded_program::start(options.program, [&]() -> result<void> {
        if (!options.keeps_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            return error{errno, "set no_new_privs", std::strerror(errno), ""};
        auto attached = attach_self(of.opened, of.records);
        if (!attached) return std::move(attached).error();
        return {};
    });
    if (!program) return failure{program.error()};
    const auto ended = program->wait(progress_of(of, options, with.format));
    if (!ended) return failure{ended.error()};
    if (const auto number = program->exec_failure()) return execution_failure(options.program.front(), *number);
    auto report = finish(of, options, begun);
    if (!report) return failure{std::move(report).error()};
    std::cerr << print(value(std::move(report).value()), with.format) << std::flush;
    return program_end{*ended};
}

// From every task: what the process has started meanwhile carries it as well.
result<void> stop_recording(const learning& of) {
    const std::uint32_t id = of.records.policy_id();
    for (unsigned pass = 0, quiet = 0; quiet < 2; ++pass, ++quiet) {
        if (pass == passes_max)
            return error{EAGAIN, "stop recording", "tasks are started faster than they can be changed", ""};
        const auto tasks = task_list(of.opened);
        if (!tasks) return tasks.error();
        for (const task& each : *tasks) {
            const auto carried = each.tid != 0 ? task_policies(of.opened, each.tid) : std::vector<std::uint32_t>();
            if (!carried || std::ranges::count(*carried, id) == 0) continue;
            if (const auto done = detach_thread(of.opened, each.tid, id); !done) {
                if (done.error().number == ESRCH || done.error().number == ENOENT) continue;
                return done.error();
            }
            quiet = 0;
        }
    }
    return {};
}

// Until it ends, the time is over, or a signal comes.
result<void> watch(const learning& of, const learn_options& options, const caught_signals& signals, format wanted) {
    const descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, options.pid, 0)));
    if (handle.number() < 0)
        return error{errno, "wait for process " + std::to_string(options.pid), std::strerror(errno), ""};
    const auto end = clock::now() + std::chrono::seconds(options.seconds);
    ticker progress = progress_of(of, options, wanted);
    std::array<pollfd, 2> events = {{{handle.number(), POLLIN, 0}, {signals.file.number(), POLLIN, 0}}};
    do {
        std::optional<std::chrono::milliseconds> left;
        if (options.seconds != 0) left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
        if (left && left->count() <= 0) return {};
        if (poll(events.data(), events.size(), progress.wait_ms(left)) < 0 && errno != EINTR)
            return error{errno, "wait for process " + std::to_string(options.pid), std::strerror(errno), ""};
    } while (events[0].revents == 0 && events[1].revents == 0);
    return {};
}

result<learn_report> learn_process(const context& with, const learn_options& options) {
    constexpr std::array<int, 3> ends = {SIGHUP, SIGINT, SIGTERM};
    const auto whom = process::open(options.pid);
    if (!whom) return whom.error();
    auto prepared = prepare(with, options);
    if (!prepared) return std::move(prepared).error();
    learning& of = *prepared;
    const auto signals = catch_signals(ends);
    if (!signals) return signals.error();
    const auto begun = clock::now();
    const auto attached = whom->attach(of.opened, attachment_of(of.opened, of.records));
    const auto watched = attached ? watch(of, options, *signals, with.format) : result<void>(attached.error());
    // Whatever has failed: nobody is to be recorded any more.
    if (auto stopped = stop_recording(of); watched && !stopped) return std::move(stopped).error();
    if (!watched) return watched.error();
    return finish(of, options, begun);
}

outcome learn(const context& with, const learn_options& options) {
    if (options.pid == 0) return learn_program(with, options);
    return to_outcome(learn_process(with, options));
}

void check_options(const learn_options& options) {
    if (options.program.empty() == (options.pid == 0))
        throw CLI::ValidationError("learn", "a program behind --, or --pid: one of them");
    if (const auto sets = to_recorder_sets(options.arguments); !sets)
        throw CLI::ValidationError("--args", sets.error().text);
}

}  // namespace

void add_learn(registry& to) {
    CLI::App* command = to.app.add_subcommand("learn", "Record the calls of a program, and write a profile of them");
    auto options = std::make_shared<learn_options>();
    command->add_option("--output", options->output, "Where the profile goes")->required()->type_name("FILE");
    command->add_option("--base", options->base, "What this profile allows stays allowed")->type_name("FILE");
    command->add_option("--merge", options->merge, "So does what was learned before")->type_name("FILE");
    command
        ->add_option("--args", options->arguments,
                     "Calls whose arguments matter, as CALL or CALL:INDEX:INDEX, or none; without it ioctl, socket, "
                     "prctl and personality")
        ->delimiter(',')
        ->check(CLI::Validator(check_argument, "", "call"))
        ->allow_extra_args(false)
        ->type_name("CALL,...");
    CLI::Option* const pid =
        command->add_option("--pid", options->pid, "A running process, all its threads, instead of a program")
            ->check(number_up_to(highest_pid))
            ->type_name("PID");
    command->add_option("--seconds", options->seconds, "How long; without it until Ctrl-C, or its end")
        ->check(number_up_to(longest))
        ->needs(pid)
        ->type_name("N");
    command->add_option("--progress", options->progress, "Tell this often how far it is")
        ->check(number_up_to(longest))
        ->type_name("SECONDS");
    command->add_flag("--no-nnp", options->keeps_privileges, "Do not set no_new_privs; needs CAP_SYS_ADMIN")
        ->excludes(pid);
    command->add_option("program", options->program, "The program and its arguments, after --")->type_name("");
    command->callback([&to, options] {
        check_options(*options);
        to.chosen = [options](const context& with) { return learn(with, *options); };
    });
}

}  // namespace secmap::ctl
