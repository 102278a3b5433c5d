// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl monitor: show what filters decide, as it happens.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <linux/seccomp.h>
#include <poll.h>
#include <unistd.h>

#include <secmap/device.hpp>
#include <secmap/watcher.hpp>

#include "caught_signals.hpp"
#include "command.hpp"
#include "policy_in_kernel.hpp"
#include "validators.hpp"
#include "watched_policies.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

namespace {

constexpr std::array<int, 2> ending = {SIGINT, SIGTERM};
constexpr std::uint64_t longest_count = 1'000'000'000;

struct monitor_options {
    std::vector<pid_t> pids;
    std::string policy;
    std::vector<std::string> verdicts;
    std::uint64_t count = 0;  ///< 0: no end
};

// As --verdict has it.
std::string verdict_word(std::uint32_t action) {
    switch (action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_KILL_PROCESS:
        case SECCOMP_RET_KILL_THREAD: return "kill";
        case SECCOMP_RET_TRAP: return "trap";
        case SECCOMP_RET_ERRNO: return "errno";
        case SECCOMP_RET_USER_NOTIF: return "user-notif";
        case SECCOMP_RET_TRACE: return "trace";
        case SECCOMP_RET_LOG: return "log";
        default: return "";
    }
}

template <typename T>
bool wanted(const std::vector<T>& among, const T& which) {
    return among.empty() || std::ranges::find(among, which) != among.end();
}

// The clocks run beside each other but for what sets the one that people read.
std::chrono::system_clock::time_point to_wall_clock(std::chrono::nanoseconds monotonic) {
    using std::chrono::steady_clock, std::chrono::system_clock;
    const auto ago = steady_clock::now().time_since_epoch() - monotonic;
    return system_clock::now() - std::chrono::duration_cast<system_clock::duration>(ago);
}

/// Watches and shows until somebody ends it.
class monitor final {
public:
    monitor(watcher from, watched_policies policies, monitor_options options, descriptor signals, format wanted)
        : from_(std::move(from)),
          policies_(std::move(policies)),
          options_(std::move(options)),
          signals_(std::move(signals)),
          format_(wanted) {}

    [[nodiscard]] result<void> run(const monitor_begin& begin);

private:
    enum class state : std::uint8_t { watches, ends, nobody_reads };

    [[nodiscard]] result<void> wait();
    void take(const filter_event& event);
    void tell_losses(const filter_event& event);
    void say(const value& what);
    [[nodiscard]] bool wait_for_room();

