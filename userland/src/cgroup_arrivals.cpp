// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/cgroup_arrivals.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>

#include <sys/inotify.h>
#include <unistd.h>

namespace secmap {

namespace {

struct watched {
    const char* file;
    std::uint32_t mask;
};

// A process is moved by a write to the one file, a thread by one to the other; the folder tells of groups in it.
constexpr std::array<watched, 3> all_watched = {
    {{"", IN_CREATE | IN_ONLYDIR}, {"cgroup.procs", IN_MODIFY}, {"cgroup.threads", IN_MODIFY}}};

result<void> add_watch(int file, const std::string& operation, const std::filesystem::path& group, const watched& of) {
    // The folder itself is a link of /proc: its name ends with a slash then.
    if (inotify_add_watch(file, (group / of.file).c_str(), of.mask) >= 0) return {};
    const std::string hint = errno == ENOSPC ? "sysctl fs.inotify.max_user_watches has the limit" : "";
    return error{errno, operation, std::strerror(errno), hint};
}

}  // namespace

result<cgroup_arrivals> cgroup_arrivals::open() {
    const int number = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (number < 0)
        return error{errno, "notice who comes into a cgroup", std::string("inotify_init1: ") + std::strerror(errno),
                     errno == EMFILE ? "sysctl fs.inotify.max_user_instances has the limit" : ""};
    return cgroup_arrivals(descriptor(number));
}

result<void> cgroup_arrivals::watch(const cgroup& whom) {
    std::array<char, 4096> told = {};
    while (read(file_.number(), told.data(), told.size()) > 0) {
    }
    const std::string operation = "notice who comes into cgroup " + whom.path();
    return whom.visit(operation, [&](const std::filesystem::path& group) -> result<void> {
        for (const watched& each : all_watched)
            if (auto added = add_watch(file_.number(), operation, group, each); !added) return added;
        return {};
    });
}

}  // namespace secmap
