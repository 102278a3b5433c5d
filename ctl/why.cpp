// SPDX-License-Identifier: LGPL-2.1-or-later
#include "why.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <secmap/simulator.hpp>
#include <secmap/watcher.hpp>

#include "call_options.hpp"
#include "caught_signals.hpp"
#include "remedy.hpp"
#include "supervised.hpp"
#include "watched_policies.hpp"
#include "words.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

namespace {

constexpr mode_t new_file_mode = 0666;
constexpr std::size_t denials_most = 10'000;  // different ones
// As of `notify`.
constexpr std::array<int, 6> passed_on = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

// LOG makes the call, as ALLOW does.
bool denies(std::uint32_t action) {
    const std::uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
    return kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_LOG;
}

/// What is denied, as it comes; equal ones are counted.
class denials final {
public:
    [[nodiscard]] static result<denials> create(const std::optional<loaded_profile>& profile);

    void take(const filter_event& event);

    /// With what would allow each.
    [[nodiscard]] why_report report() &&;

private:
    /// Calls whose arguments differ only where no rule looks are one.
    using key = std::tuple<abi, std::uint32_t, std::uint32_t, std::array<std::uint64_t, 6>, bool>;

    explicit denials(const std::optional<loaded_profile>& profile) : profile_(profile) {}
    [[nodiscard]] key key_of(const call_facts& call, std::uint32_t action) const;

    const std::optional<loaded_profile>& profile_;
    std::optional<simulator> model_;
    std::map<key, std::size_t> known_;
    std::uint64_t too_many_ = 0;
    std::uint64_t without_arguments_ = 0;
    why_report so_far_;
};

result<denials> denials::create(const std::optional<loaded_profile>& profile) {
    denials made(profile);
    if (!profile) return made;
    auto model = simulator::create(profile->image);
    if (!model) return std::move(model).error();
    made.model_.emplace(std::move(model).value());
    return made;
}

denials::key denials::key_of(const call_facts& call, std::uint32_t action) const {
    std::array<std::uint64_t, 6> looked_at = {};
    if (profile_)
        for (const std::uint8_t arg : compared_arguments(profile_->image, call)) looked_at.at(arg) = call.args.at(arg);
    return {call.abi, call.nr, action, looked_at, call.given.empty()};
}

void denials::take(const filter_event& event) {
    so_far_.lost = std::max(so_far_.lost, event.lost);
    so_far_.suppressed = std::max(so_far_.suppressed, event.suppressed);
    if (!denies(event.action)) return;
    call_facts call = call_of(event);
    const auto place = known_.find(key_of(call, event.action));
    if (place != known_.end()) {
        ++so_far_.denials[place->second].count;
        return;
    }
    if (so_far_.denials.size() == denials_most) {
        ++too_many_;
        return;
    }
    known_.emplace(key_of(call, event.action), so_far_.denials.size());
    denial made;
    made.action = event.action;
    made.comm = event.comm;
    made.pid = event.pid;
    made.count = 1;
    if (!event.args)
        ++without_arguments_;
    else if (model_)
        if (const verdict said = model_->judge(to_data(call)); said.action == event.action) made.by = said;
    made.call = std::move(call);
    so_far_.denials.push_back(std::move(made));
}

why_report denials::report() && {
    for (denial& each : so_far_.denials) {
        if (!profile_ || !each.by) continue;
        each.origin = origin_of(profile_->image, each.call, *each.by);
        each.cure = find_remedy(*profile_, each.call, *each.by);
    }
    if (too_many_ != 0)
        so_far_.notes.push_back(counted(too_many_, "denial") + " not shown: more than 10000 are different");
    if (without_arguments_ != 0)
        so_far_.notes.push_back(counted(without_arguments_, "denial") +
                                " without a rule: the call's arguments are not known");
    return std::move(so_far_);
}

/// Until the program ends.
class vigil final {
public:
    vigil(watcher from, supervised program, descriptor signals, denials found)
        : from_(std::move(from)),
          program_(std::move(program)),
          signals_(std::move(signals)),
          found_(std::move(found)) {}

