// SPDX-License-Identifier: LGPL-2.1-or-later
#include "apart.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <secmap/descriptor.hpp>

namespace secmap::detail {

namespace {

/// Ends the message: what was cut short, by whatever, does not have it.
constexpr char complete = '.';

[[noreturn]] void be_child(const std::function<std::string()>& work, unsigned seconds, int output) {
    for (const int number : {SIGXCPU, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE}) ::signal(number, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit time = {seconds, seconds};
    const rlimit core = {0, 0};
    ::setrlimit(RLIMIT_CPU, &time);
    ::setrlimit(RLIMIT_CORE, &core);
    // glibc says there what it found corrupted.
    const int silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (silence >= 0) ::dup2(silence, STDERR_FILENO);
    const std::string text = work() + complete;
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t count = ::write(output, text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    ::_exit(0);
}

std::string read_all(int from) {
    std::string text;
    std::array<char, 1 << 16> piece;
    for (;;) {
        const ssize_t count = ::read(from, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

std::optional<std::string> run_apart(const std::function<std::string()>& work, unsigned seconds) {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
    const descriptor input(ends[0]);
    std::optional<descriptor> output(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return std::nullopt;
    if (child == 0) be_child(work, seconds, output->number());
    output.reset();
    std::string text = read_all(input.number());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (text.empty() || text.back() != complete) return std::nullopt;
    text.pop_back();
    return text;
}

}  // namespace secmap::detail
