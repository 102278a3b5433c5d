// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <syslog.h>
#include <unistd.h>

#include "asker.hpp"

namespace secmap::oci {

namespace {

/// Runtimes wait until nobody has the hook's output open any more.
void leave_the_runtime() {
    setsid();
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int each : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        close(each);
        if (null >= 0) dup2(null, each);
    }
    if (chdir("/") != 0) _exit(1);
}

}  // namespace

result<void> supervisor::start() const {
    const pid_t child = fork();
    if (child < 0) return error{errno, "start the supervisor", std::strerror(errno), ""};
    if (child > 0) return {};
    leave_the_runtime();
    serve();
    _exit(0);
}

/// Until nobody carries the watch any more.
void supervisor::serve() const {
    std::vector<pollfd> waiting;
    for (const listener& each : watch_.listeners()) waiting.push_back({each.number(), POLLIN, 0});
    while (std::ranges::any_of(waiting, [](const pollfd& each) { return each.fd >= 0; })) {
        if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
        for (std::size_t index = 0; index < waiting.size(); ++index) {
            pollfd& at = waiting[index];
            const listener& from = watch_.listeners()[index];
            if ((at.revents & POLLIN) != 0) {
                // What has ended since is no question any more.
                if (const auto asked = from.receive()) answer(from, *asked);
            } else if (at.revents != 0) {
                at.fd = -1;
            }
            at.revents = 0;
        }
    }
}

void supervisor::answer(const listener& from, const notification& asked) const {
    const auto prepared = prepare(from, asked);
    if (prepared) {
        static_cast<void>(from.respond_continue(asked.id));
        return;
    }
    // Who waits no longer is no failure: it was killed meanwhile.
    const auto waits = from.is_valid(asked.id);
    if (waits && !*waits) return;
    syslog(LOG_ERR, "container %s does not start: %s", container_.id.c_str(), prepared.error().message().c_str());
    // An errno that executing a program does not have.
    static_cast<void>(from.respond_errno(asked.id, ECANCELED));
}

/// Is what it executes to be held?
result<bool> supervisor::is_held(pid_t tid) const {
    const auto who = look_at(tid);
    if (!who) return who.error();
    return who->process == container_.init || !who->sees_our_root;
}

/// The task waits in its call. First it gets the policy, and then the watch is taken off, so that it is never without;
/// when it is told to go on it makes the call again, which the policy then judges.
result<void> supervisor::prepare(const listener& from, const notification& asked) const {
    const auto held = is_held(asked.pid);
    if (!held) return held.error();
    // What was read is of this thread only if it waits still.
    const auto waits = from.is_valid(asked.id);
    if (!waits) return waits.error();
    if (!*waits) return error{ESRCH, "look at who executes", "it has ended", ""};
    if (*held) {
        const auto attached = attach_thread(device_, container_.held, asked.pid, container_.how);
        if (!attached) return attached.error();
    }
    const auto detached = detach_thread(device_, asked.pid, watch_.id());
    if (!detached) return detached.error();
    return {};
}

}  // namespace secmap::oci
