// SPDX-License-Identifier: LGPL-2.1-or-later
#include "thread_group.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include <secmap/task.hpp>

namespace secmap::detail {

namespace {

// A listing of threads may miss one when another ends meanwhile, or when it moves from where was not looked yet to where
// was: only two in a row that change nothing are believed.
constexpr unsigned quiet_passes_needed = 2;

// For who has created a thread to wake it.
constexpr std::chrono::milliseconds pause(1);

// Of <linux/sched.h>, which is not for user space; in /proc/TID/stat it has stayed what it is.
constexpr std::uint64_t kernel_thread_flag = 0x00200000;

// What /proc/TID/stat says of a thread.
struct thread_facts {
    std::uint64_t flags = 0;
    std::uint64_t started = 0;  // in ticks since boot: with its id it names one thread for good
};

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end == text.data()) return std::nullopt;
    return number;
}

// None: there is no such thread any more.
std::optional<thread_facts> facts_of(pid_t tid) {
    constexpr unsigned field_after_name = 3;
    constexpr unsigned field_flags = 9;
    constexpr unsigned field_start_time = 22;
    std::ifstream file("/proc/" + std::to_string(tid) + "/stat");
    // Not through the buffer's iterators: reading fails when the thread ends just now, and they throw.
    std::string text;
    std::getline(file, text, '\0');
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view(text).substr(std::min(name_end + 2, text.size()));
    std::optional<std::uint64_t> flags;
    for (unsigned field = field_after_name; field < field_start_time; ++field) {
        if (field == field_flags) flags = number_in(rest);
        const auto blank = rest.find(' ');
        if (blank == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(blank + 1);
    }
    const auto started = number_in(rest);
    if (!flags || !started) return std::nullopt;
    return thread_facts{*flags, *started};
}

// The first look at one of the group's threads. None: it has ended, or is not in it any more.
std::optional<thread_facts> find(const thread_group& whom, pid_t tid) {
    // In this order: an id that is another's since the list was made is another's in what is asked last.
    const auto found = facts_of(tid);
    return found && whom.has(tid) ? found : std::nullopt;
}

// The thread ended between our look and the module's, and its id may already be another's.
result<step> check_owner(pid_t tid, std::uint64_t started, const std::string& operation) {
    const auto now = facts_of(tid);
    if (!now) return step::vanished;
    if (now->started == started) return step::changed;
    return error{ESTALE, operation,
                 "thread " + std::to_string(tid) + " ended meanwhile and its id names another thread, which may have " +
                     "been changed instead",
                 "look at it with 'secmapctl task show " + std::to_string(tid) + "'"};
}

error nameless(std::string operation) {
    return {ESRCH, std::move(operation), "a thread has no id in this pid namespace", "do it from the initial one"};
}

// ESRCH of the module: the thread is exiting, or makes no system calls. Of a kernel thread that must be said: it acts for
// who is in the group, and stays. An io worker of io_uring(7) is a part of its process.
result<step> refused(pid_t tid, std::uint64_t started, std::string operation) {
    const auto now = facts_of(tid);
    if (!now || now->started != started || (now->flags & kernel_thread_flag) == 0) return step::vanished;
    return error{ESRCH, std::move(operation), "it is a thread of the kernel, which makes no system calls", ""};
}

// The policy was inherited between our look and our attaching: what we have put there is taken off again.
result<void> take_off_second(const device& on, const attachment& which, pid_t tid, const std::string& operation) {
    const auto done = detach_thread(on, tid, which.policy_id);
    if (done || done.error().number == ESRCH || done.error().number == ENOENT) return {};
    if (done.error().number != EPERM) return done.error();
    return error{EEXIST, operation, "it has inherited the policy meanwhile, and carries it twice",
                 "a caller that is filtered itself cannot take it off: use another one"};
}

// What is wrong with this thread, and neither with the caller nor with the policy: the others may fare better.
bool concerns_thread(const error& of) {
    constexpr std::array numbers = {ESRCH, ENOSPC, EAGAIN, EEXIST, ESTALE};
    return std::ranges::find(numbers, of.number) != numbers.end();
}

result<step> detach_one(const device& on, std::optional<std::uint32_t> policy_id, const thread_group& whom, pid_t tid) {
    const std::string operation = "detach from " + whom.name;
    if (tid == 0) return nameless(operation);
    const auto found = find(whom, tid);
    if (!found) return step::vanished;
    step done = step::unchanged;
    for (;;) {
        auto depth = policy_id ? detach_thread(on, tid, *policy_id) : detach_thread(on, tid);
        if (!depth && depth.error().number == ESRCH) return step::vanished;
        if (!depth && depth.error().number == ENOENT) break;
        if (!depth) return std::move(depth).error();
        auto owner = check_owner(tid, found->started, operation);
        if (!owner || *owner == step::vanished) return owner;
        done = step::changed;
        if (!policy_id) break;
    }
    return done;
}

// What became of each thread so far.
struct tally {
    std::set<pid_t> changed;
    std::set<pid_t> processes;
    std::set<pid_t> unchanged;
    std::map<pid_t, error> failed;

    // What failed is tried again in each pass; but not where another thread may have been changed.
    void begin_pass() {
        std::erase_if(failed, [](const auto& each) { return each.second.number != ESTALE; });
    }

    // Is it something new, or to be tried again?
    bool add(pid_t tid, const result<step>& of, vanished_thread vanished) {
        if (!of) failed.emplace(tid, of.error());
        if (!of) return of.error().number == EAGAIN;
        if (*of == step::vanished) return vanished == vanished_thread::is_new;
        if (*of == step::unchanged) {
            if (!changed.contains(tid)) unchanged.insert(tid);
            return false;
        }
        unchanged.erase(tid);
        changed.insert(tid);
        return true;
    }

    void add_process(pid_t pid) {
        if (pid != 0) processes.insert(pid);
    }

    [[nodiscard]] bool to_be_created() const {
        return std::ranges::any_of(failed, [](const auto& each) { return each.second.number == EAGAIN; });
    }

    [[nodiscard]] thread_changes total(unsigned passes) const {
        thread_changes all;
        all.processes = processes.size();
        all.changed.assign(changed.begin(), changed.end());
        all.unchanged.assign(unchanged.begin(), unchanged.end());
        for (const auto& [tid, why] : failed) all.failed.push_back({tid, why});
        all.passes = passes;
        return all;
    }
};

error with_count(error of, std::size_t changed) {
    if (changed != 0) of.text += "; " + std::to_string(changed) + " of its threads were changed before that";
    return of;
}

error endless(const thread_group& whom, std::size_t changed, const std::vector<pid_t>& last) {
    constexpr std::size_t shown_max = 8;
    std::string shown;
    for (std::size_t each = 0; each < std::min(last.size(), shown_max); ++each)
        shown += (each == 0 ? "" : ", ") + std::to_string(last[each]);
    if (last.size() > shown_max) shown += " ...";
    return {EAGAIN, "change " + whom.name,
            "threads start in it faster than they can be changed: " + std::to_string(whom.passes_max) +
                " passes have changed " + std::to_string(changed) + ", and the last one has met others that had just " +
                "begun or ended: " + shown,
            whom.next_step};
}

// Of each filtered thread, the newest policy.
using carriers = std::map<pid_t, std::uint32_t>;

// None: we are not told, and each thread is looked at.
std::optional<carriers> find_carriers(const device& on) {
    const auto all = task_list(on);
    if (!all) return std::nullopt;
    carriers found;
    for (const task& each : *all) found.emplace(each.tid, each.top_id);
    return found;
}

// What is done to a thread; and what becomes of it, where that is known by who carries what.
struct change {
    std::function<std::optional<step>(const carriers&, pid_t)> known;
    std::function<result<step>(pid_t)> make;
};

change attaching(const device& on, const attachment& which, const thread_group& whom) {
    return {[&](const carriers& all, pid_t tid) -> std::optional<step> {
                const auto found = all.find(tid);
                if (found == all.end() || found->second != which.policy_id) return std::nullopt;
                return step::unchanged;
            },
            [&](pid_t tid) { return attach_one(on, which, whom, tid); }};
}

change detaching(const device& on, std::optional<std::uint32_t> policy_id, const thread_group& whom) {
    return {[&](const carriers& all, pid_t tid) -> std::optional<step> {
                if (all.contains(tid)) return std::nullopt;
                return whom.has(tid) ? step::unchanged : step::vanished;
            },
            [&, policy_id](pid_t tid) { return detach_one(on, policy_id, whom, tid); }};
}

// One pass. Those that were new, or have to be tried again. What is filtered is asked for at once, right after the threads
// are: so few of them can have ended before it is known what they carried, and most need no look of their own.
result<std::vector<pid_t>> go_through(const device& on, const thread_group& whom, const change& how, tally& so_far) {
    const auto tids = whom.threads();
    if (!tids) return with_count(tids.error(), so_far.changed.size());
    const auto carrying = find_carriers(on);
    std::vector<pid_t> again;
    so_far.begin_pass();
    for (const pid_t tid : *tids) {
        const auto known = tid != 0 && carrying ? how.known(*carrying, tid) : std::nullopt;
        const auto done = known ? result<step>(*known) : how.make(tid);
        if (!done && !concerns_thread(done.error())) return with_count(done.error(), so_far.changed.size());
        if (so_far.add(tid, done, whom.vanished)) again.push_back(tid);
        if (done && *done == step::changed) so_far.add_process(whom.process_of(tid));
    }
    return again;
}

// Goes through the threads until nothing changes any more.
result<thread_changes> repeat(const device& on, const thread_group& whom, const change& how) {
    tally so_far;
    std::vector<pid_t> last;
    for (unsigned passes = 1, quiet = 0; passes <= whom.passes_max; ++passes) {
        auto again = go_through(on, whom, how, so_far);
        if (!again) return std::move(again).error();
        last = std::move(again).value();
        quiet = last.empty() ? quiet + 1 : 0;
        if (quiet == quiet_passes_needed) return so_far.total(passes);
        if (so_far.to_be_created()) std::this_thread::sleep_for(pause);
    }
    return endless(whom, so_far.changed.size(), last);
}

}  // namespace

