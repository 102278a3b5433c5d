// SPDX-License-Identifier: LGPL-2.1-or-later
// A profile as libseccomp compiles it. Not installed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <linux/filter.h>

#include <secmap/profile.hpp>
#include <secmap/result.hpp>

namespace secmap::detail {

/// libseccomp's program for one ABI of a profile, with numbers in the place of actions: libseccomp only ever asks whether two
/// actions are the same, and what it takes for an action depends on the kernel that it runs on.
struct program {
    std::vector<sock_filter> code;
    std::vector<std::uint32_t> actions;  ///< by what RET returns in its data; [0] is never returned

    /// The action behind a RET of @ref code.
    [[nodiscard]] std::uint32_t action_of(std::uint32_t returned) const noexcept;
};

/// The rule that libseccomp would not take.
struct refused_rule {
    std::size_t entry = 0;  ///< index into profile::entries
    std::string name;       ///< which of its calls
    int number = 0;         ///< errno
};

/// Adds the rules as runc does: entries and names in their order, the default's action left out, unknown names skipped,
/// conditions on the same argument as rules of their own. Each ABI is asked about alone: with x86-64 and x32 in one
/// program, libseccomp 2.5.4 can forget to load the number (docs/differences.md).
class program_builder final {
public:
    explicit program_builder(const profile& from, argument_widths widths = argument_widths::as_libseccomp)
        : profile_(from), widths_(widths) {}

    [[nodiscard]] result<program> build(abi which);

    /// After a failure of build(): which rule it was, if it was a rule.
    [[nodiscard]] const std::optional<refused_rule>& refused() const noexcept { return refused_; }

private:
    const profile& profile_;
    argument_widths widths_;
    std::optional<refused_rule> refused_;
};

/// Is an argument of this call, of which a register has 64 bits, taken as 32 or fewer by the kernel?
[[nodiscard]] bool is_narrow(abi which, const std::string& name, std::uint32_t index);

/// Are the low 32 bits of it, and a sign that was extended, all that it is?
[[nodiscard]] constexpr bool extends_sign(std::uint64_t value) noexcept { return value >> 31 == 0x1ffffffffU; }

/// What an int is that is written down as this.
[[nodiscard]] constexpr std::uint64_t without_sign(std::uint64_t value) noexcept {
    return extends_sign(value) ? value & 0xffffffffU : value;
}

/// The conjunctions that one entry stands for, as runc splits them: usually one, empty for a plain rule.
[[nodiscard]] std::vector<std::vector<profile_arg>> conjunctions(const profile_entry& entry);

}  // namespace secmap::detail
