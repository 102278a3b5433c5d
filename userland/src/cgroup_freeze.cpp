// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cgroup_freeze.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace secmap::detail {

namespace {

namespace fs = std::filesystem;

// From the writing of cgroup.freeze on no task of the group returns to user mode; it is frozen when the last one has come
// that far. One that sleeps in the kernel and is not to be woken may take for ever, and a thread of the kernel in the
// group never does: both start nothing meanwhile, and so are not waited for.
constexpr std::chrono::milliseconds patience(1000);

// What the helper is told.
constexpr char freezing = 'f';
constexpr char thaw = 't';

std::string text_in(int file) {
    std::array<char, 256> text = {};
    const ssize_t length = pread(file, text.data(), text.size(), 0);
    return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

bool is_set(int file) { return text_in(file).starts_with('1'); }

bool set(int file, char to) { return pwrite(file, &to, 1, 0) == 1; }

std::string cannot(std::string_view what) { return std::string(what) + ": " + std::strerror(errno); }

// Of the group, or of one above it.
void wait_until_frozen(const fs::path& folder) {
    using std::chrono::steady_clock;
    const int number = open((folder / "cgroup.events").c_str(), O_RDONLY | O_CLOEXEC);
    if (number < 0) return;
    const descriptor events(number);
    const auto end = steady_clock::now() + patience;
    while (text_in(number).find("frozen 1") == std::string::npos) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
        if (left.count() <= 0) return;
        pollfd change = {number, POLLPRI, 0};
        poll(&change, 1, static_cast<int>(left.count()));
    }
}

// Nobody is to wait for the helper because of what it has inherited.
void close_all_but(unsigned low, unsigned high) {
    if (low > 0) syscall(SYS_close_range, 0U, low - 1, 0U);
    if (high - low > 1) syscall(SYS_close_range, low + 1, high - 1, 0U);
    syscall(SYS_close_range, high + 1, ~0U, 0U);
}

// The helper, until it is told to thaw the group or nobody is left who could tell it. It is a copy of a process that may
// have had other threads: it does nothing but system calls. All signals are blocked.
[[noreturn]] void help(int line, int file) {
    setsid();  // what kills our process group does not kill it
    close_all_but(static_cast<unsigned>(std::min(line, file)), static_cast<unsigned>(std::max(line, file)));
    bool frozen = false;
    for (char told = 0; told != thaw;) {
        const ssize_t length = read(line, &told, 1);
        if (length == 0 || (length < 0 && errno != EINTR)) break;
        frozen = frozen || told == freezing;
    }
    if (frozen) set(file, '0');  // who has started us looks whether it is done
    _exit(0);
}

// False: it has ended.
bool tell(const descriptor& line, char what) { return send(line.number(), &what, 1, MSG_NOSIGNAL) == 1; }

}  // namespace

result<standstill::helper> standstill::start_helper(descriptor file) {
    std::array<int, 2> ends = {};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
        return error{errno, "", cannot("socketpair"), ""};
    descriptor ours(ends[0]);
    const descriptor theirs(ends[1]);
    sigset_t all = {};
    sigset_t before = {};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = fork();
    if (pid == 0) help(ends[1], file.number());
    const int failed = errno;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = failed;
    if (pid < 0) return error{errno, "", cannot("fork"), ""};
    return helper{std::move(file), std::move(ours), pid};
}

standstill standstill::begin(const fs::path& folder) {
    const int number = open((folder / "cgroup.freeze").c_str(), O_RDWR | O_CLOEXEC);
    if (number < 0) return refused(cannot("cgroup.freeze"));
    descriptor file(number);
    if (is_set(number)) {
        wait_until_frozen(folder);
        return standstill(std::nullopt);
    }
    auto by = start_helper(std::move(file));
    if (!by) return refused(by.error().text);
    standstill made(std::move(*by));
    // Before it is done: from then on we may die.
    if (!tell(made.helper_->line, freezing)) return refused("the process that is to thaw it has ended");
    if (!set(made.helper_->file.number(), '1')) return refused(cannot("cgroup.freeze"));
    wait_until_frozen(folder);
    return made;
}

standstill standstill::refused(std::string why_not) { return standstill(std::move(why_not)); }

standstill::standstill(standstill&& other) noexcept
    : helper_(std::exchange(other.helper_, std::nullopt)), why_not_(std::move(other.why_not_)) {}

standstill::~standstill() { static_cast<void>(end("")); }

result<void> standstill::end(const std::string& operation) {
    auto by = std::exchange(helper_, std::nullopt);
    if (!by) return {};
    tell(by->line, thaw);
    while (waitpid(by->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    // Whoever killed it: then we do it. A file that cannot be read is that of a group that is gone.
    if (!is_set(by->file.number()) || set(by->file.number(), '0')) return {};
    return error{errno, operation, std::string("the group is still frozen: ") + std::strerror(errno),
                 "echo 0 > cgroup.freeze, in its folder"};
}

}  // namespace secmap::detail
