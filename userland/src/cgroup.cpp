// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/cgroup.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string_view>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroup_freeze.hpp"
#include "cgroup_mount.hpp"
#include "thread_group.hpp"

namespace secmap {

namespace {

namespace fs = std::filesystem;

std::string group_name(const std::string& path) { return "cgroup " + path; }

bool is_of_version_2(const fs::path& file) {
    struct statfs facts = {};
    return statfs(file.c_str(), &facts) == 0 && facts.f_type == CGROUP2_SUPER_MAGIC;
}

// A group that is removed while it is read.
bool is_gone(const std::error_code& failed) {
    return failed == std::errc::no_such_file_or_directory || failed == std::errc::no_such_device;
}

error not_mounted(const std::string& operation) {
    return {ENODEV, operation,
            "no cgroup2 file system of this cgroup namespace is mounted, and groups of version 1 do not do",
            "mount -t cgroup2 none FOLDER"};
}

error not_found(const std::string& operation, const std::string& path, const fs::path& point) {
    std::error_code ignored;
    if (path.starts_with('/') && fs::exists(path, ignored))
        return {ENOTDIR, operation, "it is not a folder of cgroup2, and there is no such group below " + point.string(),
                "name the folder of a group"};
    return {ENOENT, operation, "there is no such group, neither as a folder nor below " + point.string(),
            "/proc/PID/cgroup names that of a process"};
}

// The folder that is meant. A path of the file system comes first: groups are not called like the mount's folder.
std::optional<fs::path> find_folder(const std::string& path, const std::vector<detail::cgroup_mount>& mounts) {
    std::error_code failed;
    if (path.starts_with('/') && is_of_version_2(path)) return fs::canonical(path, failed);
    for (const auto& each : mounts) {
        const auto folder = detail::folder_of(each, path.starts_with('/') ? path : "/" + path);
        if (folder && is_of_version_2(*folder)) return fs::canonical(*folder, failed);
    }
    return std::nullopt;
}

// As /proc/PID/cgroup has it.
std::optional<std::string> find_group(const fs::path& folder, const std::vector<detail::cgroup_mount>& mounts) {
    // Of mounts in each other's folders the last one is seen.
    for (auto each = mounts.rbegin(); each != mounts.rend(); ++each)
        if (auto group = detail::group_of(*each, folder)) return group;
    return std::nullopt;
}

// Ids are asked of /proc: those of another namespace would be other threads.
bool proc_is_ours() {
    std::error_code failed;
    return fs::read_symlink("/proc/self", failed) == std::to_string(getpid());
}

result<descriptor> open_file(const fs::path& path, int flags, const std::string& operation) {
    const int number = open(path.c_str(), flags | O_CLOEXEC);
    if (number < 0) return error{errno, operation, path.filename().string() + ": " + std::strerror(errno), ""};
    return descriptor(number);
}

result<std::string> read_all(const fs::path& path, const std::string& operation) {
    const auto file = open_file(path, O_RDONLY, operation);
    if (!file) return file.error();
    std::string text;
    std::array<char, 16384> part = {};
    for (;;) {
        const ssize_t length = read(file->number(), part.data(), part.size());
        if (length == 0) return text;
        if (length > 0) text.append(part.data(), static_cast<std::size_t>(length));
        if (length < 0 && errno != EINTR)
            return error{errno, operation, path.filename().string() + ": " + std::strerror(errno), ""};
    }
}

void add_ids(const std::string& lines, std::set<pid_t>& to) {
    const char* at = lines.data();
    const char* const end = at + lines.size();
    while (at < end) {
        pid_t tid = 0;
        const auto [next, failed] = std::from_chars(at, end, tid);
        if (failed == std::errc()) to.insert(tid);
        at = next + 1;
    }
}

// The groups right below. One that is removed meanwhile has no tasks.
result<std::vector<fs::path>> groups_below(const fs::path& folder, const std::string& operation) {
    std::vector<fs::path> found;
    std::error_code failed;
    fs::directory_iterator entry(folder, failed);
    for (const auto end = fs::directory_iterator(); !failed && entry != end; entry.increment(failed)) {
        std::error_code ignored;
        if (entry->is_directory(ignored)) found.push_back(entry->path());
    }
    if (failed && !is_gone(failed)) return error{failed.value(), operation, failed.message(), ""};
    return found;
}

// The group of version 2 that a thread is in; empty: it has ended.
std::string group_of_thread(pid_t tid) {
    constexpr std::string_view head = "0::";
    std::ifstream file("/proc/" + std::to_string(tid) + "/cgroup");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(head)) return line.substr(head.size());
    return "";
}

// 0: the thread has ended.
pid_t process_of_thread(pid_t tid) {
    constexpr std::string_view head = "Tgid:\t";
    pid_t pid = 0;
    std::ifstream file("/proc/" + std::to_string(tid) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(head)) std::from_chars(line.data() + head.size(), line.data() + line.size(), pid);
    return pid;
}

std::set<pid_t> own_threads() {
    std::set<pid_t> found;
    std::error_code failed;
    fs::directory_iterator entry("/proc/self/task", failed);
    for (const auto end = fs::directory_iterator(); !failed && entry != end; entry.increment(failed)) {
        pid_t tid = 0;
        const std::string name = entry->path().filename();
        std::from_chars(name.data(), name.data() + name.size(), tid);
        found.insert(tid);
    }
    return found;
}

// Who was met in all passes.
struct met {
    bool anybody = false;
    std::set<pid_t> own;
};

result<std::vector<pid_t>> others(result<std::vector<pid_t>> all, met& so_far) {
    if (!all) return all;
    const std::set<pid_t> ours = own_threads();
    std::erase_if(*all, [&](pid_t tid) {
        const bool own = ours.contains(tid);
        if (own) so_far.own.insert(tid);
        return own;
    });
    so_far.anybody = so_far.anybody || !all->empty();
    return all;
}

detail::thread_group threads_of(const cgroup& whom, met& so_far) {
    return {group_name(whom.path()), [&] { return others(whom.threads(), so_far); },
            [&](pid_t tid) { return detail::is_within(group_of_thread(tid), whom.path()); }, process_of_thread};
}

result<thread_changes> complete(result<thread_changes> from, const cgroup& whom, const met& so_far) {
    const bool nobody = from && from->changed.empty() && from->unchanged.empty() && from->failed.empty();
    const bool nothing = !from && from.error().number == ENOENT && !so_far.anybody;
    if (nobody || nothing)
        return error{ESRCH, "change " + group_name(whom.path()),
                     so_far.own.empty() ? "no task is in it" : "no task is in it but the calling process", ""};
    if (from) from->left_out.assign(so_far.own.begin(), so_far.own.end());
    return from;
}

bool has_us(const cgroup& whom) {
    return std::ranges::any_of(own_threads(),
                               [&](pid_t tid) { return detail::is_within(group_of_thread(tid), whom.path()); });
}

constexpr unsigned passes_max = 100;

using change = std::function<result<thread_changes>(const detail::thread_group&)>;

// A line of tasks each of which creates the next one and ends could be one task ahead of us for ever: so the group is made
// to stand still. Where it cannot be, only passes in which nobody begins or ends are believed, and there may be none.
result<thread_changes> change_all(const cgroup& whom, const fs::path& folder, const change& how) {
    met so_far;
    auto still =
        has_us(whom) ? detail::standstill::refused("the calling process is in it") : detail::standstill::begin(folder);
    auto threads = threads_of(whom, so_far);
    threads.passes_max = passes_max;
    threads.vanished = still.frozen() ? detail::vanished_thread::is_over : detail::vanished_thread::is_new;
    threads.next_step =
        still.frozen() ? "somebody has thawed it meanwhile: do it again" : "it could not be frozen: " + still.why_not();
    auto done = complete(how(threads), whom, so_far);
    const auto ended = still.end("change " + group_name(whom.path()));
    if (!ended) return ended.error();
    if (done) done->frozen = still.frozen();
    return done;
}

}  // namespace

