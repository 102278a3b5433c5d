// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/watcher.hpp>

#include <cerrno>
#include <cstring>
#include <utility>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sys/socket.h>

#include <secmap/secmap_netlink.h>

#include "netlink_attributes.hpp"
#include "netlink_socket.hpp"

namespace secmap {

namespace {

constexpr const char* operation = "watch what filters decide";
constexpr const char* reading = "read an event";
constexpr int answer_patience = 10000;   // in milliseconds; the kernel answers before it returns from sending
constexpr int receive_buffer = 1 << 20;  // some thousand events
constexpr std::size_t comm_max = 15;

error with_hint(error refused) {
    if (refused.number == EPERM)
        refused.hint = "this needs CAP_SYS_ADMIN in the user namespace that owns the pid namespace: run it as root";
    else if (refused.number == ENOSPC)
        refused.hint = "end another watcher first";
    return refused;
}

// Has the kernel told of the end of this family?
bool tells_end(const nlmsghdr* message, int family) {
    const auto content =
        message_content({reinterpret_cast<const std::byte*>(message), message->nlmsg_len}, CTRL_CMD_DELFAMILY, reading);
    if (!content) return false;
    netlink_attributes from(*content, CTRL_ATTR_FAMILY_ID);
    return from.number<std::uint16_t>(CTRL_ATTR_FAMILY_ID) == family;
}

}  // namespace

result<filter_event> parse_event(std::span<const std::byte> message) {
    const auto content = message_content(message, SECMAP_CMD_EVENT, reading);
    if (!content) return content.error();
    netlink_attributes from(*content, SECMAP_A_EVENT_MAX, SECMAP_A_EVENT_PAD);
    filter_event event;
    event.time = std::chrono::nanoseconds(from.number<std::uint64_t>(SECMAP_A_EVENT_TIME));
    event.sequence = from.number<std::uint64_t>(SECMAP_A_EVENT_SEQUENCE);
    event.lost = from.number<std::uint64_t>(SECMAP_A_EVENT_LOST);
    event.suppressed = from.number<std::uint64_t>(SECMAP_A_EVENT_SUPPRESSED);
    event.pid = from.id(SECMAP_A_EVENT_PID);
    event.tid = from.id(SECMAP_A_EVENT_TID);
    event.ns_pid = from.id(SECMAP_A_EVENT_NS_PID);
    event.ns_tid = from.id(SECMAP_A_EVENT_NS_TID);
    event.comm = from.text(SECMAP_A_EVENT_COMM, comm_max);
    event.cgroup = from.number<std::uint64_t>(SECMAP_A_EVENT_CGROUP);
    event.arch = from.number<std::uint32_t>(SECMAP_A_EVENT_ARCH);
    event.nr = from.number<std::uint32_t>(SECMAP_A_EVENT_NR);
    if (from.has(SECMAP_A_EVENT_ARGS)) event.args = from.number<std::array<std::uint64_t, 6>>(SECMAP_A_EVENT_ARGS);
    event.instruction_pointer = from.number<std::uint64_t>(SECMAP_A_EVENT_IP);
    event.action = from.number<std::uint32_t>(SECMAP_A_EVENT_ACTION);
    event.policy = from.number<std::uint32_t>(SECMAP_A_EVENT_POLICY);
    event.complains = from.has(SECMAP_A_EVENT_COMPLAIN);
    if (from.has(SECMAP_A_EVENT_RULE)) event.rule = from.number<std::uint32_t>(SECMAP_A_EVENT_RULE);
    if (!from.fault().empty()) return malformed(from.fault(), reading);
    return event;
}

watcher::watcher(std::unique_ptr<netlink_socket> socket) noexcept : socket_(std::move(socket)) {}
watcher::watcher(watcher&&) noexcept = default;
watcher& watcher::operator=(watcher&&) noexcept = default;
watcher::~watcher() = default;

int watcher::number() const noexcept { return socket_->number(); }

result<watcher> watcher::open(std::optional<std::uint32_t> policy) {
    auto socket = netlink_socket::open(operation);
    if (!socket) return std::move(socket).error();
    watcher made(std::make_unique<netlink_socket>(std::move(socket).value()));
    if (auto done = made.set_up(); !done) return std::move(done).error();
    netlink_socket::asked asked;
    if (policy) asked.emplace_back(SECMAP_A_WATCH_POLICY, *policy);
    if (auto done = made.socket_->send(SECMAP_CMD_WATCH, NLM_F_ACK, asked); !done) return std::move(done).error();
    if (auto done = made.await_answer(); !done) return std::move(done).error();
    return made;
}

// A buffer that overflows is no error: events tell of it. The kernel tells in a group of its own that a family is gone.
result<void> watcher::set_up() {
    const int on = 1;
    if (::setsockopt(number(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) != 0)
        return socket_->failed_by_errno();
    // Beyond what the machine gives everybody, where that is allowed.
    if (::setsockopt(number(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) != 0)
        static_cast<void>(::setsockopt(number(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)));
    if (const int done = nl_socket_add_membership(socket_->handle(), GENL_ID_CTRL); done < 0)
        return socket_->failed(done);
    if (const int done = nl_socket_set_nonblocking(socket_->handle()); done < 0) return socket_->failed(done);
    return {};
}

// Events may come before it.
result<void> watcher::await_answer() {
    while (!answer_) {
        pollfd one = {number(), POLLIN, 0};
        const int ready = ::poll(&one, 1, answer_patience);
        if (ready < 0 && errno != EINTR) return socket_->failed_by_errno();
        if (ready == 0) return error{ETIMEDOUT, operation, "the module does not answer", ""};
        if (auto done = read(); !done) return done;
    }
    return *answer_;
}

result<std::vector<filter_event>> watcher::receive() {
    if (events_.empty() && !gone_)
        if (auto done = read(); !done) return std::move(done).error();
    if (events_.empty() && gone_)
        return error{ENODEV, operation, "the module was unloaded: nothing is filtered any more",
                     "load it and watch again; as root: modprobe secmap"};
    return std::exchange(events_, {});
}

result<void> watcher::read() {
    auto done = socket_->read([this](const nlmsghdr* message) { return take(message); });
    if (done) return {};
    error failure = std::move(done).error();
    if (failure.number == EBADMSG) failure.operation = reading;
    return failure;
}

result<void> watcher::take(const nlmsghdr* message) {
    if (message->nlmsg_type == NLMSG_ERROR) {
        const auto number = answered(message);
        if (!number) return malformed("an answer is cut short", reading);
        answer_ = *number == 0 ? result<void>() : with_hint(socket_->refused(message));
    } else if (message->nlmsg_type == GENL_ID_CTRL) {
        gone_ = gone_ || tells_end(message, socket_->family());
    } else if (message->nlmsg_type == socket_->family()) {
        auto event = parse_event({reinterpret_cast<const std::byte*>(message), message->nlmsg_len});
        if (!event) return std::move(event).error();
        events_.push_back(std::move(event).value());
    }
    return {};
}

}  // namespace secmap