    /// The program's wait status.
    [[nodiscard]] result<int> keep();
    [[nodiscard]] why_report report() && { return std::move(found_).report(); }
    [[nodiscard]] const supervised& program() const noexcept { return program_; }

private:
    [[nodiscard]] result<std::size_t> take_events();
    void take_signal();

    watcher from_;
    supervised program_;
    descriptor signals_;
    denials found_;
};

result<int> vigil::keep() {
    for (;;) {
        std::array<pollfd, 3> all = {pollfd{from_.number(), POLLIN, 0}, pollfd{program_.number(), POLLIN, 0},
                                     pollfd{signals_.number(), POLLIN, 0}};
        if (poll(all.data(), all.size(), -1) < 0 && errno != EINTR)
            return error{errno, "wait for the program", std::strerror(errno), ""};
        if (all[2].revents != 0) take_signal();
        const bool ended = all[1].revents != 0;
        if (const auto taken = take_events(); !taken) return taken.error();
        if (!ended) continue;
        // What it was denied was sent before it ended.
        for (;;) {
            const auto left = take_events();
            if (!left) return left.error();
            if (*left == 0) return program_.wait();
        }
    }
}

result<std::size_t> vigil::take_events() {
    const auto came = from_.receive();
    if (!came) return came.error();
    for (const filter_event& each : *came) found_.take(each);
    return came->size();
}

// What a terminal's keys send reaches the program without us.
void vigil::take_signal() {
    signalfd_siginfo came = {};
    if (read(signals_.number(), &came, sizeof(came)) != sizeof(came)) return;
    const bool by_key = came.ssi_code == SI_KERNEL && (came.ssi_signo == SIGINT || came.ssi_signo == SIGQUIT);
    if (!by_key) program_.send_signal(static_cast<int>(came.ssi_signo));
}

error cannot_watch(error why) {
    if (why.number == EPERM)
        why.hint =
            "run it as root; or in namespaces of your own: unshare --user --map-root-user --pid --fork --mount-proc "
            "secmapctl run --why ...";
    return why;
}

result<descriptor> open_output(const std::string& path) {
    if (path.empty()) return descriptor(dup(STDERR_FILENO));
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, new_file_mode);
    if (file < 0) return error{errno, "write " + path, std::strerror(errno), ""};
    return descriptor(file);
}

result<vigil> start(const watched_run& what) {
    auto found = denials::create(what.profile);
    if (!found) return std::move(found).error();
    auto from = watcher::open(what.held_by.id());
    if (!from) return cannot_watch(std::move(from).error());
    auto signals = catch_signals(passed_on);
    if (!signals) return std::move(signals).error();
    auto program = supervised::start(what.by, what.held_by, what.program, signals->before,
                                     {supervision::listening::no, what.gained});
    if (!program) {
        error failed = std::move(program).error();
        if (failed.number == EACCES) failed.hint = "leave out --no-nnp, or have CAP_SYS_ADMIN";
        return failed;
    }
    return vigil(std::move(from).value(), std::move(program).value(), std::move(signals->file),
                 std::move(found).value());
}

}  // namespace

outcome tell_why(const watched_run& what) {
    auto output = open_output(what.output);
    if (!output) return failure{std::move(output).error()};
    auto started = start(what);
    if (!started) return failure{std::move(started).error()};
    const auto ended = started->keep();
    if (!ended) return failure{ended.error()};
    const auto exec_failure = started->program().exec_failure();
    why_report report = std::move(*started).report();
    report.program = what.program.front();
    report.policy = what.held_by.id();
    if (what.profile) report.profile = what.profile->source.file;
    const int failed = write_all(output->number(), print(value(std::move(report)), what.with.format));
    if (failed != 0 && !what.output.empty())
        return failure{{failed, "write " + what.output, std::strerror(failed), ""}};
    if (exec_failure) return execution_failure(what.program.front(), *exec_failure);
    return program_end{*ended};
}

}  // namespace secmap::ctl
