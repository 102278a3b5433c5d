// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls that a policy denies, and that are made all the same with other bits where the kernel does not look.
#pragma once

#include <string>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/simulator.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// One for each call at most. What is found is so; there may be more where rules have many conditions.
[[nodiscard]] std::vector<evasion> find_evasions(const policy_image& of, const simulator& judge);

/// "socket(AF_NETLINK, 0, 9) is ERRNO(22 EINVAL); with argument 0 as 0x100000010, the same to the kernel, it is ALLOW"
[[nodiscard]] std::string evasion_words(const evasion& of);

}  // namespace secmap::ctl
