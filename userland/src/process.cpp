// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/process.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <secmap/task.hpp>

namespace secmap {

namespace {

// A listing of threads may miss one when another ends meanwhile: only two in a row that
// change nothing are believed.
constexpr unsigned quiet_passes_needed = 2;
constexpr unsigned passes_max = 10'000;

enum class step : std::uint8_t { changed, unchanged, vanished };

std::string process_name(pid_t pid) { return "process " + std::to_string(pid); }

std::filesystem::path thread_folder(pid_t pid, pid_t tid) {
    return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid);
}

// When a thread was started, in ticks since boot: with its id it names one thread for good.
std::optional<std::uint64_t> start_time(const std::filesystem::path& folder) {
    constexpr unsigned field_after_name = 3;
    constexpr unsigned field_start_time = 22;
    std::ifstream file(folder / "stat");
    // Not through the buffer's iterators: reading fails when the thread ends just now, and they throw.
    std::string text;
    std::getline(file, text, '\0');
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view(text).substr(std::min(name_end + 2, text.size()));
    for (unsigned field = field_after_name; field < field_start_time; ++field) {
        const auto blank = rest.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(blank + 1);
    }
    std::uint64_t ticks = 0;
    const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
    if (failed != std::errc() || end == rest.data()) return std::nullopt;
    return ticks;
}

error gone(pid_t pid, std::string operation) {
    return {ESRCH, std::move(operation), process_name(pid) + " has ended", ""};
}

// The thread ended between our look and the module's, and its id may already be another's.
result<step> check_owner(pid_t pid, pid_t tid, std::uint64_t started, const std::string& operation) {
    if (start_time(thread_folder(pid, tid)) == started) return step::changed;
    const auto other = start_time("/proc/" + std::to_string(tid));
    if (!other || *other == started) return step::vanished;
    return error{ESRCH, operation,
                 "thread " + std::to_string(tid) + " ended meanwhile and its id names another thread, which may have " +
                     "been changed instead",
                 "look at it with 'secmapctl task show " + std::to_string(tid) + "'"};
}

// What is attached to a thread: a policy, or a recorder with its own.
struct attachment {
    std::uint32_t policy_id;
    std::string name;
    std::function<result<std::uint32_t>(pid_t)> attach;
};

result<step> attach_one(const device& on, const attachment& which, pid_t pid, pid_t tid) {
    const auto started = start_time(thread_folder(pid, tid));
    if (!started) return step::vanished;
    const auto carried = task_policies(on, tid);
    if (!carried) {
        if (carried.error().number == ESRCH) return step::vanished;
        return carried.error();
    }
    if (std::ranges::count(*carried, which.policy_id) != 0) return step::unchanged;
    auto depth = which.attach(tid);
    if (!depth) {
        if (depth.error().number == ESRCH) return step::vanished;
        return std::move(depth).error();
    }
    return check_owner(pid, tid, *started, "attach " + which.name + " to " + process_name(pid));
}

attachment of(const device& on, const policy& which) {
    return {which.id(), "policy " + std::to_string(which.id()),
            [&](pid_t tid) { return attach_thread(on, which, tid); }};
}

result<step> detach_one(const device& on, std::optional<std::uint32_t> policy_id, pid_t pid, pid_t tid) {
    const auto started = start_time(thread_folder(pid, tid));
    if (!started) return step::vanished;
    step done = step::unchanged;
    for (;;) {
        auto depth = policy_id ? detach_thread(on, tid, *policy_id) : detach_thread(on, tid);
        if (!depth && depth.error().number == ESRCH) return step::vanished;
        if (!depth && depth.error().number == ENOENT) break;
        if (!depth) return std::move(depth).error();
        auto owner = check_owner(pid, tid, *started, "detach from " + process_name(pid));
        if (!owner || *owner == step::vanished) return owner;
        done = step::changed;
        if (!policy_id) break;
    }
    return done;
}

}  // namespace

result<process> process::open(pid_t pid) {
    const std::string operation = "open " + process_name(pid);
    const long handle = syscall(SYS_pidfd_open, pid, 0U);
    if (handle >= 0) return process(descriptor(static_cast<int>(handle)), pid);
    if (errno == ESRCH) return error{ESRCH, operation, "there is no such process", ""};
    if (errno == EINVAL || errno == ENOENT)
        return error{errno, operation, "it is not the id of a process",
                     "a thread is named by its process and its own id"};
    return error{errno, operation, std::strerror(errno), ""};
}

