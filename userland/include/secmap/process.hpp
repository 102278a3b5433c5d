// SPDX-License-Identifier: LGPL-2.1-or-later
// A running process as a whole: all its threads, also those that start meanwhile.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <secmap/attachment.hpp>
#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/result.hpp>
#include <secmap/thread_changes.hpp>

namespace secmap {

/// A process that is held by a pidfd: its id cannot mean another one unnoticed.
class process final {
public:
    [[nodiscard]] static result<process> open(pid_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// A pidfd: readable when it has ended.
    [[nodiscard]] int number() const noexcept { return handle_.number(); }
    [[nodiscard]] bool alive() const noexcept;

    /// Ids of its threads, ascending. ESRCH: it is gone.
    [[nodiscard]] result<std::vector<pid_t>> threads() const;

    /// Every thread that does not carry @p which gets it, until no further one appears. A thread that
    /// ends meanwhile is no error. After an error some threads may carry the policy: it says how many.
    [[nodiscard]] result<thread_changes> attach(const device& on, const attachment& which) const;

    /// One thread of it only.
    [[nodiscard]] result<thread_changes> attach(const device& on, const attachment& which, pid_t tid) const;

    /// @p policy_id is taken off every thread, however often one carries it.
    [[nodiscard]] result<thread_changes> detach(const device& on, std::uint32_t policy_id) const;

    /// Everything is taken off every thread.
    [[nodiscard]] result<thread_changes> detach(const device& on) const;

private:
    process(descriptor handle, pid_t pid) noexcept : handle_(std::move(handle)), pid_(pid) {}
    descriptor handle_;
    pid_t pid_;
};

}  // namespace secmap