    watcher from_;
    watched_policies policies_;
    monitor_options options_;
    descriptor signals_;
    format format_;
    state state_ = state::watches;
    bool signalled_ = false;
    std::optional<error> failure_;
    monitor_end so_far_;
};

result<void> monitor::run(const monitor_begin& begin) {
    say(begin);
    while (state_ == state::watches) {
        if (auto done = wait(); !done) return done;
        const auto came = state_ == state::watches ? from_.receive() : std::vector<filter_event>();
        if (!came && came.error().number != ENODEV) return came.error();
        if (!came) {  // the module was unloaded: what it has told is all there will be
            failure_ = came.error();
            state_ = state::ends;
            break;
        }
        for (const filter_event& each : *came)
            if (state_ == state::watches) take(each);
    }
    so_far_.notes = policies_.notes();
    if (state_ == state::ends) say(so_far_);
    if (failure_) return *failure_;
    return {};
}

// Without an event, too, a reader that goes away is noticed.
result<void> monitor::wait() {
    std::array<pollfd, 3> all = {pollfd{from_.number(), POLLIN, 0}, pollfd{signals_.number(), POLLIN, 0},
                                 pollfd{STDOUT_FILENO, 0, 0}};
    if (poll(all.data(), all.size(), -1) < 0 && errno != EINTR)
        return error{errno, "wait for events", std::strerror(errno), ""};
    if (all[2].revents != 0)
        state_ = state::nobody_reads;
    else if (all[1].revents != 0)
        signalled_ = true;
    if (signalled_ && state_ == state::watches) state_ = state::ends;
    return {};
}

void monitor::take(const filter_event& event) {
    tell_losses(event);
    if (state_ != state::watches || !wanted(options_.pids, event.pid) ||
        !wanted(options_.verdicts, verdict_word(event.action)))
        return;
    say(monitor_event{event, to_wall_clock(event.time), call_of(event), policies_.name(event.policy),
                      policies_.decider(event)});
    if (++so_far_.shown == options_.count) state_ = state::ends;
}

void monitor::tell_losses(const filter_event& event) {
    if (event.lost > so_far_.lost)
        say(monitor_loss{event.lost - std::exchange(so_far_.lost, event.lost), monitor_loss::cause::socket});
    if (event.suppressed > so_far_.suppressed)
        say(monitor_loss{event.suppressed - std::exchange(so_far_.suppressed, event.suppressed),
                         monitor_loss::cause::rate});
}

// A reader that is slow does not keep a signal from ending us. A whole line fits where there is room at all.
bool monitor::wait_for_room() {
    for (;;) {
        std::array<pollfd, 2> all = {pollfd{STDOUT_FILENO, POLLOUT, 0},
                                     pollfd{signalled_ ? -1 : signals_.number(), POLLIN, 0}};
        if (poll(all.data(), all.size(), signalled_ ? 0 : -1) < 0 && errno != EINTR) return false;
        if (all[0].revents != 0) return true;
        if (signalled_) return false;
        signalled_ = all[1].revents != 0;
    }
}

void monitor::say(const value& what) {
    if (!wait_for_room()) {
        state_ = state::nobody_reads;
        return;
    }
    const int failed = write_all(STDOUT_FILENO, print(what, format_));
    if (failed == 0) return;
    state_ = state::nobody_reads;
    if (failed != EPIPE) failure_ = error{failed, "write the answer", std::strerror(failed), ""};
}

// Digits need no device: who may watch may not be who may open policies.
result<std::optional<std::uint32_t>> policy_id(const context& with, const std::string& wanted) {
    if (wanted.empty()) return std::optional<std::uint32_t>();
    if (wanted.find_first_not_of("0123456789") == std::string::npos)
        return std::optional(static_cast<std::uint32_t>(std::stoul(wanted)));
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto found = find_policy(*opened, wanted);
    if (!found) return found.error();
    return std::optional(found->info.id);
}

outcome run_monitor(const context& with, const monitor_options& options) {
    const auto policy = policy_id(with, options.policy);
    if (!policy) return failure{policy.error()};
    auto from = watcher::open(*policy);
    if (!from) return failure{std::move(from).error()};
    auto signals = catch_signals(ending);
    if (!signals) return failure{std::move(signals).error()};
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write()
    watched_policies policies(with.device);
    const monitor_begin begin{*policy, *policy ? policies.name(**policy) : ""};
    auto done = monitor(std::move(from).value(), std::move(policies), options, std::move(signals->file), with.format)
                    .run(begin);
    if (!done) return failure{std::move(done).error()};
    return program_end{};
}

}  // namespace

void add_monitor(registry& to) {
    CLI::App* command = to.app.add_subcommand("monitor", "Show what filters decide, as it happens");
    auto options = std::make_shared<monitor_options>();
    command->add_option("--pid", options->pids, "Verdicts on this process; may be given more than once")
        ->check(number_up_to(highest_pid))
        ->allow_extra_args(false)
        ->type_name("PID");
    command->add_option("--policy", options->policy, "Verdicts of this policy")
        ->check(id_or_name())
        ->type_name("ID|NAME");
    command->add_option("--verdict", options->verdicts, "Verdicts of this kind; may be given more than once")
        ->check(one_of({"errno", "kill", "trap", "log", "trace", "user-notif"}))
        ->allow_extra_args(false)
        ->type_name("errno|kill|trap|log|trace|user-notif");
    command->add_option("--count", options->count, "End after so many")
        ->check(number_up_to(longest_count))
        ->type_name("NUMBER");
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return run_monitor(with, *options); }; });
}

}  // namespace secmap::ctl
