// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that runs under a policy while we serve it, or watch: what a listener asks, if it has one, is ours to answer.
#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/listener.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>

#include "execution.hpp"

namespace secmap::ctl {

struct start_report;
struct unmap_report {
    void operator()(start_report* report) const noexcept;
};
/// In memory that the new process shares: once it is filtered, no call that it could tell by may be taken for granted.
using shared_report = std::unique_ptr<start_report, unmap_report>;

/// How it is started.
struct supervision {
    enum class listening : std::uint8_t { yes, no };
    listening asks = listening::yes;
    privileges gained = privileges::never_new;
};

class supervised final {
public:
    /// A child with this signal mask sets no_new_privs, attaches the policy, and executes the program.
    [[nodiscard]] static result<supervised> start(const device& by, const policy& held_by,
                                                  const std::vector<std::string>& program, const sigset_t& signals,
                                                  const supervision& how = {});

    /// Only where it was started with a listener.
    [[nodiscard]] const listener& requests() const noexcept { return *requests_; }

    /// A pidfd: readable once the program has ended.
    [[nodiscard]] int number() const noexcept { return handle_.number(); }

    /// Nothing once it has been waited for.
    void send_signal(int signal) const noexcept;

    /// Waits for its end; the status of waitpid().
    [[nodiscard]] result<int> wait();

    /// The errno of execvp(), if the program could not be executed.
    [[nodiscard]] std::optional<int> exec_failure() const noexcept;

private:
    supervised(pid_t pid, descriptor handle, std::optional<listener> requests, shared_report told) noexcept;
    pid_t pid_;  ///< 0: it has been waited for
    descriptor handle_;
    std::optional<listener> requests_;
    shared_report told_;
};

}  // namespace secmap::ctl
