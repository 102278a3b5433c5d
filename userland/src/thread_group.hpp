// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads that are changed together: pass by pass, until a pass finds nothing new.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/attachment.hpp>
#include <secmap/device.hpp>
#include <secmap/result.hpp>
#include <secmap/thread_changes.hpp>

namespace secmap::detail {

/// One that has ended before it was looked at may have created another one after the list was made; not if all stand still.
enum class vanished_thread : std::uint8_t { is_over, is_new };

struct thread_group {
    std::string name;                                     ///< "process 42"
    std::function<result<std::vector<pid_t>>()> threads;  ///< ids of those that are in it now
    std::function<bool(pid_t)> has;                       ///< is this id one of theirs, now?
    std::function<pid_t(pid_t)> process_of;               ///< of one of them; 0: it has ended
    unsigned passes_max = 10'000;                         ///< it may start threads faster than we change them
    std::string next_step = "stop it first: kill -STOP";  ///< then
    vanished_thread vanished = vanished_thread::is_new;
};

enum class step : std::uint8_t { changed, unchanged, vanished };

/// One of its threads. vanished: it has ended, is not in it any more, or makes no system calls.
[[nodiscard]] result<step> attach_one(const device& on, const attachment& which, const thread_group& whom, pid_t tid);

/// All of them. What is wrong with one thread is told, and no error; what is wrong with the caller is one.
[[nodiscard]] result<thread_changes> attach_all(const device& on, const attachment& which, const thread_group& whom);

/// Without an id every policy is taken off. ENOENT: there was nothing to take off.
[[nodiscard]] result<thread_changes> detach_all(const device& on, std::optional<std::uint32_t> policy_id,
                                                const thread_group& whom);

}  // namespace secmap::detail
