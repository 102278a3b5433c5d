// SPDX-License-Identifier: LGPL-2.1-or-later
#include "task.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <future>
#include <limits>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <secmap/policy.hpp>
#include <secmap/table.hpp>
#include <secmap/task.hpp>

#include "counter.hpp"
#include "work.hpp"

namespace secmap::bench {

// What the task hands over.
struct task_runner::shared {
    std::uint64_t ticks;
    std::uint64_t nanoseconds;
    std::int64_t returned;
    bool complete;
    int failed_with;
    std::array<char, 128> operation;
    std::array<char, 512> text;
};

namespace {

error failure(const std::string& operation) { return {errno, operation, std::strerror(errno), ""}; }

// In the handler its signal is blocked, so that this one kills; and as there is a handler, the kernel's log has no line
// about it.
void die(int /*number*/) { __builtin_trap(); }

result<void> become_measurable(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    prctl(PR_SET_DUMPABLE, 0);  // no core, for a program that collects them neither
    std::signal(SIGILL, die);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("set no_new_privs");
    return {};
}

struct times_read {
    std::uint64_t ticks = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t nanoseconds = 0;
};

template <typename Work>
times_read time_once(const Work& work, clocks read) {
    if (read == clocks::counter) {
        const std::uint64_t begin = read_counter();
        work();
        return {read_counter() - begin, 0};
    }
    const std::uint64_t clock_begin = read_clock();
    const std::uint64_t begin = read_counter();
    work();
    const std::uint64_t ticks = read_counter() - begin;
    return {ticks, read_clock() - clock_begin};
}

// A first time for the caches, then all passes.
template <typename Work>
times_read time_passes(const Work& work, const pace& how) {
    work();
    times_read best;
    for (unsigned pass = 0; pass < how.passes; ++pass) {
        const times_read once = time_once(work, how.read);
        if (once.ticks < best.ticks) best = once;
    }
    return best;
}

struct done {
    times_read taken;
    std::int64_t returned = 0;
};

result<void> attach_all(const task_order& order) {
    for (unsigned turn = 0; turn < order.what.depth; ++turn)
        if (auto attached = order.made->attach(); !attached) return attached;
    return {};
}

// Everything that asks for memory comes before the filter.
result<done> do_calls(const task_order& order) {
    std::vector<std::uint64_t> first;
    const auto& values = order.call.values;
    while (first.size() < order.how.times) first.push_back(values[first.size() % values.size()]);
    if (auto attached = attach_all(order); !attached) return attached.error();
    done made;
    made.taken = time_passes([&] { made.returned = repeat_call(order.call.number, first); }, order.how);
    return made;
}

result<done> do_tasks(const task_order& order, unsigned (*repeat)(unsigned) noexcept) {
    if (auto attached = attach_all(order); !attached) return attached.error();
    unsigned failed = 0;
    const times_read least = time_passes([&] { failed += repeat(order.how.times); }, order.how);
    if (failed != 0) return error{0, "measure", fmt::format("{} of the tasks could not be made", failed), ""};
    return done{least, 0};
}

// The filter is this thread's alone; the one that answers has none.
result<done> do_notifications(const task_order& order) {
    const std::vector<std::uint64_t> first(order.how.times, 0);
    std::promise<std::optional<listener>> promise;
    std::thread answering([&] {
        const auto at = promise.get_future().get();
        if (at) answer_all(*at, *order.what.returned);
    });
    auto attached = order.made->attach_with_listener();
    if (!attached) {
        promise.set_value(std::nullopt);
        answering.join();
        return attached.error();
    }
    promise.set_value(std::move(*attached));
    answering.detach();
    done made;
    made.taken = time_passes([&] { made.returned = repeat_call(order.call.number, first); }, order.how);
    return made;
}

// Once: the second filter of a task is dearer than the first.
result<done> do_attach(const task_order& order) {
    result<filter> made = order.made ? result<filter>(*order.made) : error{};
    result<void> attached;
    done measured;
    measured.taken = time_once(
        [&] {
            if (!order.made) made = order.made_by();
            if (made) attached = made->attach();
        },
        order.how.read);
    if (!made) return made.error();
    if (!attached) return attached.error();
    return measured;
}

// It is stopped, and so makes no call that the policy could deny.
result<pid_t> start_carrier() {
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) return failure("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) std::raise(SIGSTOP);
        _exit(0);
    }
    int status = 0;
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
        return error{0, "measure", "the task that is to carry the policy ended early", ""};
    return pid;
}

void end_carrier(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
}

// There and back, so that each pass is the same.
result<done> do_replacement(const task_order& order) {
    const auto other = order.made_by();
    if (!other) return other.error();
    const auto carrier = start_carrier();
    if (!carrier) return carrier.error();
    const policy* from = order.made->made.get();
    const policy* to = other->made.get();
    std::optional<error> failed;
    if (auto attached = attach_thread(*order.module, *from, *carrier); !attached) failed = attached.error();
    done measured;
    if (!failed)
        measured.taken = time_passes(
            [&] {
                const auto replaced = from->replace_by(*order.module, *to);
                if (!replaced)
                    failed = replaced.error();
                else if (replaced->tasks != 1)
                    failed = error{0, "measure", fmt::format("{} tasks carried the policy", replaced->tasks), ""};
                std::swap(from, to);
            },
            order.how);
    end_carrier(*carrier);
    if (failed) return *failed;
    return measured;
}

// Shared with a thread that is still at it when the task has measured, and ends with the task.
struct replacing {
    std::atomic<bool> carried = false;
    std::atomic<bool> over = false;
    std::atomic<unsigned> times = 0;
    std::optional<error> failed;  ///< read after `over`
};

// Whoever measures stays where it is.
result<void> leave_processor() {
    cpu_set_t others = {};
    for (unsigned each = 0; each < CPU_SETSIZE; ++each) CPU_SET(each, &others);
    CPU_CLR(static_cast<unsigned>(sched_getcpu()), &others);
    if (sched_setaffinity(0, sizeof(others), &others) != 0)
        return error{errno, "measure", "there is no second processor, on which to replace the policy", ""};
    return {};
}

void replace_for_ever(const device& on, const filter& one, const filter& other, replacing& state) {
    const auto fail = [&](const error& why) {
        state.failed = why;
        state.over = true;
    };
    if (auto left = leave_processor(); !left) return fail(left.error());
    while (!state.carried) {
    }
    const policy* from = one.made.get();
    const policy* to = other.made.get();
    for (;;) {
        const auto replaced = from->replace_by(on, *to);
        if (!replaced) return fail(replaced.error());
        std::swap(from, to);
        ++state.times;
    }
}

// The task may make no other call than the one that is measured: so there is no lock, and nobody is waited for.
result<done> do_stalled_calls(const task_order& order) {
    constexpr unsigned calls = 4096;
    constexpr unsigned replacements = 16;
    const std::vector<std::uint64_t> first = {order.call.values.front()};
    const auto state = std::make_shared<replacing>();
    unsigned wanted = 0;
    if (order.made->made) {
        auto other = order.made_by();
        if (!other) return other.error();
        wanted = replacements;
        std::thread([&on = *order.module, one = *order.made, other = std::move(*other), state] {
            replace_for_ever(on, one, other, *state);
        }).detach();
    }
    if (auto attached = attach_all(order); !attached) return attached.error();
    state->carried = true;
    done longest;
    longest.taken.ticks = 0;
    for (unsigned made = 0; made < calls || state->times < wanted; ++made) {
        if (state->over) return *state->failed;
        const times_read once = time_once([&] { repeat_call(order.call.number, first); }, order.how.read);
        if (once.ticks > longest.taken.ticks) longest.taken = once;
    }
    return longest;
}

// What was made is kept: taking it down is not measured.
template <typename Made, typename Maker>
result<done> do_make(const task_order& order, const Maker& make) {
    std::vector<Made> kept;
    kept.reserve(std::size_t{order.how.times} * (order.how.passes + 1));
    std::optional<error> failed;
    done measured;
    measured.taken = time_passes(
        [&] {
            for (unsigned turn = 0; turn < order.how.times && !failed; ++turn) {
                auto made = make();
                if (made)
                    kept.push_back(std::move(*made));
                else
                    failed = made.error();
            }
        },
        order.how);
    if (failed) return *failed;
    return measured;
}

result<done> do_work(const task_order& order) {
    switch (order.what.what) {
        case work::calls: return do_calls(order);
        case work::forks: return do_tasks(order, repeat_fork);
        case work::threads: return do_tasks(order, repeat_thread);
        case work::notifications: return do_notifications(order);
        case work::attach:
        case work::attach_made: return do_attach(order);
        case work::create: return do_make<filter>(order, order.made_by);
        case work::replace: return do_replacement(order);
        case work::stall: return do_stalled_calls(order);
        case work::create_table: break;
    }
    const table_image image = {false, static_cast<std::uint32_t>(order.what.members.size()), order.what.members, {}};
    return do_make<table>(order, [&] { return table::create(*order.module, image, "bench"); });
}

template <std::size_t Size>
void copy(std::array<char, Size>& to, const std::string& from) {
    from.copy(to.data(), Size - 1);
}

}  // namespace

