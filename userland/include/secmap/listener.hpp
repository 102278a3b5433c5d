// SPDX-License-Identifier: LGPL-2.1-or-later
// The end that answers for USER_NOTIF: secmap's, or that of seccomp(2); both take the same records.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <linux/seccomp.h>
#include <sys/types.h>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// A call that waits for its answer: a copy of struct seccomp_notif.
struct notification {
    std::uint64_t id = 0;
    pid_t pid = 0;  ///< the thread that makes it; 0: it has no id in our pid namespace
    std::uint32_t flags = 0;
    seccomp_data call = {};
};

/// What waiting came to.
enum class listener_state : std::uint8_t {
    readable,  ///< there is a call to receive
    unused,    ///< no task has this listener any more, and none will
    quiet,     ///< nothing happened in time
};

/// For supervisors. What an id stands for can end at any moment: then answers fail with ENOENT, and nothing is wrong.
class listener final {
public:
    /// How large this kernel's records are; asked before a filter could deny the question.
    struct sizes {
        std::size_t request = 0;
        std::size_t response = 0;
    };

    /// Takes over a descriptor that seccomp(2) or secmap returned.
    [[nodiscard]] static result<listener> adopt(descriptor file);

    /// The same, without asking: what @ref ask_sizes said.
    [[nodiscard]] static listener adopt(descriptor file, const sizes& records) noexcept;

    [[nodiscard]] static result<sizes> ask_sizes();

    /// Waits for a call. ENOENT: it ended while it was being received; go on.
    [[nodiscard]] result<notification> receive() const;

    /// The call returns @p value.
    [[nodiscard]] result<void> respond_value(std::uint64_t id, std::int64_t value) const;

    /// The call fails with @p number, 1 ... 4095.
    [[nodiscard]] result<void> respond_errno(std::uint64_t id, int number) const;

    /// The call is made. What its pointers point to may have changed since: no decision about that holds.
    [[nodiscard]] result<void> respond_continue(std::uint64_t id) const;

    /// Does the call still wait? What was read of its task before is only that task's if it does.
    [[nodiscard]] result<bool> is_valid(std::uint64_t id) const;

    /// Gives the task a copy of our descriptor @p file; its number there. @p flags: 0 or O_CLOEXEC.
    [[nodiscard]] result<int> add_fd(std::uint64_t id, int file, int flags) const;

    /// The same under number @p number. EOPNOTSUPP: a listener of secmap cannot choose it.
    [[nodiscard]] result<int> add_fd_as(std::uint64_t id, int file, int number, int flags) const;

    /// Gives it, and the number is what the call returns.
    [[nodiscard]] result<int> respond_fd(std::uint64_t id, int file, int flags) const;

    /// Until there is something to receive, or nobody who could ask; for ever without @p at_most.
    [[nodiscard]] result<listener_state> wait(std::optional<std::chrono::milliseconds> at_most = std::nullopt) const;

    /// Hands a copy of the descriptor to the process at the other end of a unix socket (SCM_RIGHTS).
    [[nodiscard]] result<void> send_over(int socket) const;

    /// Takes one that @ref send_over has sent. ENODATA: the other end is gone, or sent something else.
    [[nodiscard]] static result<listener> take_from(int socket);

    /// For poll(2): POLLIN is readable, POLLHUP unused.
    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    listener(descriptor file, const sizes& records) noexcept : file_(std::move(file)), sizes_(records) {}
    [[nodiscard]] result<void> respond(const seccomp_notif_resp& answer, const char* operation) const;
    [[nodiscard]] result<int> give(const seccomp_notif_addfd& what) const;
    descriptor file_;
    sizes sizes_;
};

}  // namespace secmap
