// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/phase.hpp>

#include <cerrno>

#include <fmt/format.h>
#include <secmap/names.hpp>

#include "ioctl.hpp"

namespace secmap {

namespace {

constexpr abi every_abi[] = {abi::x86_64, abi::x32, abi::i386};

constexpr pid_t calling_thread = 0;

result<std::uint32_t> attach_later(const device& on, const policy& which, pid_t tid, const phase& from) {
    std::vector<secmap_number> calls;
    for (const numbered_call& each : from.calls) calls.push_back({static_cast<std::uint32_t>(each.by), each.number});
    auto record = detail::make_record<secmap_attach_later>();
    record.flags = from.when == phase_start::made ? SECMAP_ATTACH_MADE : 0;
    record.policy_fd = which.number();
    record.pid = tid;
    record.count = static_cast<std::uint32_t>(calls.size());
    record.calls = detail::address(calls.data());
    const std::string whom = tid == calling_thread ? "" : fmt::format(" to thread {}", tid);
    auto done = detail::call(on.number(), SECMAP_IOC_ATTACH_LATER, &record,
                             fmt::format("attach policy {}{} for later", which.id(), whom));
    if (done) return record.out_depth;
    error failed = std::move(done).error();
    if (failed.number == ENOTTY) failed.hint = "load the module that belongs to this secmapctl";
    if (failed.number == EEXIST) failed.text = "a call is named twice";
    return failed;
}

}  // namespace

result<phase> phase_after(const std::vector<std::string>& names, phase_start when) {
    phase made{{}, when};
    for (const std::string& name : names) {
        const std::size_t before = made.calls.size();
        for (const abi by : every_abi)
            if (const auto number = call_number(by, name)) made.calls.push_back({by, *number});
        if (made.calls.size() == before)
            return error{EINVAL, "name the calls of a phase", fmt::format("there is no system call '{}'", name),
                         "'ausyscall --dump' and syscalls(2) list them"};
    }
    return made;
}

result<std::uint32_t> attach_self_later(const device& on, const policy& which, const phase& from) {
    return attach_later(on, which, calling_thread, from);
}

result<std::uint32_t> attach_thread_later(const device& on, const policy& which, pid_t tid, const phase& from) {
    return attach_later(on, which, tid, from);
}

}  // namespace secmap
