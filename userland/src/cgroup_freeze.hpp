// SPDX-License-Identifier: LGPL-2.1-or-later
// A control group that stands still while its tasks are changed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap::detail {

/// None of the group's tasks, nor of those below it, gets to user mode: none starts another one.
///
/// Who thaws it is a process of its own, which does so when we end it or when we die, of whatever. A group that was frozen
/// already, by itself or by one above it, stays so. The calling process must not be in it.
class standstill final {
public:
    /// @p folder is the group's. Where it cannot be frozen why_not() says so, and nothing has changed.
    [[nodiscard]] static standstill begin(const std::filesystem::path& folder);

    /// Of a group that is not to be frozen.
    [[nodiscard]] static standstill refused(std::string why_not);

    standstill(standstill&& other) noexcept;
    standstill& operator=(standstill&& other) = delete;
    standstill(const standstill&) = delete;
    standstill& operator=(const standstill&) = delete;
    ~standstill();

    [[nodiscard]] bool frozen() const noexcept { return why_not_.empty(); }
    [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

    /// The group goes on, if it is we who have stopped it. An error: it is frozen still.
    [[nodiscard]] result<void> end(const std::string& operation);

private:
    /// What thaws the group: a child of ours, at the other end of a socket.
    struct helper {
        descriptor file;  ///< cgroup.freeze
        descriptor line;
        pid_t pid;
    };
    explicit standstill(std::optional<helper> by) noexcept : helper_(std::move(by)) {}
    explicit standstill(std::string why_not) noexcept : why_not_(std::move(why_not)) {}
    [[nodiscard]] static result<helper> start_helper(descriptor file);
    std::optional<helper> helper_;
    std::string why_not_;
};

}  // namespace secmap::detail
