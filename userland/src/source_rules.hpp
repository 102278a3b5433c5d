// SPDX-License-Identifier: LGPL-2.1-or-later
// The rules of a profile as they stand in it, for one ABI: what is said about a call, and where. Not installed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/profile.hpp>

namespace secmap::detail {

using call_args = std::array<std::uint64_t, 6>;

/// A rule of a profile for one number of an ABI. Conditions are as libseccomp takes them there: 32 bits wide where
/// registers are, or, if that is wanted, where the kernel takes no more; and masked data.
struct source_rule {
    std::uint32_t number = 0;
    std::uint32_t action = 0;
    std::vector<condition> conditions;
    std::size_t entry = 0;  ///< index into profile::entries
    std::string path;
};

/// Do all conditions hold? Memberships need the tables of @p image.
[[nodiscard]] bool holds(const std::vector<condition>& conditions, const call_args& args,
                         const std::vector<table_image>& tables);

/// Arguments for which all conditions hold, one set for each key of a membership; empty if none is found.
[[nodiscard]] std::vector<call_args> witnesses(const std::vector<condition>& conditions,
                                               const std::vector<table_image>& tables);

/// All rules of a profile for one ABI, by number.
class source_rules final {
public:
    source_rules(const profile& from, abi which, argument_widths widths = argument_widths::as_libseccomp);

    /// The rules for a number, in the profile's order.
    [[nodiscard]] std::vector<const source_rule*> of(std::uint32_t number) const;

    /// "/syscalls/3, /syscalls/7": the entries with this action that a clause with these conditions stands for.
    [[nodiscard]] std::string origin(std::uint32_t number, std::uint32_t action,
                                     const std::vector<condition>& conditions,
                                     const std::vector<table_image>& tables) const;

    /// Two rules of one number that both hold for some arguments, and do different things.
    [[nodiscard]] std::optional<std::pair<const source_rule*, const source_rule*>> first_conflict() const;

    /// A rule of an earlier entry that contradicts one of this entry.
    [[nodiscard]] std::optional<std::pair<const source_rule*, const source_rule*>> conflict_with(
        std::size_t entry) const;

private:
    void add(const profile_entry& entry, std::size_t index, abi which);
    [[nodiscard]] std::string paths_of(std::uint32_t number, std::uint32_t action,
                                       const std::function<bool(const source_rule&)>& wanted) const;

    argument_widths widths_;
    std::vector<source_rule> rules_;  ///< sorted by number
};

}  // namespace secmap::detail
