// SPDX-License-Identifier: LGPL-2.1-or-later
// What threads carry, and how they come to carry it.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include <secmap/device.hpp>
#include <secmap/listener.hpp>
#include <secmap/policy.hpp>
#include <secmap/recorder.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// A filtered thread: the members of struct secmap_task.
struct task {
    pid_t tid = 0;   ///< 0: it has no id in our pid namespace
    pid_t tgid = 0;  ///< its process
    std::uint32_t depth = 0;
    std::uint32_t top_id = 0;  ///< id of the newest policy that it carries
};

/// How a policy is attached: attach_options().all_threads().log().
class attach_options final {
public:
    /// All threads of the process, or none; those that carry something else prevent it. Of the calling thread only.
    attach_options& all_threads() noexcept { return add(SECMAP_ATTACH_TSYNC); }
    /// Audit records for all that the policy answers but ALLOW.
    attach_options& log() noexcept { return add(SECMAP_ATTACH_LOG); }
    /// Once its call is received, only a fatal signal interrupts it. With a listener only.
    attach_options& wait_killable() noexcept { return add(SECMAP_ATTACH_WAIT_KILLABLE_RECV); }
    /// The policy denies nothing: what it would, is told to watchers.
    attach_options& complain() noexcept { return add(SECMAP_ATTACH_COMPLAIN); }
    /// The same, and recorded in @p in.
    attach_options& complain(const recorder& in) noexcept {
        record_ = in.number();
        return add(SECMAP_ATTACH_COMPLAIN | SECMAP_ATTACH_RECORD);
    }

    [[nodiscard]] std::uint32_t flags() const noexcept { return flags_; }
    [[nodiscard]] int record() const noexcept { return record_; }

private:
    friend attach_options with_listener(attach_options how) noexcept;
    attach_options& add(std::uint32_t flag) noexcept {
        flags_ |= flag;
        return *this;
    }
    std::uint32_t flags_ = 0;
    int record_ = 0;
};

/// All of these return how many policies the thread carries afterwards.
/// The calling thread needs no_new_privs or CAP_SYS_ADMIN in its user namespace.
[[nodiscard]] result<std::uint32_t> attach_self(const device& on, const policy& which, const attach_options& how = {});

/// All calls are recorded; nothing is denied.
[[nodiscard]] result<std::uint32_t> attach_self(const device& on, const recorder& which);

/// As for a policy; what the policy answers with USER_NOTIF waits for the listener. Where it succeeds, no call was made behind
/// the one that attached, and no memory asked for: the new filter has not been met yet.
[[nodiscard]] result<listener> attach_with_listener(const device& on, const policy& which,
                                                    const attach_options& how = {});

/// Another thread needs CAP_SYS_ADMIN in the initial user namespace, as do the functions below.
[[nodiscard]] result<std::uint32_t> attach_thread(const device& on, const policy& which, pid_t tid,
                                                  const attach_options& how = {});

/// The same; what the policy answers with USER_NOTIF waits for the listener.
[[nodiscard]] result<listener> attach_thread_with_listener(const device& on, const policy& which, pid_t tid,
                                                           const attach_options& how = {});

[[nodiscard]] result<std::uint32_t> attach_thread(const device& on, const recorder& which, pid_t tid);

/// Takes off the newest place of @p policy_id in the thread's stack. ENOENT: it does not carry it.
[[nodiscard]] result<std::uint32_t> detach_thread(const device& on, pid_t tid, std::uint32_t policy_id);

/// Takes off everything. ENOENT: it carries nothing.
[[nodiscard]] result<std::uint32_t> detach_thread(const device& on, pid_t tid);

/// Ids of the policies that a thread carries, oldest first; 0: the calling one, which needs no capability.
[[nodiscard]] result<std::vector<std::uint32_t>> task_policies(const device& on, pid_t tid);

/// What a thread carries.
struct task_stack {
    std::vector<std::uint32_t> policies;  ///< ids, oldest first
    std::vector<std::uint32_t> waiting;   ///< places among them of those that are not in force yet, ascending
};

/// As task_policies(), with what is not in force yet.
[[nodiscard]] result<task_stack> carried_stack(const device& on, pid_t tid);

/// All filtered threads. One that is there from beginning to end is listed; others may be.
[[nodiscard]] result<std::vector<task>> task_list(const device& on);

}  // namespace secmap
