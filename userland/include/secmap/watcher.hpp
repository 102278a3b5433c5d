// SPDX-License-Identifier: LGPL-2.1-or-later
// What filters decide, as it happens: the generic netlink family of secmap/secmap_netlink.h.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/result.hpp>

struct nlmsghdr;

namespace secmap {

class netlink_socket;

/// A verdict other than ALLOW: the attributes SECMAP_A_EVENT_*.
struct filter_event {
    std::chrono::nanoseconds time{};  ///< CLOCK_MONOTONIC
    std::uint64_t sequence = 0;       ///< of this watcher's events, lost ones too, from 1 on
    std::uint64_t lost = 0;           ///< how many this watcher has lost up to now
    std::uint64_t suppressed = 0;     ///< how many it was not told of: their policies' rate
    pid_t pid = 0;                    ///< the process, as the watcher sees it
    pid_t tid = 0;
    pid_t ns_pid = 0;  ///< the process, as it sees itself
    pid_t ns_tid = 0;
    std::string comm;          ///< the thread's name: any bytes
    std::uint64_t cgroup = 0;  ///< the inode of its folder
    std::uint32_t arch = 0;    ///< AUDIT_ARCH_*
    std::uint32_t nr = 0;      ///< as in struct seccomp_data
    std::optional<std::array<std::uint64_t, 6>> args;
    std::uint64_t instruction_pointer = 0;
    std::uint32_t action = 0;           ///< SECCOMP_RET_* with its data
    std::uint32_t policy = 0;           ///< its id
    bool complains = false;             ///< the call runs all the same: the policy is not enforced
    std::optional<std::uint32_t> rule;  ///< what of the policy decided, where that is known: SECMAP_RULE_*, or an index
};

/// Reads a message of the family, from its struct nlmsghdr on. Attributes that it does not know are passed over. EBADMSG:
/// it is no event.
[[nodiscard]] result<filter_event> parse_event(std::span<const std::byte> message);

/// Watches from open() on until it is destroyed. Nobody waits for it: what it is too slow for is lost for it, and the next
/// event tells how much that was.
class watcher final {
public:
    /// All policies, or the one with this id. Needs CAP_SYS_ADMIN in the user namespace that owns the caller's pid
    /// namespace. ENOENT: there is no such family, for the module is not loaded. A refusal has the module's own text.
    [[nodiscard]] static result<watcher> open(std::optional<std::uint32_t> policy = std::nullopt);

    watcher(watcher&& other) noexcept;
    watcher& operator=(watcher&& other) noexcept;
    ~watcher();

    /// Events that have come, without waiting; none, if none has. To be called until then, or whenever @ref number is
    /// readable. ENODEV: the module was unloaded, and all that it told has been received; nothing else will come.
    [[nodiscard]] result<std::vector<filter_event>> receive();

    /// For poll(2): POLLIN.
    [[nodiscard]] int number() const noexcept;

private:
    explicit watcher(std::unique_ptr<netlink_socket> socket) noexcept;
    [[nodiscard]] result<void> set_up();
    [[nodiscard]] result<void> await_answer();
    [[nodiscard]] result<void> read();
    [[nodiscard]] result<void> take(const nlmsghdr* message);

    std::unique_ptr<netlink_socket> socket_;
    std::vector<filter_event> events_;    ///< read, and not received yet
    std::optional<result<void>> answer_;  ///< to what was asked
    bool gone_ = false;                   ///< the family is no more
};

}  // namespace secmap
