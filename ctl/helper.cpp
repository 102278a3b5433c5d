// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helper.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace secmap::ctl {

namespace {

constexpr std::size_t line_max = 65536;
constexpr std::size_t queue_max = 1048576;
constexpr int grace_ms = 1000;

struct pipe_ends {
    descriptor read;
    descriptor write;
};

result<pipe_ends> make_pipe() {
    std::array<int, 2> ends = {};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return error{errno, "make a pipe", std::strerror(errno), ""};
    return pipe_ends{descriptor(ends[0]), descriptor(ends[1])};
}

// While it lives, this process and what it starts ignore what a terminal's keys send.
class ignoring_keys final {
public:
    ignoring_keys() {
        struct sigaction ignore = {};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGINT, &ignore, &interrupt_);
        sigaction(SIGQUIT, &ignore, &quit_);
    }
    ignoring_keys(const ignoring_keys&) = delete;
    ignoring_keys& operator=(const ignoring_keys&) = delete;
    ~ignoring_keys() {
        sigaction(SIGINT, &interrupt_, nullptr);
        sigaction(SIGQUIT, &quit_, nullptr);
    }

private:
    struct sigaction interrupt_ = {};
    struct sigaction quit_ = {};
};

// Owns the records of posix_spawn().
class spawning final {
public:
    spawning(int input, int output) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    }
    spawning(const spawning&) = delete;
    spawning& operator=(const spawning&) = delete;
    ~spawning() { posix_spawn_file_actions_destroy(&actions_); }

    // Its id, or the errno as a failure.
    result<pid_t> execute(const std::string& program) {
        std::array<char*, 2> arguments = {const_cast<char*>(program.c_str()), nullptr};
        const ignoring_keys meanwhile;
        pid_t pid = 0;
        const int failed = posix_spawnp(&pid, program.c_str(), &actions_, nullptr, arguments.data(), environ);
        if (failed != 0)
            return error{failed, "start helper " + program, std::strerror(failed),
                         "it is a program, found as execvp(3) does; for arguments write a script"};
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_ = {};
};

void do_not_block(int file) { fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK); }

// Its wait status; none: it had to be killed.
std::optional<int> wait_or_kill(pid_t pid) {
    bool killed = false;
    const int number = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    pollfd end = {number, POLLIN, 0};
    // Interrupted or not possible: then there is no grace.
    if (number < 0 || poll(&end, 1, grace_ms) <= 0) killed = kill(pid, SIGKILL) == 0;
    if (number >= 0) close(number);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (killed) return std::nullopt;
    return status;
}

std::string end_words(std::optional<int> status) {
    if (!status) return "it has closed its standard output";
    if (WIFSIGNALED(*status)) return fmt::format("it has ended by signal {}", WTERMSIG(*status));
    return fmt::format("it has ended with status {}", WEXITSTATUS(*status));
}

}  // namespace

result<helper> helper::start(const std::string& program) {
    auto input = make_pipe();
    if (!input) return std::move(input).error();
    auto output = make_pipe();
    if (!output) return std::move(output).error();
    spawning how(input->read.number(), output->write.number());
    const auto pid = how.execute(program);
    if (!pid) return pid.error();
    do_not_block(input->write.number());
    do_not_block(output->read.number());
    return helper(program, *pid, std::move(input->write), std::move(output->read));
}

helper::helper(std::string program, pid_t pid, descriptor input, descriptor output)
    : program_(std::move(program)), pid_(pid), input_(std::move(input)), output_(std::move(output)) {}

helper::helper(helper&& other) noexcept
    : program_(std::move(other.program_)),
      pid_(std::exchange(other.pid_, 0)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      queued_(std::move(other.queued_)),
      begun_(std::move(other.begun_)) {}

helper::~helper() { end(); }

void helper::end() {
    if (pid_ == 0) return;
    { const descriptor closed = std::move(input_); }
    wait_or_kill(std::exchange(pid_, 0));
}

error helper::ended() { return {EPIPE, "helper " + program_, end_words(wait_or_kill(std::exchange(pid_, 0))), ""}; }

void helper::write_line(const std::string& line) { queued_ += line + "\n"; }

pollfd helper::writing() const noexcept {
    return {queued_.empty() ? -1 : input_.number(), POLLOUT, 0};  // -1 is passed over
}

pollfd helper::reading() const noexcept { return {output_.number(), POLLIN, 0}; }

result<void> helper::write_queued() {
    while (!queued_.empty()) {
        const ssize_t written = write(input_.number(), queued_.data(), queued_.size());
        if (written >= 0)
            queued_.erase(0, static_cast<std::size_t>(written));
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return ended();
    }
    if (queued_.size() > queue_max) return error{EPIPE, "helper " + program_, "it does not read its requests", ""};
    return {};
}

result<std::vector<std::string>> helper::read_lines() {
    std::array<char, 4096> part = {};
    const ssize_t length = read(output_.number(), part.data(), part.size());
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return std::vector<std::string>();
    if (length <= 0) return ended();
    begun_.append(part.data(), static_cast<std::size_t>(length));
    std::vector<std::string> lines;
    for (std::size_t end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n')) {
        lines.push_back(begun_.substr(0, end));
        begun_.erase(0, end + 1);
    }
    if (begun_.size() > line_max)
        return error{EMSGSIZE, "helper " + program_, fmt::format("it says a line of more than {} bytes", line_max), ""};
    return lines;
}

}  // namespace secmap::ctl
