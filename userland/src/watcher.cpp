// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/watcher.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sys/socket.h>

#include <secmap/secmap_netlink.h>

namespace secmap {

namespace {

constexpr const char* operation = "watch what filters decide";
constexpr int answer_patience = 10000;   // in milliseconds; the kernel answers before it returns from sending
constexpr int receive_buffer = 1 << 20;  // some thousand events
constexpr std::size_t comm_max = 15;

error malformed(const std::string& what) {
    return {EBADMSG, "read an event", what, "load the module that belongs to this library"};
}

// Of libnl.
error failed(int code) {
    const int number = code == -NLE_NOMEM ? ENOMEM : code == -NLE_PERM ? EPERM : EIO;
    return {number, operation, nl_geterror(code), ""};
}

error refused(int number, const std::string& text) {
    error made{number, operation, text.empty() ? std::strerror(number) : text, ""};
    if (number == EPERM)
        made.hint = "this needs CAP_SYS_ADMIN in the user namespace that owns the pid namespace: run it as root";
    else if (number == ENOSPC)
        made.hint = "end another watcher first";
    return made;
}

std::string name_of(int attribute) { return "attribute " + std::to_string(attribute); }

/// The attributes of one message. The first fault is kept; what is read after it is 0.
class attributes final {
public:
    explicit attributes(std::span<const std::byte> bytes) {
        const auto* each = reinterpret_cast<const nlattr*>(bytes.data());
        int left = static_cast<int>(bytes.size());
        for (; nla_ok(each, left); each = nla_next(each, &left)) {
            const int type = nla_type(each);
            if (type == SECMAP_A_EVENT_PAD || type > SECMAP_A_EVENT_MAX) continue;
            const nlattr*& place = found_.at(static_cast<std::size_t>(type));
            if (place != nullptr) blame(name_of(type) + " is there twice");
            place = each;
        }
        if (left > 0) blame(std::to_string(left) + " bytes at the end are no attribute");
    }

    template <typename T>
    [[nodiscard]] T number(int type) {
        T value = {};
        if (const auto bytes = content(type, sizeof(T), sizeof(T)); !bytes.empty())
            std::memcpy(&value, bytes.data(), sizeof(value));
        return value;
    }

    [[nodiscard]] pid_t id(int type) {
        const auto value = number<std::uint32_t>(type);
        if (value > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max())) {
            blame(name_of(type) + " is no id of a task");
            return 0;
        }
        return static_cast<pid_t>(value);
    }

    [[nodiscard]] std::string text(int type, std::size_t longest) {
        const auto bytes = content(type, 1, longest + 1);
        const auto end = std::ranges::find(bytes, std::byte{0});
        if (!bytes.empty() && end == bytes.end()) blame(name_of(type) + " does not end");
        return {reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(end - bytes.begin())};
    }

    [[nodiscard]] bool has(int type) const { return found_.at(static_cast<std::size_t>(type)) != nullptr; }
    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

private:
    // Nothing, where it has another length.
    std::span<const std::byte> content(int type, std::size_t least, std::size_t most) {
        const nlattr* const found = found_.at(static_cast<std::size_t>(type));
        if (found == nullptr) {
            blame(name_of(type) + " is missing");
            return {};
        }
        const auto length = static_cast<std::size_t>(nla_len(found));
        if (length < least || length > most) {
            blame(name_of(type) + " has " + std::to_string(length) + " bytes");
            return {};
        }
        return {static_cast<const std::byte*>(nla_data(found)), length};
    }

    void blame(const std::string& what) {
        if (fault_.empty()) fault_ = what;
    }

