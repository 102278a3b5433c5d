// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl stats: how often policies in the kernel have said what.
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/task.hpp>

#include "caught_signals.hpp"
#include "command.hpp"
#include "metrics.hpp"
#include "policy_in_kernel.hpp"
#include "validators.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::array<int, 2> ending = {SIGINT, SIGTERM};
constexpr std::uint64_t longest_wait = 86'400;
constexpr std::uint64_t longest_count = 1'000'000'000;
constexpr const char* usual_wait = "2";

struct show_options {
    std::string policy;
    std::uint64_t watch = 0;  ///< seconds; 0: once
    std::uint64_t count = 0;  ///< 0: no end
    bool prometheus = false;
    std::string output;
};

counted_policy with_stats(policy_info info, const policy_stats& stats) {
    counted_policy made{std::move(info), stats.counted, {}};
    for (const policy_count& each : stats.counts) made.rows.push_back({each, {}});
    return made;
}

result<counted_policy> read_one(const device& on, const std::string& wanted) {
    auto which = find_policy(on, wanted);
    if (!which) return std::move(which).error();
    const auto stats = which->policy.stats(on);
    if (!stats) return stats.error();
    return with_stats(std::move(which->info), *stats);
}

result<counted_policy> read_one(const device& on, std::uint32_t id) {
    const auto which = policy::open(on, id);
    if (!which) return which.error();
    auto info = which->info(on);
    if (!info) return std::move(info).error();
    const auto stats = which->stats(on);
    if (!stats) return stats.error();
    return with_stats(std::move(info).value(), *stats);
}

// A policy that goes away meanwhile is not there.
result<std::vector<counted_policy>> read_all(const device& on) {
    const auto ids = policy_ids(on);
    if (!ids) return ids.error();
    std::vector<counted_policy> found;
    for (const std::uint32_t id : *ids) {
        auto one = read_one(on, id);
        if (one)
            found.push_back(std::move(one).value());
        else if (one.error().number != ENOENT)
            return std::move(one).error();
    }
    return found;
}

bool was_counted(const counted_policy& of) { return of.counted || !of.rows.empty(); }

result<stats_report> read(const device& on, const std::string& wanted) {
    if (!wanted.empty()) {
        auto one = read_one(on, wanted);
        if (!one) return std::move(one).error();
        return stats_report{{std::move(one).value()}, {}};
    }
    auto all = read_all(on);
    if (!all) return std::move(all).error();
    std::erase_if(*all, [](const auto& each) { return !was_counted(each); });
    return stats_report{std::move(all).value(), {}};
}

/// Reads again and again, and shows until somebody ends it.
class stats_watch final {
public:
    stats_watch(device on, show_options options, descriptor signals, format wanted)
        : on_(std::move(on)), options_(std::move(options)), signals_(std::move(signals)), format_(wanted) {}

    [[nodiscard]] result<void> run();

private:
    using key = std::tuple<std::uint32_t, abi, std::uint32_t, std::uint32_t>;
    enum class state : std::uint8_t { watches, ends };

    void rate(stats_report& what, clock::time_point now);
    [[nodiscard]] result<void> say(const stats_report& what);
    [[nodiscard]] result<void> wait_until(clock::time_point then, short event);

    device on_;
    show_options options_;
    descriptor signals_;
    format format_;
    state state_ = state::watches;
    std::optional<clock::time_point> last_;
    std::map<key, std::uint64_t> before_;
};

result<void> stats_watch::run() {
    for (std::uint64_t shown = 0;; ++shown) {
        const auto now = clock::now();
        auto what = read(on_, options_.policy);
        if (!what) return std::move(what).error();
        rate(*what, now);
        if (auto done = say(*what); !done || state_ == state::ends) return done;
        if (options_.count != 0 && shown + 1 == options_.count) return {};
        if (auto done = wait_until(now + std::chrono::seconds(options_.watch), 0); !done || state_ == state::ends)
            return done;
    }
}

// What was not there at the last reading began with 0.
void stats_watch::rate(stats_report& what, clock::time_point now) {
    std::map<key, std::uint64_t> seen;
    if (last_) what.seconds = std::chrono::duration<double>(now - *last_).count();
    for (counted_policy& policy : what.policies) {
        for (counted_policy::row& each : policy.rows) {
            const key of{policy.policy.id, each.what.abi, each.what.rule, each.what.action};
            seen[of] = each.what.calls;
            const auto found = before_.find(of);
            const std::uint64_t before = found == before_.end() ? 0 : found->second;
            if (what.seconds) each.rate = static_cast<double>(each.what.calls - before) / *what.seconds;
        }
    }
    last_ = now;
    before_ = std::move(seen);
}

// A reader that is slow, or goes away, does not keep a signal from ending us.
result<void> stats_watch::say(const stats_report& what) {
    if (auto done = wait_until(clock::time_point::max(), POLLOUT); !done || state_ == state::ends) return done;
    const int failed = write_all(STDOUT_FILENO, print(what, format_));
    if (failed == 0) return {};
    state_ = state::ends;
    if (failed == EPIPE) return {};
    return error{failed, "write the answer", std::strerror(failed), ""};
}

