// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl learn: record the calls of a program, or of what is running, and write a profile that allows them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <secmap/attachment.hpp>
#include <secmap/device.hpp>
#include <secmap/learned_profile.hpp>
#include <secmap/recorder.hpp>
#include <secmap/task.hpp>

#include "argument_options.hpp"
#include "capability.hpp"
#include "caught_signals.hpp"
#include "command.hpp"
#include "execution.hpp"
#include "follower.hpp"
#include "format.hpp"
#include "recorded.hpp"
#include "target.hpp"
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
    target_options target;
    follow_options following;
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
result<learn_report> finish(learning& of, const learn_options& options, clock::time_point begun,
                            std::vector<std::string> notes) {
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
    report.notes = std::move(notes);
    for (const std::string& each : of.profile.notes()) report.notes.push_back(each);
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
    auto report = finish(of, options, begun, {});
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

// What is recorded until it ends.
class recorded_target {
public:
    recorded_target(const learning& of, const target& whom, const learn_options& options) : of_(of), whom_(whom) {
        if (options.following.wanted) by_.emplace(follower::open(*whom.as_group(), options.following));
    }

    // What could not be done to some threads of a group is noted.
    [[nodiscard]] result<void> begin();

    // For poll(2): when it may have ended, or somebody may have come.
    [[nodiscard]] int number() const noexcept;
    [[nodiscard]] std::optional<std::chrono::milliseconds> wait() const noexcept;

    // Is there anybody left? A group that is followed lasts until it is removed. Records those that have come.
    [[nodiscard]] result<bool> goes_on();

    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    void note(const std::string& what);
    const learning& of_;
    const target& whom_;
    std::optional<follower> by_;
    std::vector<std::string> notes_;
};

void recorded_target::note(const std::string& what) {
    if (std::ranges::find(notes_, what) == notes_.end()) notes_.push_back(what);
}

result<void> recorded_target::begin() {
    const auto done = whom_.attach(of_.opened, attachment_of(of_.opened, of_.records));
    const bool empty = !done && done.error().number == ESRCH && by_;
    if (!done && !empty) return done.error();
    if (done && done->incomplete) note(done->incomplete->text);
    if (by_ && !by_->note().empty()) note(by_->note());
    return {};
}

int recorded_target::number() const noexcept {
    if (by_) return by_->number();
    return whom_.as_process() ? whom_.as_process()->number() : -1;
}

std::optional<std::chrono::milliseconds> recorded_target::wait() const noexcept {
    constexpr std::chrono::milliseconds usual{500};
    if (by_) return by_->every();
    return whom_.as_process() ? std::nullopt : std::optional(usual);
}

result<bool> recorded_target::goes_on() {
    if (const process* one = whom_.as_process()) return one->alive();
    const auto left = whom_.as_group()->threads();
    if (!left && left.error().number == ENODEV) return false;
    if (!left) return left.error();
    if (!by_) return !left->empty();
    const auto changes = by_->look(of_.opened, attachment_of(of_.opened, of_.records));
    if (!changes && changes.error().number == ENODEV) return false;
    if (!changes) note(changes.error().message());
    return true;
}

// Until it ends, the time is over, or a signal comes.
result<void> watch(const learning& of, recorded_target& whom, const learn_options& options,
                   const caught_signals& signals, format wanted) {
    const auto end = clock::now() + std::chrono::seconds(options.seconds);
    ticker progress = progress_of(of, options, wanted);
    std::array<pollfd, 2> events = {{{whom.number(), POLLIN, 0}, {signals.file.number(), POLLIN, 0}}};
    while (events[1].revents == 0) {
        const auto there = whom.goes_on();
        if (!there) return there.error();
        auto left = whom.wait();
        if (options.seconds != 0) {
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
            left = left ? std::min(*left, rest) : rest;
        }
        if (!*there || (left && left->count() <= 0)) return {};
        if (poll(events.data(), events.size(), progress.wait_ms(left)) < 0 && errno != EINTR)
            return error{errno, "wait for what is recorded", std::strerror(errno), ""};
    }
    return {};
}

result<learn_report> learn_target(const context& with, const learn_options& options) {
    constexpr std::array<int, 3> ends = {SIGHUP, SIGINT, SIGTERM};
    const auto whom = target::open(options.target);
    if (!whom) return whom.error();
    auto prepared = prepare(with, options);
    if (!prepared) return std::move(prepared).error();
    learning& of = *prepared;
    const auto signals = catch_signals(ends);
    if (!signals) return signals.error();
    const auto begun = clock::now();
    recorded_target recorded(of, *whom, options);
    const auto attached = recorded.begin();
    const auto watched = attached ? watch(of, recorded, options, *signals, with.format) : attached;
    // Whatever has failed: nobody is to be recorded any more.
    if (auto stopped = stop_recording(of); watched && !stopped) return std::move(stopped).error();
    if (!watched) return watched.error();
    return finish(of, options, begun, recorded.notes());
}

outcome learn(const context& with, const learn_options& options) {
    if (!options.target.given()) return learn_program(with, options);
    return to_outcome(learn_target(with, options));
}

void check_options(const learn_options& options) {
    constexpr const char* targets = "--pid, --cgroup or --unit";
    if (options.program.empty() != options.target.given())
        throw CLI::ValidationError("learn", fmt::format("a program behind --, or {}: one of them", targets));
    if (options.seconds != 0 && !options.target.given()) throw CLI::RequiresError("--seconds", targets);
    options.following.check(options.target);
    if (const auto sets = to_recorder_sets(options.arguments); !sets)
        throw CLI::ValidationError("--args", sets.error().text);
}

// Somebody will look for it here.
void add_refused_complain(CLI::App& to) {
    const auto refuse = [] {
        throw CLI::ValidationError("--complain",
                                   "learn denies nothing; what a profile would, 'secmapctl run --complain' tells, and "
                                   "what is learned beyond a profile, 'secmapctl policy diff'");
    };
    to.add_flag_callback("--complain", refuse)->group("");
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
    const target_flags target = add_target_options(*command, options->target);
    target.whom->require_option(0, 1);
    add_follow_options(*command, options->following);
    command->add_option("--seconds", options->seconds, "How long; without it until Ctrl-C, or its end")
        ->check(number_up_to(longest))
        ->type_name("N");
    command->add_option("--progress", options->progress, "Tell this often how far it is")
        ->check(number_up_to(longest))
        ->type_name("SECONDS");
    command->add_flag("--no-nnp", options->keeps_privileges, "Do not set no_new_privs; needs CAP_SYS_ADMIN")
        ->excludes(target.pid)
        ->excludes(target.cgroup)
        ->excludes(target.unit);
    add_refused_complain(*command);
    command->add_option("program", options->program, "The program and its arguments, after --")->type_name("");
    command->callback([&to, options] {
        check_options(*options);
        to.chosen = [options](const context& with) { return learn(with, *options); };
    });
}

}  // namespace secmap::ctl
