// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/attachment.hpp>

namespace secmap {

namespace {

std::string policy_name(const policy& of) { return "policy " + std::to_string(of.id()); }

}  // namespace

attachment attachment_of(const device& on, const policy& which, const attach_options& how) {
    return {which.id(), policy_name(which), [&, how](pid_t tid) { return attach_thread(on, which, tid, how); }};
}

attachment attachment_of(const device& on, const recorder& which) {
    return {which.policy_id(), "a recorder", [&](pid_t tid) { return attach_thread(on, which, tid); }};
}

attachment attachment_of(const device& on, const policy& which, const phase& from) {
    return {which.id(), policy_name(which), [&](pid_t tid) { return attach_thread_later(on, which, tid, from); }};
}

}  // namespace secmap
