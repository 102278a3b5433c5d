// SPDX-License-Identifier: LGPL-2.1-or-later
// A policy in the kernel, as one names it on a command line.
#pragma once

#include <string>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/result.hpp>

namespace secmap::ctl {

/// Held open, and what was known of it then.
struct policy_in_kernel {
    secmap::policy policy;
    policy_info info;
};

/// By its id, which is what digits are, or by its name. Those that no stack holds do not count where one of the same
/// name is held. EEXIST: several have the name.
[[nodiscard]] result<policy_in_kernel> find_policy(const device& on, const std::string& wanted);

/// The same; who is no administrator finds those that he made, where only his unprivileged tasks carry them.
[[nodiscard]] result<policy_in_kernel> find_own_policy(const device& on, const std::string& wanted);

}  // namespace secmap::ctl
