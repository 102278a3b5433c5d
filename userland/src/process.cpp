// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/process.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread_group.hpp"

namespace secmap {

namespace {

std::string process_name(pid_t pid) { return "process " + std::to_string(pid); }

error gone(pid_t pid, std::string operation) {
    return {ESRCH, std::move(operation), process_name(pid) + " has ended", ""};
}

detail::thread_group threads_of(const process& whom) {
    const std::string folder = "/proc/" + std::to_string(whom.pid()) + "/task/";
    return {process_name(whom.pid()), [&whom] { return whom.threads(); },
            [folder](pid_t tid) {
                std::error_code failed;
                return std::filesystem::exists(folder + std::to_string(tid), failed);
            },
            [&whom](pid_t) { return whom.pid(); }};
}

// A process is changed as a whole, or it is an error.
result<thread_changes> whole(result<thread_changes> from) {
    if (!from || from->failed.empty()) return from;
    const auto& [tid, why] = from->failed.front();
    error failure = why;
    failure.text = "thread " + std::to_string(tid) + ": " + failure.text;
    if (!from->changed.empty())
        failure.text += "; " + std::to_string(from->changed.size()) + " of its threads were changed";
    return failure;
}

}  // namespace

result<process> process::open(pid_t pid) {
    const std::string operation = "open " + process_name(pid);
    const long handle = syscall(SYS_pidfd_open, pid, 0U);
    if (handle >= 0) return process(descriptor(static_cast<int>(handle)), pid);
    if (errno == ESRCH) return error{ESRCH, operation, "there is no such process", ""};
    if (errno == EINVAL || errno == ENOENT)
        return error{errno, operation, "it is not the id of a process",
                     "a thread is named by its process and its own id"};
    return error{errno, operation, std::strerror(errno), ""};
}

bool process::alive() const noexcept {
    pollfd handle = {handle_.number(), POLLIN, 0};
    return poll(&handle, 1, 0) == 0;
}

result<std::vector<pid_t>> process::threads() const {
    const std::string operation = "list the threads of " + process_name(pid_);
    std::error_code failed;
    std::vector<pid_t> tids;
    std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid_) + "/task", failed);
    for (const auto end = std::filesystem::directory_iterator(); !failed && folder != end; folder.increment(failed)) {
        const std::string name = folder->path().filename();
        pid_t tid = 0;
        std::from_chars(name.data(), name.data() + name.size(), tid);
        if (tid > 0) tids.push_back(tid);
    }
    if (!alive()) return gone(pid_, operation);
    if (failed) return error{failed.value(), operation, failed.message(), ""};
    std::ranges::sort(tids);
    return tids;
}

result<thread_changes> process::attach(const device& on, const attachment& which) const {
    return whole(detail::attach_all(on, which, threads_of(*this)));
}

result<thread_changes> process::attach(const device& on, const attachment& which, pid_t tid) const {
    const std::string operation =
        "attach " + which.name + " to thread " + std::to_string(tid) + " of " + process_name(pid_);
    const auto done = detail::attach_one(on, which, threads_of(*this), tid);
    if (!done) return done.error();
    if (*done == detail::step::vanished)
        return error{ESRCH, operation, "the process has no such thread, or it is exiting", ""};
    thread_changes total;
    total.passes = 1;
    total.processes = *done == detail::step::changed ? 1 : 0;
    (*done == detail::step::changed ? total.changed : total.unchanged).push_back(tid);
    return total;
}

result<thread_changes> process::detach(const device& on, std::uint32_t policy_id) const {
    return whole(detail::detach_all(on, policy_id, threads_of(*this)));
}

result<thread_changes> process::detach(const device& on) const {
    return whole(detail::detach_all(on, std::nullopt, threads_of(*this)));
}

}  // namespace secmap
