// SPDX-License-Identifier: LGPL-2.1-or-later
// Whom attach and detach change, and learn records: a process, a control group, or that of a unit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <sys/types.h>
#include <CLI/CLI.hpp>

#include <secmap/attachment.hpp>
#include <secmap/cgroup.hpp>
#include <secmap/device.hpp>
#include <secmap/process.hpp>
#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// As they were given: one of them, or none.
struct target_options {
    pid_t pid = 0;
    std::string cgroup;
    std::string unit;

    [[nodiscard]] bool is_group() const noexcept { return !cgroup.empty() || !unit.empty(); }
    [[nodiscard]] bool given() const noexcept { return pid != 0 || is_group(); }
};

/// --pid, --cgroup and --unit, and the group of options that they are.
struct target_flags {
    CLI::App* whom;
    CLI::Option* pid;
    CLI::Option* cgroup;
    CLI::Option* unit;
};
target_flags add_target_options(CLI::App& to, target_options& options);

/// Found, and held.
class target final {
public:
    [[nodiscard]] static result<target> open(const target_options& options);

    [[nodiscard]] result<change_report> attach(const device& on, const attachment& which) const;

    /// One thread, of a process.
    [[nodiscard]] result<change_report> attach(const device& on, const attachment& which, pid_t tid) const;

    /// Without an id: all policies.
    [[nodiscard]] result<change_report> detach(const device& on, std::optional<std::uint32_t> policy_id) const;

    /// What was done to it, as a report.
    [[nodiscard]] result<change_report> report(change what, std::optional<std::uint32_t> policy_id,
                                               result<thread_changes> from) const;

    /// nullptr: it is not one.
    [[nodiscard]] const process* as_process() const noexcept { return std::get_if<process>(&found_); }
    [[nodiscard]] const cgroup* as_group() const noexcept { return std::get_if<cgroup>(&found_); }

private:
    using held = std::variant<process, cgroup>;
    target(held found, std::string unit) noexcept : found_(std::move(found)), unit_(std::move(unit)) {}
    held found_;
    std::string unit_;
};

}  // namespace secmap::ctl
