// SPDX-License-Identifier: LGPL-2.1-or-later
#include "netlink_socket.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <secmap/secmap_netlink.h>

#include "netlink_attributes.hpp"

namespace secmap {

namespace {

struct message_free {
    void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
};

struct bytes_free {
    void operator()(unsigned char* memory) const noexcept { std::free(memory); }
};

// Where the texts of an answer begin: behind the error and, maybe, the request that it is about.
std::size_t head_of(const nlmsghdr* answer) {
    if (answer->nlmsg_type == NLMSG_DONE) return sizeof(int);
    if ((answer->nlmsg_flags & NLM_F_CAPPED) != 0) return sizeof(nlmsgerr);
    nlmsgerr told = {};
    std::memcpy(&told, nlmsg_data(answer), sizeof(told));
    if (told.msg.nlmsg_len < sizeof(nlmsghdr)) return SIZE_MAX;
    return sizeof(nlmsgerr) + NLMSG_ALIGN(told.msg.nlmsg_len - sizeof(nlmsghdr));
}

std::string reason(const nlmsghdr* answer) {
    if ((answer->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
    const std::size_t skip = head_of(answer);
    const auto length = static_cast<std::size_t>(nlmsg_datalen(answer));
    if (skip >= length) return "";
    const auto* first = reinterpret_cast<const nlattr*>(static_cast<const std::byte*>(nlmsg_data(answer)) + skip);
    const nlattr* const text = nla_find(first, static_cast<int>(length - skip), NLMSGERR_ATTR_MSG);
    if (text == nullptr) return "";
    const std::string_view found(static_cast<const char*>(nla_data(text)), static_cast<std::size_t>(nla_len(text)));
    return std::string(found.substr(0, found.find('\0')));
}

}  // namespace

void netlink_socket::socket_free::operator()(nl_sock* socket) const noexcept { nl_socket_free(socket); }

int netlink_socket::number() const noexcept { return nl_socket_get_fd(socket_.get()); }

error netlink_socket::failed(int code) const {
    const int number = code == -NLE_NOMEM ? ENOMEM : code == -NLE_PERM ? EPERM : EIO;
    return {number, operation_, nl_geterror(code), ""};
}

error netlink_socket::failed_by_errno() const { return {errno, operation_, std::strerror(errno), ""}; }

result<netlink_socket> netlink_socket::open(const char* operation) {
    netlink_socket made(owner(nl_socket_alloc()), operation);
    if (!made.socket_) return made.failed(-NLE_NOMEM);
    if (const int done = genl_connect(made.handle()); done < 0) return made.failed(done);
    made.family_ = genl_ctrl_resolve(made.handle(), SECMAP_GENL_NAME);
    if (made.family_ == -NLE_OBJ_NOTFOUND)
        return error{ENOENT, operation,
                     "the kernel has no netlink family " SECMAP_GENL_NAME ": the module is not loaded",
                     "as root: modprobe secmap"};
    if (made.family_ < 0) return made.failed(made.family_);
    const int on = 1;
    if (::setsockopt(made.number(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) != 0) return made.failed_by_errno();
    return made;
}

std::optional<int> answered(const nlmsghdr* answer) {
    const auto length = static_cast<std::size_t>(nlmsg_datalen(answer));
    int number = 0;
    if (length < (answer->nlmsg_type == NLMSG_DONE ? sizeof(number) : sizeof(nlmsgerr))) return std::nullopt;
    std::memcpy(&number, nlmsg_data(answer), sizeof(number));
    return -number;
}

error netlink_socket::refused(const nlmsghdr* answer) const {
    const int number = answered(answer).value_or(EBADMSG);
    const std::string text = reason(answer);
    return {number, operation_, text.empty() ? std::strerror(number) : text, ""};
}

result<void> netlink_socket::send(std::uint8_t command, int flags, const asked& attributes) {
    const std::unique_ptr<nl_msg, message_free> message(nlmsg_alloc());
    if (!message || genlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family_, 0, flags, command,
                                SECMAP_GENL_VERSION) == nullptr)
        return failed(-NLE_NOMEM);
    for (const auto& [type, number] : attributes) {
        const int done = number ? nla_put_u32(message.get(), type, *number) : nla_put_flag(message.get(), type);
        if (done < 0) return failed(done);
    }
    if (const int done = nl_send_auto(handle(), message.get()); done < 0) return failed(done);
    return {};
}

result<bool> netlink_socket::read(const taker& take) {
    sockaddr_nl from = {};
    unsigned char* memory = nullptr;
    const int size = nl_recv(handle(), &from, &memory, nullptr);
    if (size == -NLE_AGAIN || size == -NLE_INTR || size == 0) return false;
    if (size < 0) return failed(size);
    const std::unique_ptr<unsigned char, bytes_free> content(memory);
    if (from.nl_pid != 0) return false;
    const auto* each = reinterpret_cast<const nlmsghdr*>(content.get());
    int left = size;
    for (; nlmsg_ok(each, left); each = nlmsg_next(const_cast<nlmsghdr*>(each), &left))
        if (auto done = take(each); !done) return std::move(done).error();
    if (left > 0) return malformed(std::to_string(left) + " bytes at the end are no message", operation_);
    return true;
}

}  // namespace secmap
