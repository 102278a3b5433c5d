// SPDX-License-Identifier: LGPL-2.1-or-later
// Policies of kind EBPF for the benchmark: programs of a few instructions, written by hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <secmap/device.hpp>
#include <secmap/result.hpp>

namespace secmap::bench {

/// What is allowed; everything else gets EPERM.
struct program_spec {
    std::string kind;  ///< "allow": the call, and ioctl; "set", "bits": the call, if its first argument is a member
    std::uint32_t number = 0;
    std::vector<std::uint64_t> members;
};

/// The policy's descriptor.
[[nodiscard]] result<int> create_program_policy(const device& on, const program_spec& spec);

[[nodiscard]] result<void> attach_program_policy(const device& on, int policy);

}  // namespace secmap::bench