result<cgroup> cgroup::open(const std::string& path) {
    const std::string operation = "open " + group_name(path);
    const auto mounts = detail::cgroup_mounts();
    if (mounts.empty()) return not_mounted(operation);
    const auto folder = find_folder(path, mounts);
    if (!folder) return not_found(operation, path, mounts.front().point);
    auto handle = open_file(*folder, O_PATH | O_DIRECTORY, operation);
    if (!handle && handle.error().number == ENOTDIR)
        return error{ENOTDIR, operation, "it is a file of a group", "name the folder that it is in"};
    if (!handle) return std::move(handle).error();
    auto group = find_group(*folder, mounts);
    if (!group)
        return error{ENODEV, operation, folder->string() + " is not of this cgroup namespace",
                     "name the group below " + mounts.front().point.string()};
    if (!proc_is_ours())
        return error{ESRCH, operation, "/proc is that of another pid namespace", "mount -t proc proc /proc"};
    return cgroup(std::move(handle).value(), *std::move(group));
}

fs::path cgroup::folder() const { return "/proc/self/fd/" + std::to_string(folder_.number()); }

result<void> cgroup::visit(const std::string& operation,
                           const std::function<result<void>(const fs::path&)>& how) const {
    std::vector<fs::path> left = {folder()};
    for (bool top = true; !left.empty(); top = false) {
        const fs::path group = std::move(left.back());
        left.pop_back();
        const auto done = how(group);
        const bool gone = !done && is_gone({done.error().number, std::generic_category()});
        if (gone && top) return error{ENODEV, operation, "the group has been removed", ""};
        if (gone) continue;
        if (!done) return done.error();
        auto below = groups_below(group, operation);
        if (!below) return std::move(below).error();
        left.insert(left.end(), below->begin(), below->end());
    }
    return {};
}

