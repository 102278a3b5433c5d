// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the groups of version 2 are mounted.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace secmap::detail {

struct cgroup_mount {
    std::string root;             ///< the group that is seen there, as /proc/PID/cgroup has it
    std::filesystem::path point;  ///< where
};

/// Out of /proc/self/mountinfo, in its order; but for those that show more than this cgroup namespace, in which
/// /proc/PID/cgroup has other paths.
[[nodiscard]] std::vector<cgroup_mount> cgroup_mounts();

/// The folder of a group that /proc/PID/cgroup names; none: it is not seen there.
[[nodiscard]] std::optional<std::filesystem::path> folder_of(const cgroup_mount& seen, const std::string& group);

/// The group of a folder, as /proc/PID/cgroup has it; none: the folder is not below the mount.
[[nodiscard]] std::optional<std::string> group_of(const cgroup_mount& seen, const std::filesystem::path& folder);

/// Is it @p above, or below it? Both as /proc/PID/cgroup has them.
[[nodiscard]] bool is_within(const std::string& group, const std::string& above);

}  // namespace secmap::detail
