// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recorded.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "execution.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

namespace {

constexpr std::array<int, 6> passed_on = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

// What the child says before it is the program: nothing, the errno of execvp(), or an error and its three texts.
enum class stage : char { refused = 'r', not_executed = 'x' };

struct first_words {
    stage reached;
    int number;
};

[[noreturn]] void say(int to, const first_words& head, const std::string& texts) {
    std::string all(reinterpret_cast<const char*>(&head), sizeof(head));
    all += texts;
    _exit(write_all(to, all) == 0 ? static_cast<int>(status::failure) : static_cast<int>(status::not_found));
}

[[noreturn]] void become(const std::vector<std::string>& program, const std::function<result<void>()>& prepare,
                         const sigset_t& signals, int to) {
    const auto arguments = argument_pointers(program);
    sigprocmask(SIG_SETMASK, &signals, nullptr);
    if (const auto prepared = prepare(); !prepared) {
        const error& why = prepared.error();
        say(to, {stage::refused, why.number}, why.operation + '\0' + why.text + '\0' + why.hint);
    }
    execvp(arguments.front(), arguments.data());
    say(to, {stage::not_executed, errno}, "");
}

// All that comes until the other end is closed, by execvp() or by its end.
std::string read_all(int file) {
    std::string all;
    std::array<char, 4096> some = {};
    for (;;) {
        const ssize_t got = read(file, some.data(), some.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return all;
        all.append(some.data(), static_cast<std::size_t>(got));
    }
}

error to_error(int number, const std::string& texts) {
    const auto first = texts.find('\0');
    const auto second = texts.find('\0', first + 1);
    return {number, texts.substr(0, first), texts.substr(first + 1, second - first - 1), texts.substr(second + 1)};
}

int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

}  // namespace

int ticker::wait_ms(std::optional<std::chrono::milliseconds> left) {
    if (!tell_) return left ? static_cast<int>(left->count()) : -1;
    if (clock::now() - last_ >= every_) {
        last_ = clock::now();
        tell_();
    }
    auto until = std::chrono::ceil<std::chrono::milliseconds>(last_ + every_ - clock::now());
    if (left) until = std::min(until, *left);
    return static_cast<int>(std::max<std::int64_t>(until.count(), 0));
}

result<recorded_program> recorded_program::start(const std::vector<std::string>& program,
                                                 const std::function<result<void>()>& prepare) {
    auto signals = catch_signals(passed_on);
    if (!signals) return std::move(signals).error();
    std::array<int, 2> ends = {};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return error{errno, "make a pipe", std::strerror(errno), ""};
    const descriptor from(ends[0]);
    descriptor to(ends[1]);
    const pid_t pid = fork();
    if (pid < 0) return error{errno, "create a process", std::strerror(errno), ""};
    if (pid == 0) become(program, prepare, signals->before, to.number());
    to = descriptor(-1);
    const std::string said = read_all(from.number());
    first_words head = {stage::not_executed, 0};
    if (said.size() >= sizeof(head)) {
        std::memcpy(&head, said.data(), sizeof(head));
        if (head.reached == stage::refused) {
            wait_for(pid);
            return to_error(head.number, said.substr(sizeof(head)));
        }
    }
    descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (handle.number() < 0) return error{errno, "wait for the program", std::strerror(errno), ""};
    return recorded_program(pid, std::move(handle), std::move(signals).value(),
                            head.number != 0 ? std::optional(head.number) : std::nullopt);
}

// What a key of the terminal sends, it has got already.
void recorded_program::pass_on() const {
    signalfd_siginfo came = {};
    if (read(signals_.file.number(), &came, sizeof(came)) != sizeof(came)) return;
    const bool by_key = came.ssi_code == SI_KERNEL && (came.ssi_signo == SIGINT || came.ssi_signo == SIGQUIT);
    if (!by_key) kill(pid_, static_cast<int>(came.ssi_signo));
}

result<int> recorded_program::wait(ticker progress) const {
    std::array<pollfd, 2> events = {{{handle_.number(), POLLIN, 0}, {signals_.file.number(), POLLIN, 0}}};
    do {
        if (poll(events.data(), events.size(), progress.wait_ms()) < 0 && errno != EINTR)
            return error{errno, "wait for the program", std::strerror(errno), ""};
        if (events[1].revents != 0) pass_on();
    } while (events[0].revents == 0);
    return wait_for(pid_);
}

}  // namespace secmap::ctl
