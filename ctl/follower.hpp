// SPDX-License-Identifier: LGPL-2.1-or-later
// Who comes into a control group later.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <secmap/attachment.hpp>
#include <secmap/cgroup.hpp>
#include <secmap/cgroup_arrivals.hpp>
#include <secmap/device.hpp>
#include <secmap/result.hpp>
#include <secmap/thread_changes.hpp>

#include "target.hpp"

namespace secmap::ctl {

/// As they were given.
struct follow_options {
    bool wanted = false;
    std::uint32_t every = 500;  ///< milliseconds

    /// Throws for a target that cannot be followed.
    void check(const target_options& whom) const;
};

/// Adds --follow and --every.
void add_follow_options(CLI::App& to, follow_options& options);

/// Looks when somebody may have been moved into the group, and now and then: not all who come are told.
class follower final {
public:
    /// Who comes from now on is noticed. @p whom has to last as long.
    [[nodiscard]] static follower open(const cgroup& whom, const follow_options& options);

    /// Why moves are not told; empty: they are.
    [[nodiscard]] const std::string& note() const noexcept { return note_; }

    /// For poll(2): until it is time to look.
    [[nodiscard]] int number() const noexcept { return arrivals_ ? arrivals_->number() : -1; }
    [[nodiscard]] int wait_ms() const noexcept { return static_cast<int>(every_.count()); }
    [[nodiscard]] std::chrono::milliseconds every() const noexcept { return every_; }

    /// Those that have come get it. ENODEV: the group has been removed.
    [[nodiscard]] result<thread_changes> look(const device& on, const attachment& which);

private:
    follower(const cgroup& whom, std::chrono::milliseconds every) : whom_(&whom), every_(every) {}
    void watch();

    const cgroup* whom_;
    std::chrono::milliseconds every_;
    std::optional<cgroup_arrivals> arrivals_;
    std::string note_;
};

}  // namespace secmap::ctl
