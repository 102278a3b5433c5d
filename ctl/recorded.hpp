// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that runs while we look on, and that ends as it would without us.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

#include "caught_signals.hpp"

namespace secmap::ctl {

/// What is told while one waits.
class ticker final {
public:
    ticker(std::chrono::seconds every, std::function<void()> tell) : every_(every), tell_(std::move(tell)) {}
    /// None.
    ticker() = default;

    /// Tells, if it is time to. How long to wait then, at most @p left; for poll(2).
    [[nodiscard]] int wait_ms(std::optional<std::chrono::milliseconds> left = std::nullopt);

private:
    using clock = std::chrono::steady_clock;
    std::chrono::seconds every_{0};
    std::function<void()> tell_;
    clock::time_point last_ = clock::now();
};

class recorded_program final {
public:
    /// A child with the signal mask of before calls @p prepare, and executes the program. An error of @p prepare's, or
    /// what execvp() failed with: @ref exec_failure.
    [[nodiscard]] static result<recorded_program> start(const std::vector<std::string>& program,
                                                        const std::function<result<void>()>& prepare);

    /// Until it ends; signals are passed on to it. The status of waitpid().
    [[nodiscard]] result<int> wait(ticker progress) const;

    [[nodiscard]] std::optional<int> exec_failure() const noexcept { return exec_failure_; }

private:
    recorded_program(pid_t pid, descriptor handle, caught_signals signals, std::optional<int> exec_failure)
        : pid_(pid), handle_(std::move(handle)), signals_(std::move(signals)), exec_failure_(exec_failure) {}
    void pass_on() const;

    pid_t pid_;
    descriptor handle_;
    caught_signals signals_;
    std::optional<int> exec_failure_;
};

}  // namespace secmap::ctl
