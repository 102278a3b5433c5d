// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ioctl.hpp"

#include <array>
#include <cstring>

#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

namespace secmap::detail {

namespace {

struct meaning {
    int number;
    const char* text;
    const char* hint;
};

// The table at the head of secmap.h, in words for the one who reads an error.
constexpr std::array<meaning, 21> meanings = {{
    {ENOTTY, "the device does not know this operation", "load the module that belongs to this secmapctl"},
    {EINVAL, "the module found members that contradict each other", ""},
    {E2BIG, "more than the module takes", "'secmapctl feature' shows the limits"},
    {EOPNOTSUPP, "the module does not know this value", "load the module that belongs to this secmapctl"},
    {EFAULT, "the module could not read or write memory of the caller", ""},
    {ENOENT, "there is no such object", "'secmapctl policy list' shows the ids"},
    {ESRCH, "there is no such thread, or it is exiting", ""},
    {EACCES, "no_new_privs is not set", "set it before a policy is attached, or have CAP_SYS_ADMIN"},
    {EPERM, "not allowed", "this needs CAP_SYS_ADMIN in the initial user namespace: run it as root"},
    {EBADF, "there is no such descriptor", ""},
    {EBADFD, "the descriptor is of another kind", ""},
    {EEXIST, "the same thing is named twice", ""},
    {EXDEV, "calls may be permitted that were not", ""},
    {EBUSY, "the task has a listener already", "one listener answers for a whole stack"},
    {EAGAIN, "the kernel is still being tested, or the task is just being created", "try again"},
    {ENOSPC, "the stack of the task is full, there are too many objects, or the keys of a table do not spread or fit",
     "'secmapctl feature' shows the limits"},
    {EINTR, "a signal came", "try again"},
    {EMFILE, "this process has no descriptor left", "see RLIMIT_NOFILE in getrlimit(2)"},
    {ENFILE, "the machine has no descriptor left", "see file-max in proc_sys_fs(5)"},
    {ENOSYS, "this kernel cannot skip a system call, so nothing can be enforced on it",
     "boot a kernel with the fix fb13b11d5387: 'secmapctl feature' tells whether it has it"},
    {ENOMEM, "there is no memory left, or the memory limit of the control group is reached", ""},
}};

constexpr int attempts = 100;
constexpr int attempts_without_pause = 10;

void pause_before(int attempt) noexcept {
    if (attempt < attempts_without_pause) {
        sched_yield();
        return;
    }
    const timespec millisecond = {0, 1'000'000};
    nanosleep(&millisecond, nullptr);
}

}  // namespace

int call(int device, unsigned long request, void* record) noexcept {
    int failed = 0;
    for (int attempt = 0; attempt < attempts;) {
        const int returned = ioctl(device, request, record);
        if (returned >= 0) return returned;
        failed = errno;
        if (failed == EINTR) continue;
        if (failed != EAGAIN) break;
        pause_before(attempt++);
    }
    return -failed;
}

error explain(int number, std::string operation) {
    for (const meaning& each : meanings)
        if (each.number == number) return {number, std::move(operation), each.text, each.hint};
    return {number, std::move(operation), std::strerror(number), ""};
}

error refused(int number, const std::string& operation, const std::vector<char>& log) {
    error failure = explain(number, operation);
    const std::string reason(log.data(), strnlen(log.data(), log.size()));
    if (!reason.empty()) failure.text = "the module refused it: " + reason;
    return failure;
}

result<int> call(int device, unsigned long request, void* record, std::string operation) {
    const int returned = call(device, request, record);
    if (returned < 0) return explain(-returned, std::move(operation));
    return returned;
}

}  // namespace secmap::detail
