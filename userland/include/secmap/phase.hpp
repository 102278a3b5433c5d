// SPDX-License-Identifier: LGPL-2.1-or-later
// Policies that hold from a call on: after the first execve, after listen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// A system call, by number.
struct numbered_call {
    abi by = abi::x86_64;
    std::uint32_t number = 0;
};

/// Whether the call has to succeed, or only to be made. One that is denied has not been made.
enum class phase_start : std::uint8_t { succeeded, made };

/// From which calls on, whichever comes first.
struct phase {
    std::vector<numbered_call> calls;
    phase_start when = phase_start::succeeded;
};

/// Calls of these names in every ABI, so that none of them is a way round. EINVAL: no ABI has a call of this name.
[[nodiscard]] result<phase> phase_after(const std::vector<std::string>& names, phase_start when);

/// Attaches to the calling thread, as attach_self() does; the policy is not asked before the phase begins. Returns how
/// many policies the thread carries then.
[[nodiscard]] result<std::uint32_t> attach_self_later(const device& on, const policy& which, const phase& from);

/// Another thread needs CAP_SYS_ADMIN in the initial user namespace. It is that thread that has to make the call, or one that
/// it creates from then on, each for itself.
[[nodiscard]] result<std::uint32_t> attach_thread_later(const device& on, const policy& which, pid_t tid,
                                                        const phase& from);

}  // namespace secmap
