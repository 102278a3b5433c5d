// SPDX-License-Identifier: LGPL-2.1-or-later
#include "execution.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <sys/resource.h>
#include <sys/wait.h>

namespace secmap::ctl {

std::vector<char*> argument_pointers(const std::vector<std::string>& program) {
    std::vector<char*> pointers;
    for (const std::string& each : program) pointers.push_back(const_cast<char*>(each.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

failure execution_failure(const std::string& program, int number) {
    error why{number, "execute " + program, std::strerror(number), ""};
    if (number == EPERM || number == ENOSYS) why.hint = "the profile may deny execve: secmapctl explain --call execve";
    return {std::move(why), number == ENOENT ? status::not_found : status::cannot_execute};
}

int end_as(const program_end& of) {
    if (WIFEXITED(of.wait_status)) return WEXITSTATUS(of.wait_status);
    const int number = WTERMSIG(of.wait_status);
    const rlimit no_second_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_second_core);
    sigset_t only = {};
    sigemptyset(&only);
    sigaddset(&only, number);
    std::signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &only, nullptr);
    constexpr int by_signal = 128;  // for a signal that does not end us, as a shell has it
    return by_signal + number;
}

}  // namespace secmap::ctl