    std::array<const nlattr*, SECMAP_A_EVENT_MAX + 1> found_ = {};
    std::string fault_;
};

// The module's reason, behind an error and, maybe, the request that it is about.
std::string reason(const nlmsghdr* of, const nlmsgerr& failure) {
    if ((of->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
    std::size_t skip = sizeof(failure);
    if ((of->nlmsg_flags & NLM_F_CAPPED) == 0) {
        if (failure.msg.nlmsg_len < sizeof(nlmsghdr)) return "";
        skip += NLMSG_ALIGN(failure.msg.nlmsg_len - sizeof(nlmsghdr));
    }
    const auto length = static_cast<std::size_t>(nlmsg_datalen(of));
    if (skip >= length) return "";
    const auto* first = reinterpret_cast<const nlattr*>(static_cast<const std::byte*>(nlmsg_data(of)) + skip);
    const nlattr* const text = nla_find(first, static_cast<int>(length - skip), NLMSGERR_ATTR_MSG);
    if (text == nullptr) return "";
    const std::string_view bytes(static_cast<const char*>(nla_data(text)), static_cast<std::size_t>(nla_len(text)));
    return std::string(bytes.substr(0, bytes.find('\0')));
}

}  // namespace

result<filter_event> parse_event(std::span<const std::byte> message) {
    constexpr std::size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
    nlmsghdr header = {};
    genlmsghdr family = {};
    if (message.size() < head) return malformed("it is shorter than its head");
    std::memcpy(&header, message.data(), sizeof(header));
    std::memcpy(&family, message.data() + NLMSG_HDRLEN, sizeof(family));
    if (header.nlmsg_len < head || header.nlmsg_len > message.size()) return malformed("its length is wrong");
    if (family.cmd != SECMAP_CMD_EVENT) return malformed("it is command " + std::to_string(family.cmd));
    attributes from(message.subspan(head, header.nlmsg_len - head));
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
    if (!from.fault().empty()) return malformed(from.fault());
    return event;
}

/// What one call of recvmsg(2) brought; nothing, if nothing had come.
struct watcher::datagram {
    struct bytes_free {
        void operator()(unsigned char* bytes) const noexcept { std::free(bytes); }
    };
    std::unique_ptr<unsigned char, bytes_free> bytes;
    std::size_t size = 0;
};

void watcher::socket_free::operator()(nl_sock* socket) const noexcept { nl_socket_free(socket); }

int watcher::number() const noexcept { return nl_socket_get_fd(socket_.get()); }

result<watcher> watcher::open(std::optional<std::uint32_t> policy) {
    handle socket(nl_socket_alloc());
    if (!socket) return failed(-NLE_NOMEM);
    if (const int done = genl_connect(socket.get()); done < 0) return failed(done);
    const int family = genl_ctrl_resolve(socket.get(), SECMAP_GENL_NAME);
    if (family == -NLE_OBJ_NOTFOUND)
        return error{ENOENT, operation,
                     "the kernel has no netlink family " SECMAP_GENL_NAME ": the module is not loaded",
                     "as root: modprobe secmap"};
    if (family < 0) return failed(family);
    watcher made(std::move(socket), family);
    if (auto done = made.set_up(); !done) return std::move(done).error();
    if (auto done = made.send_watch(policy); !done) return std::move(done).error();
    if (auto done = made.await_answer(); !done) return std::move(done).error();
    return made;
}

// A buffer that overflows is no error: events tell of it.
result<void> watcher::set_up() {
    const int on = 1;
    if (::setsockopt(number(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) != 0 ||
        ::setsockopt(number(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on)) != 0)
        return error{errno, operation, std::strerror(errno), ""};
    // Beyond what the machine gives everybody, where that is allowed.
    if (::setsockopt(number(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) != 0)
        static_cast<void>(::setsockopt(number(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)));
    if (const int done = nl_socket_set_nonblocking(socket_.get()); done < 0) return failed(done);
    return {};
}

result<void> watcher::send_watch(std::optional<std::uint32_t> policy) {
    struct message_free {
        void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
    };
    const std::unique_ptr<nl_msg, message_free> asked(nlmsg_alloc());
    if (!asked || genlmsg_put(asked.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family_, 0, NLM_F_ACK, SECMAP_CMD_WATCH,
                              SECMAP_GENL_VERSION) == nullptr)
        return failed(-NLE_NOMEM);
    if (policy)
        if (const int done = nla_put_u32(asked.get(), SECMAP_A_WATCH_POLICY, *policy); done < 0) return failed(done);
    if (const int done = nl_send_auto(socket_.get(), asked.get()); done < 0) return failed(done);
    return {};
}

// Events may come before it.
result<void> watcher::await_answer() {
    while (!answer_) {
        pollfd one = {number(), POLLIN, 0};
        const int ready = ::poll(&one, 1, answer_patience);
        if (ready < 0 && errno != EINTR) return error{errno, operation, std::strerror(errno), ""};
        if (ready == 0) return error{ETIMEDOUT, operation, "the module does not answer", ""};
        const auto came = read();
        if (!came) return came.error();
        if (auto done = take(*came); !done) return done;
    }
    return *answer_;
}

result<std::vector<filter_event>> watcher::receive() {
    if (events_.empty()) {
        const auto came = read();
        if (!came) return came.error();
        if (auto done = take(*came); !done) return std::move(done).error();
    }
    return std::exchange(events_, {});
}

// What is not the kernel's is passed over.
result<watcher::datagram> watcher::read() {
    sockaddr_nl from = {};
    unsigned char* bytes = nullptr;
    const int size = nl_recv(socket_.get(), &from, &bytes, nullptr);
    if (size == -NLE_AGAIN || size == -NLE_INTR || size == 0) return datagram();
    if (size < 0) return failed(size);
    datagram came{std::unique_ptr<unsigned char, datagram::bytes_free>(bytes), static_cast<std::size_t>(size)};
    if (from.nl_pid != 0) return datagram();
    return came;
}

result<void> watcher::take(const datagram& from) {
    const auto* each = reinterpret_cast<const nlmsghdr*>(from.bytes.get());
    int left = static_cast<int>(from.size);
    for (; nlmsg_ok(each, left); each = nlmsg_next(const_cast<nlmsghdr*>(each), &left)) {
        if (each->nlmsg_type == NLMSG_ERROR) {
            nlmsgerr told = {};
            if (static_cast<std::size_t>(nlmsg_datalen(each)) < sizeof(told))
                return malformed("an answer is cut short");
            std::memcpy(&told, nlmsg_data(each), sizeof(told));
            answer_ = told.error == 0 ? result<void>() : refused(-told.error, reason(each, told));
        } else if (each->nlmsg_type == family_) {
            auto event = parse_event({reinterpret_cast<const std::byte*>(each), each->nlmsg_len});
            if (!event) return std::move(event).error();
            events_.push_back(std::move(event).value());
        }
    }
    if (left > 0) return malformed(std::to_string(left) + " bytes at the end are no message");
    return {};
}

}  // namespace secmap
