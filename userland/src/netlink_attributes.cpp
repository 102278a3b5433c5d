// SPDX-License-Identifier: LGPL-2.1-or-later
#include "netlink_attributes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

namespace secmap {

namespace {

std::string name_of(int attribute) { return "attribute " + std::to_string(attribute); }

bytes content_of(const nlattr* attribute) {
    return {static_cast<const std::byte*>(nla_data(attribute)), static_cast<std::size_t>(nla_len(attribute))};
}

}  // namespace

error malformed(const std::string& what, const char* operation) {
    return {EBADMSG, operation, what, "load the module that belongs to this library"};
}

result<bytes> message_content(bytes message, int command, const char* operation) {
    constexpr std::size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
    nlmsghdr header = {};
    genlmsghdr family = {};
    if (message.size() < head) return malformed("it is shorter than its head", operation);
    std::memcpy(&header, message.data(), sizeof(header));
    std::memcpy(&family, message.data() + NLMSG_HDRLEN, sizeof(family));
    if (header.nlmsg_len < head || header.nlmsg_len > message.size())
        return malformed("its length is wrong", operation);
    if (family.cmd != command) return malformed("it is command " + std::to_string(family.cmd), operation);
    return message.subspan(head, header.nlmsg_len - head);
}

netlink_attributes::netlink_attributes(bytes content, int last, int pad, int repeated)
    : found_(static_cast<std::size_t>(last) + 1) {
    const auto* each = reinterpret_cast<const nlattr*>(content.data());
    int left = static_cast<int>(content.size());
    for (; nla_ok(each, left); each = nla_next(each, &left)) {
        const int type = nla_type(each);
        if (type > last || (pad != 0 && type == pad)) continue;
        if (repeated != 0 && type == repeated) {
            repeated_.push_back(content_of(each));
            continue;
        }
        const nlattr*& place = found_.at(static_cast<std::size_t>(type));
        if (place != nullptr) blame(name_of(type) + " is there twice");
        place = each;
    }
    if (left > 0) blame(std::to_string(left) + " bytes at the end are no attribute");
}

pid_t netlink_attributes::id(int type) {
    const auto value = number<std::uint32_t>(type);
    if (value > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max())) {
        blame(name_of(type) + " is no id of a task");
        return 0;
    }
    return static_cast<pid_t>(value);
}

std::string netlink_attributes::text(int type, std::size_t longest) {
    const auto found = content(type, 1, longest + 1);
    const auto end = std::ranges::find(found, std::byte{0});
    if (!found.empty() && end == found.end()) blame(name_of(type) + " does not end");
    return {reinterpret_cast<const char*>(found.data()), static_cast<std::size_t>(end - found.begin())};
}

void netlink_attributes::copy(int type, void* to, std::size_t size) {
    if (const auto found = content(type, size, size); !found.empty()) std::memcpy(to, found.data(), size);
}

bytes netlink_attributes::content(int type, std::size_t least, std::size_t most) {
    const nlattr* const found = found_.at(static_cast<std::size_t>(type));
    if (found == nullptr) {
        blame(name_of(type) + " is missing");
        return {};
    }
    const bytes inside = content_of(found);
    if (inside.size() < least || inside.size() > most) {
        blame(name_of(type) + " has " + std::to_string(inside.size()) + " bytes");
        return {};
    }
    return inside;
}

void netlink_attributes::blame(const std::string& what) {
    if (fault_.empty()) fault_ = what;
}

}  // namespace secmap