result<void> stats_watch::wait_until(clock::time_point then, short event) {
    std::array<pollfd, 2> all = {pollfd{signals_.number(), POLLIN, 0}, pollfd{STDOUT_FILENO, event, 0}};
    int left = -1;
    if (then != clock::time_point::max()) {
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(then - clock::now()).count();
        left = wait > 0 ? static_cast<int>(wait) : 0;
    }
    if (poll(all.data(), all.size(), left) < 0) return error{errno, "wait", std::strerror(errno), ""};
    if (all[0].revents != 0 || (all[1].revents & (POLLERR | POLLHUP)) != 0) state_ = state::ends;
    return {};
}

outcome watch(device on, const show_options& options, format wanted) {
    auto signals = catch_signals(ending);
    if (!signals) return failure{std::move(signals).error()};
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write()
    auto done = stats_watch(std::move(on), options, std::move(signals->file), wanted).run();
    if (!done) return failure{std::move(done).error()};
    return program_end{};
}

result<metrics_report> measure(const device& on, const std::string& output) {
    auto all = read_all(on);
    if (!all) return std::move(all).error();
    const auto tasks = task_list(on);
    if (!tasks) return tasks.error();
    metrics found;
    for (const counted_policy& each : *all) found.policies.push_back(each.policy);
    found.counted = std::move(all).value();
    found.tasks = tasks->size();
    metrics_report report{metrics_text(found), output};
    if (output.empty()) return report;
    if (auto written = write_whole(output, report.text); !written) return std::move(written).error();
    return report;
}

outcome show(const context& with, const show_options& options) {
    if (options.prometheus && options.output.empty() && with.format != format::text)
        return failure{{EINVAL, "command line", "--prometheus has a format of its own",
                        "leave --json out, or name a file by --output"},
                       status::usage};
    auto opened = device::open(with.device);
    if (!opened) return failure{std::move(opened).error()};
    if (options.prometheus) return to_outcome(measure(*opened, options.output));
    if (options.watch != 0) return watch(std::move(opened).value(), options, with.format);
    return to_outcome(read(*opened, options.policy));
}

result<count_report> count(const context& with, const std::string& wanted, counting what) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto which = find_policy(*opened, wanted);
    if (!which) return std::move(which).error();
    const auto done = which->policy.count(*opened, what);
    if (!done) return done.error();
    return count_report{std::move(which->info), what, *done};
}

void add_show_options(CLI::App& to, show_options& options) {
    auto* watch = to.add_option("--watch", options.watch, "Show it again every so many seconds, without a number 2")
                      ->check(number_up_to(longest_wait))
                      ->expected(0, 1)
                      ->default_str(usual_wait)
                      ->type_name("SECONDS");
    to.add_option("--count", options.count, "End after so many")
        ->check(number_up_to(longest_count))
        ->needs(watch)
        ->type_name("NUMBER");
    auto* prometheus =
        to.add_flag("--prometheus", options.prometheus, "As Prometheus reads it; all policies")->excludes(watch);
    to.add_option("--output", options.output, "Write that there, in place of the old file at once")
        ->needs(prometheus)
        ->type_name("FILE");
}

void add_switch(CLI::App& stats, registry& to, counting what) {
    const bool on = what == counting::on;
    CLI::App* command = stats.add_subcommand(
        on ? "on" : "off", on ? "Count what a policy says of calls" : "Count no more; what was counted stays");
    auto policy = std::make_shared<std::string>();
    command->add_option("policy", *policy, "Its id, or its name")->required()->type_name("ID|NAME");
    command->callback([&to, policy, what] {
        to.chosen = [policy, what](const context& with) { return to_outcome(count(with, *policy, what)); };
    });
}

}  // namespace

void add_stats(registry& to) {
    CLI::App* stats = to.app.add_subcommand("stats", "How often policies have said what; without a command: show");
    auto options = std::make_shared<show_options>();
    stats->require_subcommand(0, 1);
    add_show_options(*stats, *options);
    add_switch(*stats, to, counting::on);
    add_switch(*stats, to, counting::off);
    CLI::App* command = stats->add_subcommand("show", "Show what was counted");
    auto of_show = std::make_shared<show_options>();
    auto* policy =
        command->add_option("policy", of_show->policy, "Its id, or its name; without it all that are, or were, counted")
            ->type_name("ID|NAME");
    add_show_options(*command, *of_show);
    command->get_option("--prometheus")->excludes(policy);
    // Those of `stats` itself are for itself: what has a command has its own.
    for (CLI::App* each : stats->get_subcommands({}))
        for (CLI::Option* option : stats->get_options())
            if (option->get_name() != "--help") each->excludes(option);
    command->callback([&to, of_show] { to.chosen = [of_show](const context& with) { return show(with, *of_show); }; });
    stats->callback([&to, stats, options] {
        if (stats->get_subcommands().empty())
            to.chosen = [options](const context& with) { return show(with, *options); };
    });
}

}  // namespace secmap::ctl