result<std::vector<pid_t>> cgroup::threads() const {
    const std::string operation = "list the threads of " + group_name(path_);
    std::set<pid_t> tids;
    const auto visited = visit(operation, [&](const fs::path& group) -> result<void> {
        const auto lines = read_all(group / "cgroup.threads", operation);
        if (!lines) return lines.error();
        add_ids(*lines, tids);
        return {};
    });
    if (!visited) return visited.error();
    return std::vector<pid_t>(tids.begin(), tids.end());
}

result<thread_changes> cgroup::attach(const device& on, const attachment& which) const {
    return change_all(*this, folder(),
                      [&](const detail::thread_group& threads) { return detail::attach_all(on, which, threads); });
}

// Who is in it carries the policy by now, all but those who have come: a call of the others is not to be interrupted for
// each of these. But if there is no end to it, somebody may be one task ahead.
result<thread_changes> cgroup::attach_arrived(const device& on, const attachment& which) const {
    met so_far;
    unsigned passes = 0;
    std::optional<detail::standstill> still;
    auto threads = threads_of(*this, so_far);
    threads.passes_max = 2 * passes_max;
    threads.threads = [&] {
        if (++passes > passes_max && !still && !has_us(*this)) still.emplace(detail::standstill::begin(folder()));
        return others(this->threads(), so_far);
    };
    threads.next_step = "attach to the group anew";
    auto done = detail::attach_all(on, which, threads);
    if (!still) return done;
    const auto ended = still->end("change " + group_name(path_));
    if (!ended) return ended.error();
    if (done) done->frozen = still->frozen();
    return done;
}

result<thread_changes> cgroup::detach(const device& on, std::uint32_t policy_id) const {
    return change_all(*this, folder(),
                      [&](const detail::thread_group& threads) { return detail::detach_all(on, policy_id, threads); });
}

result<thread_changes> cgroup::detach(const device& on) const {
    return change_all(*this, folder(), [&](const detail::thread_group& threads) {
        return detail::detach_all(on, std::nullopt, threads);
    });
}

}  // namespace secmap
