// SPDX-License-Identifier: LGPL-2.1-or-later
// Whom attach and detach change: a process, a control group, or that of a unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <sys/types.h>
#include <CLI/CLI.hpp>

#include <secmap/cgroup.hpp>
#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/process.hpp>
#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// As they were given: one of them.
struct target_options {
    pid_t pid = 0;
    std::string cgroup;
    std::string unit;
};

/// Adds --pid, --cgroup and --unit; the first one is returned.
CLI::Option* add_target_options(CLI::App& to, target_options& options);

/// Found, and held.
class target final {
public:
    [[nodiscard]] static result<target> open(const target_options& options);

    [[nodiscard]] result<change_report> attach(const device& on, const policy& which) const;

    /// One thread, of a process.
    [[nodiscard]] result<change_report> attach(const device& on, const policy& which, pid_t tid) const;

    /// Without an id: all policies.
    [[nodiscard]] result<change_report> detach(const device& on, std::optional<std::uint32_t> policy_id) const;

private:
    using held = std::variant<process, cgroup>;
    target(held found, std::string unit) noexcept : found_(std::move(found)), unit_(std::move(unit)) {}
    [[nodiscard]] result<change_report> report(change what, std::optional<std::uint32_t> policy_id,
                                               result<thread_changes> from) const;
    held found_;
    std::string unit_;
};

}  // namespace secmap::ctl
