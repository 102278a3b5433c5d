// SPDX-License-Identifier: LGPL-2.1-or-later
// Notices that somebody comes into a control group.
#pragma once

#include <utility>

#include <secmap/cgroup.hpp>
#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// An inotify instance that is readable when a task may have been moved into a group, or into one below it: who moves a
/// task writes to a file of the group, and that is told when it is done. Who it was is not said.
///
/// What is not told is a task that begins in the group without having been moved there: clone3() with CLONE_INTO_CGROUP.
class cgroup_arrivals final {
public:
    [[nodiscard]] static result<cgroup_arrivals> open();

    /// Readable: somebody may have come, or there is a new group.
    [[nodiscard]] int number() const noexcept { return file_.number(); }

    /// From now on of all these groups, new ones too. What was told so far is forgotten: look who is there afterwards.
    /// ENODEV: the group has been removed. ENOSPC: there are too many watches.
    [[nodiscard]] result<void> watch(const cgroup& whom);

private:
    explicit cgroup_arrivals(descriptor file) noexcept : file_(std::move(file)) {}
    descriptor file_;
};

}  // namespace secmap