void task_runner::unmap::operator()(shared* memory) const noexcept { munmap(memory, sizeof(shared)); }

result<task_runner> task_runner::create() {
    void* memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return failure("share memory with the measured tasks");
    return task_runner(std::unique_ptr<shared, unmap>(static_cast<shared*>(memory)));
}

result<sample> task_runner::run(const task_order& order) const {
    shared& into = *memory_;
    into = {};
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) return failure("fork");
    if (pid == 0) {
        result<done> measured = error{};
        if (auto ready = become_measurable(parent); !ready)
            measured = ready.error();
        else
            measured = do_work(order);
        if (measured) {
            into.ticks = measured->taken.ticks;
            into.nanoseconds = measured->taken.nanoseconds;
            into.returned = measured->returned;
        } else {
            into.failed_with = measured.error().number;
            copy(into.operation, measured.error().operation);
            copy(into.text, measured.error().text);
        }
        into.complete = true;
        __builtin_trap();
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return failure("wait for a measured task");
    if (!into.complete)
        return error{0, "measure", fmt::format("the measured task ended early, wait status {:#x}", status), ""};
    if (into.operation[0] != '\0') return error{into.failed_with, into.operation.data(), into.text.data(), ""};
    const double times = order.how.times;
    return sample{static_cast<double>(into.ticks) / times, static_cast<double>(into.nanoseconds) / times,
                  into.returned};
}

}  // namespace secmap::bench