bool process::alive() const noexcept {
    pollfd handle = {handle_.number(), POLLIN, 0};
    return poll(&handle, 1, 0) == 0;
}

result<std::vector<pid_t>> process::threads() const {
    const std::string operation = "list the threads of " + process_name(pid_);
    std::error_code failed;
    std::vector<pid_t> tids;
    std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid_) + "/task", failed);
    for (const auto end = std::filesystem::directory_iterator(); !failed && folder != end; folder.increment(failed)) {
        const std::string name = folder->path().filename();
        pid_t tid = 0;
        std::from_chars(name.data(), name.data() + name.size(), tid);
        if (tid > 0) tids.push_back(tid);
    }
    if (!alive()) return gone(pid_, operation);
    if (failed) return error{failed.value(), operation, failed.message(), ""};
    std::ranges::sort(tids);
    return tids;
}

namespace {

// Goes through the threads until nothing changes any more.
result<process_change> repeat(const process& whom, const std::function<result<step>(pid_t)>& change) {
    std::set<pid_t> changed;
    std::set<pid_t> unchanged;
    process_change total;
    for (unsigned quiet = 0; quiet < quiet_passes_needed;) {
        ++quiet;
        if (++total.passes > passes_max)
            return error{EAGAIN, "change " + process_name(whom.pid()),
                         "it starts threads faster than they can be changed", "stop it first: kill -STOP"};
        const auto tids = whom.threads();
        if (!tids) return tids.error();
        for (const pid_t tid : *tids) {
            const auto done = change(tid);
            if (!done) {
                error failure = done.error();
                if (!changed.empty())
                    failure.text += "; " + std::to_string(changed.size()) + " of its threads were changed before that";
                return failure;
            }
            if (*done == step::unchanged && !changed.contains(tid)) unchanged.insert(tid);
            if (*done != step::changed) continue;
            unchanged.erase(tid);
            changed.insert(tid);
            quiet = 0;
        }
    }
    total.changed.assign(changed.begin(), changed.end());
    total.unchanged.assign(unchanged.begin(), unchanged.end());
    return total;
}

result<process_change> something_detached(result<process_change> from, const std::string& operation,
                                          const std::string& nothing) {
    if (from && from->changed.empty())
        return error{ENOENT, operation, nothing, "'secmapctl task list' shows what is filtered"};
    return from;
}

}  // namespace

result<process_change> process::attach(const device& on, const policy& which) const {
    return repeat(*this, [&](pid_t tid) { return attach_one(on, of(on, which), pid_, tid); });
}

result<process_change> process::attach(const device& on, const recorder& which) const {
    const attachment made = {which.policy_id(), "a recorder", [&](pid_t tid) { return attach_thread(on, which, tid); }};
    return repeat(*this, [&](pid_t tid) { return attach_one(on, made, pid_, tid); });
}

result<process_change> process::attach(const device& on, const policy& which, pid_t tid) const {
    const std::string operation = "attach policy " + std::to_string(which.id()) + " to thread " + std::to_string(tid) +
                                  " of " + process_name(pid_);
    const auto done = attach_one(on, of(on, which), pid_, tid);
    if (!done) return done.error();
    if (*done == step::vanished) return error{ESRCH, operation, "the process has no such thread, or it is exiting", ""};
    process_change total;
    total.passes = 1;
    (*done == step::changed ? total.changed : total.unchanged).push_back(tid);
    return total;
}

result<process_change> process::detach(const device& on, std::uint32_t policy_id) const {
    auto done = repeat(*this, [&](pid_t tid) { return detach_one(on, policy_id, pid_, tid); });
    return something_detached(std::move(done),
                              "detach policy " + std::to_string(policy_id) + " from " + process_name(pid_),
                              "none of its threads carries this policy");
}

result<process_change> process::detach(const device& on) const {
    auto done = repeat(*this, [&](pid_t tid) { return detach_one(on, std::nullopt, pid_, tid); });
    return something_detached(std::move(done), "detach every policy from " + process_name(pid_),
                              "none of its threads is filtered");
}

}  // namespace secmap
