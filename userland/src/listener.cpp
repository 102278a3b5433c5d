// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/listener.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ioctl.hpp"

namespace secmap {

namespace {

constexpr char greeting = 'L';

struct meaning {
    int number;
    const char* text;
    const char* hint;
};

// What seccomp_unotify(2) means by an errno.
constexpr std::array<meaning, 9> meanings = {{
    {ENOENT, "the call does not wait any more: its task has ended, or a signal came", ""},
    {EINPROGRESS, "the call was answered already", ""},
    {EINVAL, "the answer contradicts itself, or this is not a listener", ""},
    {EBADF, "there is no such descriptor", ""},
    {EBUSY, "a descriptor is still on its way to the task", "try again"},
    {EOPNOTSUPP, "a listener of secmap does not choose the number of a descriptor", "let the task's kernel choose it"},
    {EMFILE, "the task has no descriptor left", ""},
    {ENOTTY, "this is not a listener", ""},
    {ENOSYS, "this kernel has no listeners", ""},
}};

error explain(int number, std::string operation) {
    for (const meaning& each : meanings)
        if (each.number == number) return {number, std::move(operation), each.text, each.hint};
    return {number, std::move(operation), std::strerror(number), ""};
}

/// What it returned, or -errno; EINTR starts it again.
int call(int file, unsigned long request, void* record) noexcept {
    for (;;) {
        const int returned = ::ioctl(file, request, record);
        if (returned >= 0) return returned;
        if (errno != EINTR) return -errno;
    }
}

/// The header of a message with one byte, and room for one descriptor.
struct envelope {
    char letter = greeting;
    iovec content = {&letter, sizeof(letter)};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
    msghdr header = {};

    envelope() noexcept {
        header.msg_iov = &content;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    envelope(const envelope&) = delete;
    envelope& operator=(const envelope&) = delete;
};

}  // namespace

result<listener::sizes> listener::ask_sizes() {
    seccomp_notif_sizes asked = {};
    if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &asked) != 0)
        return explain(errno, "ask how large requests are");
    return sizes{std::max<std::size_t>(asked.seccomp_notif, sizeof(seccomp_notif)),
                 std::max<std::size_t>(asked.seccomp_notif_resp, sizeof(seccomp_notif_resp))};
}

listener listener::adopt(descriptor file, const sizes& records) noexcept { return {std::move(file), records}; }

result<listener> listener::adopt(descriptor file) {
    const auto records = ask_sizes();
    if (!records) return records.error();
    return adopt(std::move(file), *records);
}

result<notification> listener::receive() const {
    // Of u64, for the alignment; the kernel wants to find zeros.
    std::vector<std::uint64_t> record((sizes_.request + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
    const int done = call(number(), SECCOMP_IOCTL_NOTIF_RECV, record.data());
    if (done < 0) return explain(-done, "receive a call");
    seccomp_notif known = {};
    std::memcpy(&known, record.data(), sizeof(known));
    return notification{known.id, static_cast<pid_t>(known.pid), known.flags, known.data};
}

result<void> listener::respond(const seccomp_notif_resp& answer, const char* operation) const {
    std::vector<std::uint64_t> record((sizes_.response + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
    std::memcpy(record.data(), &answer, sizeof(answer));
    const int done = call(number(), SECCOMP_IOCTL_NOTIF_SEND, record.data());
    if (done < 0) return explain(-done, operation);
    return {};
}

result<void> listener::respond_value(std::uint64_t id, std::int64_t value) const {
    return respond({id, value, 0, 0}, "answer with a value");
}

result<void> listener::respond_errno(std::uint64_t id, int number) const {
    constexpr int highest = 4095;
    if (number < 1 || number > highest)
        return error{EINVAL, "answer with an errno", std::to_string(number) + " is not from 1 to 4095", ""};
    return respond({id, 0, -number, 0}, "answer with an errno");
}

result<void> listener::respond_continue(std::uint64_t id) const {
    return respond({id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE}, "let a call be made");
}

result<bool> listener::is_valid(std::uint64_t id) const {
    const int done = call(number(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
    if (done == -ENOENT) return false;
    if (done < 0) return explain(-done, "ask whether a call still waits");
    return true;
}

result<int> listener::give(const seccomp_notif_addfd& what) const {
    seccomp_notif_addfd record = what;
    const int done = call(number(), SECCOMP_IOCTL_NOTIF_ADDFD, &record);
    if (done < 0) return explain(-done, "give a task a descriptor");
    return done;
}

result<int> listener::add_fd(std::uint64_t id, int file, int flags) const {
    return give({id, 0, static_cast<std::uint32_t>(file), 0, static_cast<std::uint32_t>(flags)});
}

result<int> listener::add_fd_as(std::uint64_t id, int file, int number, int flags) const {
    return give({id, SECCOMP_ADDFD_FLAG_SETFD, static_cast<std::uint32_t>(file), static_cast<std::uint32_t>(number),
                 static_cast<std::uint32_t>(flags)});
}

result<int> listener::respond_fd(std::uint64_t id, int file, int flags) const {
    return give({id, SECCOMP_ADDFD_FLAG_SEND, static_cast<std::uint32_t>(file), 0, static_cast<std::uint32_t>(flags)});
}

result<listener_state> listener::wait(std::optional<std::chrono::milliseconds> at_most) const {
    using clock = std::chrono::steady_clock;
    const auto until = clock::now() + at_most.value_or(std::chrono::milliseconds(0));
    pollfd one = {number(), POLLIN, 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
        const int ready = ::poll(&one, 1, at_most ? static_cast<int>(std::max<std::int64_t>(left, 0)) : -1);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return explain(errno, "wait for a call");
        if (ready == 0) return listener_state::quiet;
        if (one.revents & POLLIN) return listener_state::readable;
        if (one.revents & POLLHUP) return listener_state::unused;
        return error{EBADF, "wait for a call", "this is not a listener", ""};
    }
}

result<void> listener::send_over(int socket) const {
    envelope letter;
    cmsghdr* const attached = CMSG_FIRSTHDR(&letter.header);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(sizeof(int));
    const int file = number();
    std::memcpy(CMSG_DATA(attached), &file, sizeof(file));
    for (;;) {
        if (::sendmsg(socket, &letter.header, MSG_NOSIGNAL) >= 0) return {};
        if (errno != EINTR) return error{errno, "hand a listener over", std::strerror(errno), ""};
    }
}

result<listener> listener::take_from(int socket) {
    const std::string operation = "take a listener over";
    envelope letter;
    ssize_t length = 0;
    do length = ::recvmsg(socket, &letter.header, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0) return error{errno, operation, std::strerror(errno), ""};
    const cmsghdr* const attached = CMSG_FIRSTHDR(&letter.header);
    if (attached == nullptr || attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS ||
        attached->cmsg_len != CMSG_LEN(sizeof(int)))
        return error{ENODATA, operation, length == 0 ? "the other end is gone" : "no descriptor came with the message",
                     ""};
    int file = -1;
    std::memcpy(&file, CMSG_DATA(attached), sizeof(file));
    return adopt(descriptor(file));
}

}  // namespace secmap
