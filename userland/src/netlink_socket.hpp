// SPDX-License-Identifier: LGPL-2.1-or-later
// A socket of the generic netlink family.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <secmap/result.hpp>

struct nl_sock;
struct nlmsghdr;

namespace secmap {

class netlink_socket final {
public:
    /// @p operation is what its failures are failures of; it lasts as long as the program. ENOENT: there is no such family.
    [[nodiscard]] static result<netlink_socket> open(const char* operation);

    [[nodiscard]] int number() const noexcept;
    [[nodiscard]] int family() const noexcept { return family_; }
    [[nodiscard]] nl_sock* handle() const noexcept { return socket_.get(); }

    /// Of libnl.
    [[nodiscard]] error failed(int code) const;
    /// By errno.
    [[nodiscard]] error failed_by_errno() const;
    /// What the kernel said no to, with the module's reason, if it gave one.
    [[nodiscard]] error refused(const nlmsghdr* answer) const;

    /// Sends a command. An attribute without a number is a flag.
    using asked = std::vector<std::pair<int, std::optional<std::uint32_t>>>;
    [[nodiscard]] result<void> send(std::uint8_t command, int flags, const asked& attributes);

    /// Takes the messages that have come, without waiting if the socket does not wait. What is not the kernel's is passed
    /// over. Whether something had come.
    using taker = std::function<result<void>(const nlmsghdr* message)>;
    [[nodiscard]] result<bool> read(const taker& take);

private:
    struct socket_free {
        void operator()(nl_sock* socket) const noexcept;
    };
    using owner = std::unique_ptr<nl_sock, socket_free>;

    netlink_socket(owner socket, const char* operation) noexcept : socket_(std::move(socket)), operation_(operation) {}

    owner socket_;
    const char* operation_;
    int family_ = 0;
};

/// The errno in an answer, which may be 0; nothing, if it is cut short.
[[nodiscard]] std::optional<int> answered(const nlmsghdr* answer);

}  // namespace secmap
