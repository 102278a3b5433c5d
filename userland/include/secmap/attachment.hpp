// SPDX-License-Identifier: LGPL-2.1-or-later
// What is put on threads of others, thread by thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <sys/types.h>

#include <secmap/device.hpp>
#include <secmap/phase.hpp>
#include <secmap/policy.hpp>
#include <secmap/recorder.hpp>
#include <secmap/result.hpp>
#include <secmap/task.hpp>

namespace secmap {

/// A policy, or a recorder with its own.
struct attachment {
    std::uint32_t policy_id = 0;
    std::string name;                                        ///< "policy 7"
    std::function<result<std::uint32_t>(pid_t tid)> attach;  ///< to a thread; how many policies it carries then
};

/// These refer to the device and to what they are made of, which have to last as long.
[[nodiscard]] attachment attachment_of(const device& on, const policy& which, const attach_options& how = {});
[[nodiscard]] attachment attachment_of(const device& on, const recorder& which);

/// It is asked once the phase begins, which it does for each thread apart.
[[nodiscard]] attachment attachment_of(const device& on, const policy& which, const phase& from);

}  // namespace secmap
