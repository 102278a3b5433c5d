// SPDX-License-Identifier: LGPL-2.1-or-later
// A control group as a whole: the threads of it and of those below it, also those that start meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <secmap/attachment.hpp>
#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/result.hpp>
#include <secmap/thread_changes.hpp>

namespace secmap {

/// A group of version 2 that is held by its folder: another one of the same name is not taken for it.
///
/// What is changed are the threads that are in it at the time. One that moves in afterwards is as it was: see
/// cgroup_arrivals. The group is
/// frozen meanwhile, by a child of ours that thaws it also if we die; not if we are in it ourselves, or may not.
class cgroup final {
public:
    /// @p path is the folder's, or as /proc/PID/cgroup has it: "/system.slice/x.service".
    [[nodiscard]] static result<cgroup> open(const std::string& path);

    /// As /proc/PID/cgroup has it.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Ids of all threads, ascending; 0 stands for those that have none in our pid namespace.
    /// ENODEV: the group has been removed.
    [[nodiscard]] result<std::vector<pid_t>> threads() const;

    /// Every thread that does not carry @p which gets it, until no further one appears. The calling process
    /// is left out. A thread that ends meanwhile, or moves out, is no error. What cannot be done to one thread
    /// is told, and done to the others. EAGAIN: the group could not be frozen, and new ones appear all the time.
    /// ESRCH: no task is in it.
    [[nodiscard]] result<thread_changes> attach(const device& on, const attachment& which) const;

    /// The same once more, for those that have come since. The group may be empty, and is frozen only if it takes long.
    [[nodiscard]] result<thread_changes> attach_arrived(const device& on, const attachment& which) const;

    /// @p policy_id is taken off every thread, however often one carries it.
    [[nodiscard]] result<thread_changes> detach(const device& on, std::uint32_t policy_id) const;

    /// Everything is taken off every thread.
    [[nodiscard]] result<thread_changes> detach(const device& on) const;

private:
    friend class cgroup_arrivals;
    cgroup(descriptor folder, std::string path) noexcept : folder_(std::move(folder)), path_(std::move(path)) {}
    /// Goes to the folders of the group and of those below it. One that is removed meanwhile is passed over; ENODEV: the first.
    [[nodiscard]] result<void> visit(const std::string& operation,
                                     const std::function<result<void>(const std::filesystem::path&)>& how) const;
    [[nodiscard]] std::filesystem::path folder() const;
    descriptor folder_;
    std::string path_;
};

}  // namespace secmap