result<step> attach_one(const device& on, const attachment& which, const thread_group& whom, pid_t tid) {
    const std::string operation = "attach " + which.name + " to " + whom.name;
    if (tid == 0) return nameless(operation);
    const auto found = find(whom, tid);
    if (!found) return step::vanished;
    for (bool ours = false;;) {
        const auto carried = task_policies(on, tid);
        if (!carried && carried.error().number == ESRCH) return step::vanished;
        if (!carried) return carried.error();
        const auto times = std::ranges::count(*carried, which.policy_id);
        if (ours && times <= 1) return step::changed;  // 0: somebody has taken it off since
        if (ours) {
            const auto done = take_off_second(on, which, tid, operation);
            if (!done) return done.error();
            ours = false;
            continue;
        }
        if (times != 0) return step::unchanged;
        auto depth = which.attach(tid);
        if (!depth && depth.error().number == ESRCH) return refused(tid, found->started, operation);
        if (!depth) return std::move(depth).error();
        auto owner = check_owner(tid, found->started, operation);
        if (!owner || *owner == step::vanished) return owner;
        ours = true;
    }
}

result<thread_changes> attach_all(const device& on, const attachment& which, const thread_group& whom) {
    return repeat(on, whom, attaching(on, which, whom));
}

result<thread_changes> detach_all(const device& on, std::optional<std::uint32_t> policy_id, const thread_group& whom) {
    auto done = repeat(on, whom, detaching(on, policy_id, whom));
    if (!done || !done->changed.empty() || !done->failed.empty()) return done;
    const std::string what = policy_id ? "policy " + std::to_string(*policy_id) : "every policy";
    return error{ENOENT, "detach " + what + " from " + whom.name,
                 policy_id ? "none of its threads carries this policy" : "none of its threads is filtered",
                 "'secmapctl task list' shows what is filtered"};
}

}  // namespace secmap::detail
