// SPDX-License-Identifier: LGPL-2.1-or-later
// The policy that a container is to carry.
#pragma once

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

#include "annotations.hpp"
#include "container_state.hpp"

namespace secmap::oci {

/// Of the profile that is asked for, or the bundle's. Its name is the container's.
[[nodiscard]] result<policy_image> compile_policy(const container_state& of, const request& wanted);

}  // namespace secmap::oci
