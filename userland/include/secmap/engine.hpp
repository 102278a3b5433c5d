// SPDX-License-Identifier: LGPL-2.1-or-later
// What runs a profile: maps, or a program that decides the same.
#pragma once

#include <cstdint>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

enum class engine : std::uint8_t { maps, ebpf, cbpf };

/// A policy that decides as @p image, of the kind of its engine.
[[nodiscard]] result<policy> create_policy(const device& on, const policy_image& image, engine by);

}  // namespace secmap
