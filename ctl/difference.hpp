// SPDX-License-Identifier: LGPL-2.1-or-later
// What changes from one policy to another, call by call.
#pragma once

#include <vector>

#include <secmap/policy_image.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// The ABIs on which they decide differently; those without a section get the action for foreign ones.
[[nodiscard]] std::vector<abi_difference> difference(const policy_image& before, const policy_image& after);

}  // namespace secmap::ctl
