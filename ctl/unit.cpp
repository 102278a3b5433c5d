// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <secmap/descriptor.hpp>

namespace secmap::ctl {

namespace {

constexpr std::string_view other_way = "name the group itself: --cgroup PATH";
constexpr std::size_t answer_max = 65536;

// Where a program's output goes, for it to be read at the end: a pipe could be full before that.
result<descriptor> make_room() {
    const int number = memfd_create("systemctl", MFD_CLOEXEC);
    if (number < 0) return error{errno, "keep what systemctl says", std::strerror(errno), ""};
    return descriptor(number);
}

std::string text_of(const descriptor& room) {
    std::string text(answer_max, '\0');
    const ssize_t length = pread(room.number(), text.data(), text.size(), 0);
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text.substr(0, text.find_last_not_of('\n') + 1);
}

struct answer_of_program {
    int status = 0;  // of waitpid()
    std::string out;
    std::string err;
};

// `systemctl show --property=ControlGroup --value UNIT`, found in PATH; no shell reads the name.
result<answer_of_program> ask_systemctl(const std::string& operation, std::string unit) {
    const auto out = make_room();
    if (!out) return out.error();
    const auto err = make_room();
    if (!err) return err.error();
    std::string program = "systemctl";
    std::string command = "show";
    std::string property = "--property=ControlGroup";
    std::string bare = "--value";
    const std::array<char*, 6> arguments = {program.data(), command.data(), property.data(),
                                            bare.data(),    unit.data(),    nullptr};
    posix_spawn_file_actions_t actions = {};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out->number(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err->number(), STDERR_FILENO);
    pid_t pid = 0;
    const int failed = posix_spawnp(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return error{failed, operation, fmt::format("systemctl cannot be run: {}", std::strerror(failed)),
                     std::string(other_way)};
    answer_of_program answer;
    while (waitpid(pid, &answer.status, 0) < 0)
        if (errno != EINTR) return error{errno, operation, std::strerror(errno), ""};
    answer.out = text_of(*out);
    answer.err = text_of(*err);
    return answer;
}

std::string end_words(const answer_of_program& of) {
    std::string said = of.err.substr(0, of.err.find('\n'));
    if (!said.empty()) return said;
    return WIFSIGNALED(of.status) ? fmt::format("signal {}", WTERMSIG(of.status))
                                  : fmt::format("status {}", WEXITSTATUS(of.status));
}

}  // namespace

CLI::Validator unit_name() {
    const auto check = [](const std::string& text) {
        constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
        const bool good =
            !text.empty() && !text.starts_with('-') && text.find_first_not_of(allowed) == std::string::npos;
        return good ? "" : fmt::format("'{}' is not the name of a unit", text);
    };
    return {check, "", "unit"};
}

std::string full_unit_name(const std::string& name) {
    constexpr std::array<std::string_view, 11> suffixes = {".service", ".socket", ".target",    ".device",
                                                           ".mount",   ".swap",   ".automount", ".timer",
                                                           ".path",    ".slice",  ".scope"};
    const bool full = std::ranges::any_of(suffixes, [&](std::string_view each) { return name.ends_with(each); });
    return full ? name : name + ".service";
}

result<std::string> control_group(const std::string& unit) {
    const std::string operation = "ask for the cgroup of unit " + unit;
    auto answer = ask_systemctl(operation, unit);
    if (!answer) return std::move(answer).error();
    if (answer->status != 0)
        return error{0, operation, "systemctl failed: " + end_words(*answer), std::string(other_way)};
    if (answer->out.empty())
        return error{ESRCH, operation, "the unit is not running", fmt::format("see 'systemctl status {}'", unit)};
    if (!answer->out.starts_with('/') || answer->out.find('\n') != std::string::npos)
        return error{EPROTO, operation, "what systemctl says is no cgroup", std::string(other_way)};
    return std::move(answer->out);
}

}  // namespace secmap::ctl
