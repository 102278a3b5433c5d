// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl monitor: show what filters decide, as it happens.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <linux/seccomp.h>

#include <secmap/device.hpp>
#include <secmap/watcher.hpp>

#include "command.hpp"
#include "live_output.hpp"
#include "policy_in_kernel.hpp"
#include "validators.hpp"
#include "watched_policies.hpp"

namespace secmap::ctl {

namespace {

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
    monitor(watcher from, watched_policies policies, monitor_options options, live_output to)
        : from_(std::move(from)), policies_(std::move(policies)), options_(std::move(options)), to_(std::move(to)) {}

    [[nodiscard]] result<void> run(const monitor_begin& begin);

private:
    using state = live_output::state;
    [[nodiscard]] bool goes_on() const noexcept { return to_.now() == state::goes_on; }
    void take(const filter_event& event);
    void tell_losses(const filter_event& event);

    watcher from_;
    watched_policies policies_;
    monitor_options options_;
    live_output to_;
    monitor_end so_far_;
};

result<void> monitor::run(const monitor_begin& begin) {
    std::optional<error> gone;
    to_.say(begin);
    while (goes_on()) {
        if (auto done = to_.wait(from_.number(), -1); !done) return done;
        const auto came = goes_on() ? from_.receive() : std::vector<filter_event>();
        if (!came && came.error().number != ENODEV) return came.error();
        if (!came) {  // the module was unloaded: what it has told is all there will be
            gone = came.error();
            to_.end();
            break;
        }
        for (const filter_event& each : *came)
            if (goes_on()) take(each);
    }
    so_far_.notes = policies_.notes();
    if (to_.now() == state::ends) to_.say(so_far_);
    if (to_.failure()) return *to_.failure();
    if (gone) return *gone;
    return {};
}

void monitor::take(const filter_event& event) {
    tell_losses(event);
    if (!goes_on() || !wanted(options_.pids, event.pid) || !wanted(options_.verdicts, verdict_word(event.action)))
        return;
    to_.say(monitor_event{event, to_wall_clock(event.time), call_of(event), policies_.name(event.policy),
                          policies_.decider(event)});
    if (++so_far_.shown == options_.count) to_.end();
}

void monitor::tell_losses(const filter_event& event) {
    if (event.lost > so_far_.lost)
        to_.say(monitor_loss{event.lost - std::exchange(so_far_.lost, event.lost), monitor_loss::cause::socket});
    if (event.suppressed > so_far_.suppressed)
        to_.say(monitor_loss{event.suppressed - std::exchange(so_far_.suppressed, event.suppressed),
                             monitor_loss::cause::rate});
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
    auto to = live_output::open(with.format);
    if (!to) return failure{std::move(to).error()};
    watched_policies policies(with.device);
    const monitor_begin begin{*policy, *policy ? policies.name(**policy) : ""};
    auto done = monitor(std::move(from).value(), std::move(policies), options, std::move(to).value()).run(begin);
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
