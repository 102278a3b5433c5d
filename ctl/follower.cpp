// SPDX-License-Identifier: LGPL-2.1-or-later
#include "follower.hpp"

#include <cerrno>
#include <utility>

#include "validators.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint64_t longest_ms = 3'600'000;

}  // namespace

void follow_options::check(const target_options& whom) const {
    if (wanted && !whom.is_group()) throw CLI::RequiresError("--follow", "--cgroup or --unit");
}

void add_follow_options(CLI::App& to, follow_options& options) {
    auto* follow = to.add_flag("--follow", options.wanted, "Go on, with those that come into the group later");
    to.add_option("--every", options.every, "Look at least so often who has come")
        ->check(number_up_to(longest_ms))
        ->needs(follow)
        ->capture_default_str()
        ->type_name("MILLISECONDS");
}

follower follower::open(const cgroup& whom, const follow_options& options) {
    follower made(whom, std::chrono::milliseconds(options.every));
    if (auto arrivals = cgroup_arrivals::open())
        made.arrivals_.emplace(std::move(arrivals).value());
    else
        made.note_ = arrivals.error().message();
    made.watch();
    return made;
}

// What cannot be watched is looked at: without an answer in time, but with one.
void follower::watch() {
    if (!arrivals_) return;
    const auto watched = arrivals_->watch(*whom_);
    if (!watched && watched.error().number != ENODEV && note_.empty()) note_ = watched.error().message();
}

// In this order: who comes after the look is told.
result<thread_changes> follower::look(const device& on, const attachment& which) {
    watch();
    return whom_->attach_arrived(on, which);
}

}  // namespace secmap::ctl
