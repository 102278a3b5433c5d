// SPDX-License-Identifier: LGPL-2.1-or-later
// What a container runtime makes of a profile: read, given to libseccomp, exported. It shares no code with the library
// that it is compared with, and reads only what that library accepted.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

namespace secmap::bench {

/// libseccomp would not take a rule.
class refused_by_libseccomp final : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// libseccomp looped or crashed over the rules: docs/differences.md says over which.
class lost_by_libseccomp final : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// How libseccomp tests the numbers of calls: one after the other, or by a binary tree.
enum class number_search : std::uint32_t { linear = 1, tree = 2 };

/// What conditions are decided by that are not about a call.
struct circumstances {
    std::vector<std::string> capabilities;
    unsigned kernel_major = 6;
    unsigned kernel_minor = 1;
};

/// One rule for one call, as it is handed to libseccomp.
struct reference_rule {
    std::string name;
    std::uint32_t action = 0;
    std::vector<scmp_arg_cmp> args;
};

class reference final {
public:
    /// Throws what nlohmann::json throws where a member has the wrong type, std::invalid_argument where it is unknown.
    reference(std::string_view text, const circumstances& here);

    /// libseccomp's program. Throws refused_by_libseccomp, lost_by_libseccomp.
    [[nodiscard]] std::vector<sock_filter> program(number_search search) const;

    /// What runc's stub in front of that program answers; nothing: it passes the call on.
    [[nodiscard]] std::optional<std::uint32_t> stub(const seccomp_data& call) const;

    [[nodiscard]] const std::vector<reference_rule>& rules() const noexcept { return rules_; }
    [[nodiscard]] std::uint32_t default_action() const noexcept { return default_action_; }

private:
    [[nodiscard]] std::vector<sock_filter> compile(number_search search) const;
    void find_last_numbers();

    std::uint32_t default_action_ = 0;
    std::vector<std::uint32_t> architectures_;  ///< SCMP_ARCH_*, those that the profile lists
    std::vector<reference_rule> rules_;
    std::optional<std::uint32_t> last_x86_64_;
    std::optional<std::uint32_t> last_x32_;  ///< with bit 30
    std::optional<std::uint32_t> last_i386_;
};

}  // namespace secmap::bench
