// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervised.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <secmap/task.hpp>

namespace secmap::ctl {

struct start_report {
    enum class stage : std::uint8_t { starting, refused, attached, not_executed };
    std::atomic<stage> reached = stage::starting;
    int listener = -1;  ///< from attached on, if there is one
    int number = 0;     ///< refused, not_executed: the errno
    std::array<char, 256> operation = {};
    std::array<char, 1024> text = {};
    std::array<char, 512> hint = {};
};

void unmap_report::operator()(start_report* report) const noexcept { munmap(report, sizeof(*report)); }

namespace {

using stage = start_report::stage;

// The other process sees it without a call.
static_assert(std::atomic<stage>::is_always_lock_free);

constexpr int look_again_ms = 1;

void copy_text(std::string_view from, std::span<char> to) noexcept {
    std::copy_n(from.begin(), std::min(from.size(), to.size() - 1), to.begin());
}

[[noreturn]] void refuse(start_report& told, const error& why) noexcept {
    told.number = why.number;
    copy_text(why.operation, told.operation);
    copy_text(why.text, told.text);
    copy_text(why.hint, told.hint);
    told.reached = stage::refused;
    _exit(static_cast<int>(status::failure));
}

[[noreturn]] void execute(const std::vector<char*>& program, start_report& told) {
    told.reached = stage::attached;
    execvp(program.front(), program.data());
    told.number = errno;
    told.reached = stage::not_executed;
    _exit(static_cast<int>(status::not_found));
}

// Behind what attaches there is no call but execve(), and nothing is destroyed.
[[noreturn]] void become(const device& by, const policy& held_by, const std::vector<char*>& program,
                         const sigset_t& signals, const supervision& how, start_report& told) {
    sigprocmask(SIG_SETMASK, &signals, nullptr);
    if (how.gained == privileges::never_new && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        refuse(told, {errno, "set no_new_privs", std::strerror(errno), ""});
    if (how.asks == supervision::listening::yes) {
        const auto attached = attach_with_listener(by, held_by, attach_options().wait_killable());
        if (!attached) refuse(told, attached.error());
        told.listener = attached->number();
        execute(program, told);
    }
    const auto attached = attach_self(by, held_by);
    if (!attached) refuse(told, attached.error());
    execute(program, told);
}

result<shared_report> share_report() {
    void* const place = mmap(nullptr, sizeof(start_report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) return error{errno, "share memory", std::strerror(errno), ""};
    return shared_report(new (place) start_report);
}

// Until it is filtered, or will never be. There is one ioctl in between, and no call by which it could tell us.
bool wait_for_start(const start_report& told, int handle) {
    pollfd end = {handle, POLLIN, 0};
    while (told.reached == stage::starting) {
        const bool ended = poll(&end, 1, look_again_ms) > 0;
        if (ended && told.reached == stage::starting) return false;
    }
    return true;
}

}  // namespace

supervised::supervised(pid_t pid, descriptor handle, std::optional<listener> requests, shared_report told) noexcept
    : pid_(pid), handle_(std::move(handle)), requests_(std::move(requests)), told_(std::move(told)) {}

result<supervised> supervised::start(const device& by, const policy& held_by, const std::vector<std::string>& program,
                                     const sigset_t& signals, const supervision& how) {
    const auto sizes = listener::ask_sizes();
    if (!sizes) return sizes.error();
    auto told = share_report();
    if (!told) return std::move(told).error();
    const auto arguments = argument_pointers(program);
    int handle = -1;
    // As fork(), but descriptors are shared until it executes: so the listener is ours without being handed over.
    const long pid = syscall(SYS_clone, CLONE_FILES | CLONE_PIDFD | SIGCHLD, nullptr, &handle, nullptr, nullptr);
    if (pid < 0) return error{errno, "create a process", std::strerror(errno), ""};
    if (pid == 0) become(by, held_by, arguments, signals, how, **told);
    descriptor owned(handle);
    const bool told_us = wait_for_start(**told, handle);
    const start_report& report = **told;
    if (told_us && report.reached != stage::refused) {
        std::optional<listener> requests;
        if (report.listener >= 0) requests.emplace(listener::adopt(descriptor(report.listener), *sizes));
        return supervised(static_cast<pid_t>(pid), std::move(owned), std::move(requests), std::move(told).value());
    }
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
    if (!told_us) return error{ECHILD, "start the program", "it was killed before it was filtered", ""};
    return error{report.number, report.operation.data(), report.text.data(), report.hint.data()};
}

void supervised::send_signal(int signal) const noexcept {
    if (pid_ != 0) kill(pid_, signal);
}

result<int> supervised::wait() {
    int status = 0;
    pid_t done = 0;
    do done = waitpid(pid_, &status, 0);
    while (done < 0 && errno == EINTR);
    if (done < 0) return error{errno, "wait for the program", std::strerror(errno), ""};
    pid_ = 0;
    return status;
}

std::optional<int> supervised::exec_failure() const noexcept {
    if (told_->reached != stage::not_executed) return std::nullopt;
    return told_->number;
}

}  // namespace secmap::ctl
