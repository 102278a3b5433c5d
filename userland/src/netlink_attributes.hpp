// SPDX-License-Identifier: LGPL-2.1-or-later
// The attributes of a message of the generic netlink family, or of one inside another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/result.hpp>

struct nlattr;
struct nlmsghdr;

namespace secmap {

using bytes = std::span<const std::byte>;

/// What is wrong with a message of the module's.
[[nodiscard]] error malformed(const std::string& what, const char* operation);

/// What is behind the head of a message, if it is one of the family with this command.
[[nodiscard]] result<bytes> message_content(bytes message, int command, const char* operation);

/// The first fault is kept; what is read after it is 0. Attributes that are not known are passed over.
class netlink_attributes final {
public:
    /// @p last: the last one that is known; @p pad: one that says nothing, or 0; @p repeated: one that may be there more
    /// than once, or 0.
    netlink_attributes(bytes content, int last, int pad = 0, int repeated = 0);

    template <typename T>
    [[nodiscard]] T number(int type) {
        T value = {};
        copy(type, &value, sizeof(value));
        return value;
    }

    [[nodiscard]] pid_t id(int type);
    [[nodiscard]] std::string text(int type, std::size_t longest);
    [[nodiscard]] bool has(int type) const { return found_.at(static_cast<std::size_t>(type)) != nullptr; }
    [[nodiscard]] const std::vector<bytes>& repeated() const noexcept { return repeated_; }

    void blame(const std::string& what);
    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

private:
    void copy(int type, void* to, std::size_t size);
    // Nothing, where it has another length.
    [[nodiscard]] bytes content(int type, std::size_t least, std::size_t most);

    std::vector<const nlattr*> found_;
    std::vector<bytes> repeated_;
    std::string fault_;
};

}  // namespace secmap
