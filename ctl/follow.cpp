// SPDX-License-Identifier: LGPL-2.1-or-later
#include "follow.hpp"

#include <cerrno>
#include <iostream>
#include <map>
#include <string>
#include <utility>

#include <sys/wait.h>

#include "format.hpp"
#include "live_output.hpp"

namespace secmap::ctl {

namespace {

/// What was done, what failed, and what of it was told.
class following final {
public:
    following(const target& whom, follower by, in_force when, live_output to, format wanted)
        : whom_(whom), by_(std::move(by)), when_(when), to_(std::move(to)), format_(wanted) {}

    [[nodiscard]] result<void> run(const device& on, const attachment& which);
    [[nodiscard]] bool all_is_well() const noexcept { return !failed_; }

private:
    [[nodiscard]] result<void> begin(const device& on, const attachment& which);
    [[nodiscard]] bool look(const device& on, const attachment& which);
    void tell(thread_changes changes, const attachment& which);
    void say(const value& what);
    void complain(const error& why);

    const target& whom_;
    follower by_;
    in_force when_;
    live_output to_;
    format format_;
    std::map<pid_t, std::string> failing_;  // threads, and what was said of them
    std::string last_complaint_;
    bool failed_ = false;
    follow_end so_far_;
};

// It is not waited for who reads: whoever comes is not to wait for it either.
void following::say(const value& what) {
    if (!to_.say(what, live_output::patience::none)) ++so_far_.untold;
}

void following::complain(const error& why) {
    failed_ = true;
    std::cerr << print(why, format_) << std::flush;
}

// The first time. An empty group is one that somebody will come into.
result<void> following::begin(const device& on, const attachment& which) {
    auto report = whom_.attach(on, which);
    if (!report && report.error().number == ESRCH) {
        thread_changes none;
        none.passes = 1;
        report = whom_.report(change::attached, which.policy_id, std::move(none));
    }
    if (!report) return std::move(report).error();
    report->when = when_;
    for (const auto& [tid, why] : report->threads.failed) failing_[tid] = why.text;
    so_far_.cgroup = report->cgroup;
    so_far_.policy = which.policy_id;
    say(*report);
    if (report->incomplete) complain(*report->incomplete);
    say(follow_begin{report->cgroup, report->unit, which.policy_id, by_.every(), by_.note()});
    return {};
}

// What is new: threads that got it, and those that it could not be attached to since now, or for another reason.
void following::tell(thread_changes changes, const attachment& which) {
    std::map<pid_t, std::string> failing;
    for (const auto& [tid, why] : changes.failed) failing[tid] = why.text;
    std::erase_if(changes.failed, [&](const auto& each) {
        const auto known = failing_.find(each.tid);
        return known != failing_.end() && known->second == each.error.text;
    });
    failing_ = std::move(failing);
    so_far_.changed += changes.changed.size();
    so_far_.failed += changes.failed.size();
    changes.unchanged.clear();
    changes.left_out.clear();
    if (changes.changed.empty() && changes.failed.empty()) return;
    auto report = whom_.report(change::attached, which.policy_id, std::move(changes));
    if (!report) return;
    report->when = when_;
    say(*report);
    if (report->incomplete) complain(*report->incomplete);
}

// False: the group has been removed. Anything else that fails may be over by the next time.
bool following::look(const device& on, const attachment& which) {
    auto changes = by_.look(on, which);
    if (changes) {
        last_complaint_.clear();
        tell(std::move(changes).value(), which);
        return true;
    }
    if (changes.error().number == ENODEV) return false;
    const std::string why = changes.error().message();
    if (why != last_complaint_) complain(changes.error());
    last_complaint_ = why;
    return true;
}

result<void> following::run(const device& on, const attachment& which) {
    if (auto begun = begin(on, which); !begun) return begun;
    bool there = look(on, which);
    while (there && !to_.signalled()) {
        if (auto waited = to_.wait(by_.number(), by_.wait_ms()); !waited) return waited;
        if (!to_.signalled()) there = look(on, which);
    }
    so_far_.why = there ? follow_end::cause::signal : follow_end::cause::removed;
    say(so_far_);
    return {};
}

}  // namespace

outcome follow(const context& with, const target& whom, const device& on, const attachment& which, in_force when,
               const follow_options& options) {
    auto to = live_output::open(with.format);
    if (!to) return failure{std::move(to).error()};
    following all(whom, follower::open(*whom.as_group(), options), when, std::move(to).value(), with.format);
    if (auto done = all.run(on, which); !done) return failure{std::move(done).error()};
    return program_end{all.all_is_well() ? 0 : W_EXITCODE(static_cast<int>(status::failure), 0)};
}

}  // namespace secmap::ctl
