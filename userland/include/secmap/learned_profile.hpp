// SPDX-License-Identifier: LGPL-2.1-or-later
// A profile of the OCI runtime specification that allows what was recorded, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/profile.hpp>
#include <secmap/recorder.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// A value: what is allowed can only become more.
class learned_profile final {
public:
    /// Allows what every program does at its end, and when a signal comes.
    learned_profile();

    /// Allows what was recorded.
    void add(const recording& what);

    /// Allows what @p other allows. Its default action, and what it says of calls that stay denied, holds from then on.
    /// EINVAL: its default is to allow, so that there is nothing to learn.
    [[nodiscard]] result<void> add(const profile& other);

    /// A document that podman, docker and runc take; of the same calls always the same.
    [[nodiscard]] std::string text() const;

    /// Names of the calls that are allowed, some for certain arguments alone.
    [[nodiscard]] std::vector<std::string> names() const;

    /// How many of them are allowed for certain arguments alone.
    [[nodiscard]] std::size_t limited() const noexcept;

    /// What could not be said in a profile, one sentence each.
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    struct by_text {
        bool operator()(const profile_arg& one, const profile_arg& other) const noexcept;
    };
    using conditions = std::vector<profile_arg>;
    struct by_conditions {
        bool operator()(const conditions& one, const conditions& other) const noexcept;
    };
    using alternatives = std::set<conditions, by_conditions>;

    void allow(const std::string& name);
    void allow(const std::string& name, const conditions& if_all);
    void add_denial(const profile_entry& from);

    std::uint32_t default_action_;
    std::set<abi> abis_;
    std::map<std::string, std::optional<alternatives>> calls_;  ///< nothing: whatever the arguments are
    std::vector<profile_entry> denials_;                        ///< with another action than the default
    std::vector<std::string> notes_;
};

}  // namespace secmap
