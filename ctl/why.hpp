// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a program fails: it runs, and what its policy denies is told at its end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>

#include "command.hpp"
#include "execution.hpp"
#include "profile_options.hpp"

namespace secmap::ctl {

/// What runs, and under what.
struct watched_run {
    const context& with;
    const device& by;
    const policy& held_by;
    const std::optional<loaded_profile>& profile;  ///< none: it is held by a program, of which actions are known alone
    const std::vector<std::string>& program;
    privileges gained = privileges::never_new;
    const std::string& output;  ///< empty: standard error
};

/// As the program ends. Its children may live on: what is denied to them after that is not told.
[[nodiscard]] outcome tell_why(const watched_run& what);

}  // namespace secmap::ctl
