// SPDX-License-Identifier: LGPL-2.1-or-later
// A policy that asks before anything is executed, and is transparent otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <secmap/device.hpp>
#include <secmap/listener.hpp>
#include <secmap/policy.hpp>
#include <secmap/process.hpp>
#include <secmap/result.hpp>

namespace secmap::oci {

/// Whoever carries it waits in execve(2) until its listener answers, and fails there with ENOSYS once that is gone.
class exec_watch final {
public:
    /// On every thread of the process, which hand it to what they start.
    [[nodiscard]] static result<exec_watch> attach(const device& on, const process& whom, const std::string& name);

    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

    /// One for each thread that was there: which of them executes something only it knows.
    [[nodiscard]] const std::vector<listener>& listeners() const noexcept { return listeners_; }

private:
    exec_watch(std::uint32_t id, std::vector<listener> listeners) noexcept
        : id_(id), listeners_(std::move(listeners)) {}
    std::uint32_t id_;
    std::vector<listener> listeners_;
};

}  // namespace secmap::oci
