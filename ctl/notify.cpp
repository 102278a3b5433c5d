// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl notify: execute a program, and answer what its policy has to be asked about. Whatever fails before, the
// program does not run.
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>

#include "answer_rules.hpp"
#include "asked.hpp"
#include "caught_signals.hpp"
#include "command.hpp"
#include "execution.hpp"
#include "helper.hpp"
#include "profile_options.hpp"
#include "request_log.hpp"
#include "supervised.hpp"
#include "supervisor.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint64_t longest_timeout = 86400;
// What people and service managers end or steer a program by.
constexpr std::array<int, 6> passed_on = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

struct notify_options {
    profile_options profile;
    std::vector<std::string> on;
    std::vector<std::string> answers;
    std::string helper;
    std::uint32_t timeout = 10;
    std::string output;
    std::vector<std::string> program;
};

// What is wrong with them together.
void check_options(const notify_options& options) {
    const answer_rules rules(options.answers);
    if (const std::string twice = rules.named_twice(); !twice.empty())
        throw CLI::ValidationError("--answer", "'" + twice + "' is answered twice");
    const auto rest = rules.of_the_rest();
    if (!options.helper.empty() && rest && rest->what == answer::kind::is_made)
        throw CLI::ValidationError("--answer", "'*=continue' would allow what a failing helper does not answer");
}

result<policy_image> image_of(const notify_options& options, const answer_rules& rules) {
    policy_image image = open_image(options.profile.name.empty() ? "notify" : options.profile.name);
    if (!options.profile.file.empty()) {
        auto loaded = load(options.profile);
        if (!loaded) return std::move(loaded).error();
        image = std::move(loaded->image);
    }
    if (auto done = ask_about(image, options.on); !done) return std::move(done).error();
    if (!asks(image))
        return error{EINVAL, "notify", "the profile asks about no call",
                     "name calls with --on, or use 'secmapctl run'"};
    for (const std::string& name : rules.names())
        if (!asks_about(image, name))
            return error{EINVAL, "notify", "there is an answer for " + name + ", and nobody asks about it",
                         "name it with --on, too"};
    return image;
}

result<supervisor> start(const context& with, const notify_options& options) {
    answering how{answer_rules(options.answers), std::nullopt, std::chrono::seconds(options.timeout)};
    const auto image = image_of(options, how.rules);
    if (!image) return image.error();
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto made = policy::create(*opened, *image);
    if (!made) return made.error();
    auto log = request_log::open(options.output, with.format);
    if (!log) return std::move(log).error();
    if (!options.helper.empty()) {
        auto started = helper::start(options.helper);
        if (!started) return std::move(started).error();
        how.helper.emplace(std::move(started).value());
    }
    auto signals = catch_signals(passed_on);
    if (!signals) return std::move(signals).error();
    auto program = supervised::start(*opened, *made, options.program, signals->before);
    if (!program) return std::move(program).error();
    std::signal(SIGPIPE, SIG_IGN);  // a helper that does not read is an error of write()
    return supervisor(std::move(program).value(), std::move(how), std::move(log).value(), std::move(signals->file));
}

outcome notify(const context& with, const notify_options& options) {
    auto serving = start(with, options);
    if (!serving) return failure{std::move(serving).error()};
    const auto ended = serving->serve();
    if (!ended) return failure{ended.error()};
    if (const auto number = serving->program().exec_failure())
        return execution_failure(options.program.front(), *number);
    return program_end{*ended};
}

std::string check_call(const std::string& name) {
    return is_call(name) ? "" : "there is no system call '" + name + "' on x86_64, x32 or i386";
}

void add_answering_options(CLI::App& to, notify_options& options) {
    to.add_option(
          "--answer", options.answers,
          "What a call gets: errno:NAME, value:NUMBER or continue; * is every call without an answer or a helper")
        ->check(CLI::Validator(check_answer_rule, "", "answer"))
        ->allow_extra_args(false)
        ->type_name("NAME=ANSWER");
    CLI::Option* const asked =
        to.add_option("--helper", options.helper, "A program that answers, in JSON, line by line")
            ->type_name("PROGRAM");
    to.add_option("--timeout", options.timeout, "How long the helper may take for one answer; 10 without it")
        ->check(number_up_to(longest_timeout))
        ->needs(asked)
        ->type_name("SECONDS");
}

}  // namespace

void add_notify(registry& to) {
    CLI::App* command = to.app.add_subcommand("notify", "Execute a program, show calls that it makes, and answer them");
    auto options = std::make_shared<notify_options>();
    auto* source = command->add_option_group("calls", "What is asked about, at least one of");
    source->add_option("--on", options->on, "These calls, whatever the profile says of them")
        ->delimiter(',')
        ->check(CLI::Validator(check_call, "", "call"))
        ->allow_extra_args(false)
        ->type_name("NAME,...");
    source->add_option("--profile", options->profile.file, "Profile to hold it to; - for standard input")
        ->type_name("FILE");
    source->require_option(1, 2);
    add_reading_options(*command, options->profile);
    add_answering_options(*command, *options);
    command->add_option("--output", options->output, "File to show requests in; without it standard error")
        ->type_name("FILE");
    command->add_option("program", options->program, "The program and its arguments, after --")
        ->required()
        ->type_name("");
    command->callback([&to, options] {
        check_options(*options);
        to.chosen = [options](const context& with) { return notify(with, *options); };
    });
}

}  // namespace secmap::ctl
