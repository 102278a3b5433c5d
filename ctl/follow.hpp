// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl attach --follow: those that come into a control group later get the policy as well.
#pragma once

#include <secmap/attachment.hpp>
#include <secmap/device.hpp>

#include "command.hpp"
#include "follower.hpp"
#include "target.hpp"

namespace secmap::ctl {

/// Attaches, and goes on until a signal comes or the group has been removed. Tells what it does.
[[nodiscard]] outcome follow(const context& with, const target& whom, const device& on, const attachment& which,
                             in_force when, const follow_options& options);

}  // namespace secmap::ctl
