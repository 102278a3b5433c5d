// SPDX-License-Identifier: LGPL-2.1-or-later
// What stays of the hook until the container's program begins.
#pragma once

#include <string>
#include <utility>

#include <sys/types.h>

#include <secmap/device.hpp>
#include <secmap/listener.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>
#include <secmap/task.hpp>

#include "exec_watch.hpp"

namespace secmap::oci {

/// What it needs for that.
struct container {
    std::string id;
    pid_t init = 0;  ///< its first process
    policy held;     ///< what it is to carry
    attach_options how;
};

/// Answers an exec_watch. The container's first process gets the policy in the moment in which it executes the
/// container's program, and so does a hook that is executed inside of the container (startContainer); those that
/// are executed before it has its root folder (createContainer) are let go. If the supervisor dies, the container's
/// program is not executed.
class supervisor final {
public:
    supervisor(device by, container whom, exec_watch watch) noexcept
        : device_(std::move(by)), container_(std::move(whom)), watch_(std::move(watch)) {}

    /// In the background, in a process of its own that keeps nothing of the runtime's open. Returns in the caller.
    [[nodiscard]] result<void> start() const;

private:
    void serve() const;
    void answer(const listener& from, const notification& asked) const;
    [[nodiscard]] result<void> prepare(const listener& from, const notification& asked) const;
    [[nodiscard]] result<bool> is_held(pid_t tid) const;

    device device_;
    container container_;
    exec_watch watch_;
};

}  // namespace secmap::oci
