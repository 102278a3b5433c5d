// SPDX-License-Identifier: LGPL-2.1-or-later
#include "exec_watch.hpp"

#include <algorithm>
#include <cerrno>

#include <linux/seccomp.h>

#include <secmap/profile.hpp>
#include <secmap/task.hpp>

namespace secmap::oci {

namespace {

// A listing of threads may miss one when another ends meanwhile: only two in a row that change nothing are believed.
constexpr unsigned quiet_passes_needed = 2;

result<policy> create_watch(const device& on, const std::string& name) {
    profile asks;
    asks.file = name;
    asks.default_action = SECCOMP_RET_ALLOW;
    asks.abis = {abi::x86_64, abi::x32, abi::i386};
    asks.entries.push_back({{"execve", "execveat"}, SECCOMP_RET_USER_NOTIF, {}, ""});
    const auto made = compile(asks, {name, unknown_calls::as_default, overlap_policy::refuse});
    if (!made) return made.error();
    return policy::create(on, made->image);
}

/// Whether it has one now that it had not before. A thread that ends meanwhile needs none.
result<bool> watch_thread(const device& on, const policy& which, pid_t tid, std::vector<listener>& listeners) {
    const auto carried = task_policies(on, tid);
    if (!carried && carried.error().number == ESRCH) return false;
    if (!carried) return carried.error();
    if (std::ranges::count(*carried, which.id()) != 0) return false;
    auto made = attach_thread_with_listener(on, which, tid, attach_options().wait_killable());
    if (!made && made.error().number == ESRCH) return false;
    if (!made) return std::move(made).error();
    listeners.push_back(std::move(made).value());
    return true;
}

}  // namespace

result<exec_watch> exec_watch::attach(const device& on, const process& whom, const std::string& name) {
    const auto which = create_watch(on, name);
    if (!which) return which.error();
    std::vector<listener> listeners;
    for (unsigned quiet = 0; quiet < quiet_passes_needed;) {
        const auto tids = whom.threads();
        if (!tids) return tids.error();
        ++quiet;
        for (const pid_t tid : *tids) {
            const auto added = watch_thread(on, *which, tid, listeners);
            if (!added) return added.error();
            if (*added) quiet = 0;
        }
    }
    return exec_watch(which->id(), std::move(listeners));
}

}  // namespace secmap::oci
