// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy_in_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace secmap::ctl {

namespace {

result<policy_in_kernel> open(const device& on, std::uint32_t id) {
    auto opened = policy::open(on, id);
    if (!opened) return std::move(opened).error();
    auto info = opened->info(on);
    if (!info) return std::move(info).error();
    return policy_in_kernel{std::move(opened).value(), std::move(info).value()};
}

result<policy_in_kernel> find_by_id(const device& on, const std::string& digits) {
    std::uint32_t id = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (failed != std::errc() || id == 0)
        return error{ENOENT, "open policy " + digits, "no policy has this id", "'secmapctl policy list' shows the ids"};
    return open(on, id);
}

// One that goes away meanwhile does not have the name any more.
result<std::vector<policy_in_kernel>> all_of_name(const device& on, const result<std::vector<std::uint32_t>>& ids,
                                                  const std::string& name) {
    if (!ids) return ids.error();
    std::vector<policy_in_kernel> found;
    for (const std::uint32_t id : *ids) {
        auto one = open(on, id);
        if (!one && one.error().number != ENOENT) return std::move(one).error();
        if (one && one->info.name == name) found.push_back(std::move(one).value());
    }
    return found;
}

bool held(const policy_in_kernel& which) { return which.info.stacks != 0; }

bool is_id(const std::string& wanted) { return wanted.find_first_not_of("0123456789") == std::string::npos; }

result<policy_in_kernel> only_one(const std::string& wanted, result<std::vector<policy_in_kernel>> found) {
    const std::string operation = "find policy '" + wanted + "'";
    if (!found) return std::move(found).error();
    if (std::ranges::any_of(*found, held)) std::erase_if(*found, [](const auto& each) { return !held(each); });
    if (found->empty())
        return error{ENOENT, operation, "no policy has this name", "'secmapctl policy list' shows ids and names"};
    if (found->size() == 1) return std::move(found->front());
    std::vector<std::uint32_t> ids;
    for (const policy_in_kernel& each : *found) ids.push_back(each.info.id);
    return error{EEXIST, operation, fmt::format("several policies have this name: {}", fmt::join(ids, ", ")),
                 "name the one that is meant by its id"};
}

}  // namespace

result<policy_in_kernel> find_policy(const device& on, const std::string& wanted) {
    return is_id(wanted) ? find_by_id(on, wanted) : only_one(wanted, all_of_name(on, policy_ids(on), wanted));
}

result<policy_in_kernel> find_own_policy(const device& on, const std::string& wanted) {
    auto found = find_policy(on, wanted);
    if (found || found.error().number != EPERM || is_id(wanted)) return found;
    auto own = only_one(wanted, all_of_name(on, own_policy_ids(on), wanted));
    if (own || own.error().number != ENOENT) return own;
    error none = std::move(own).error();
    none.text = "this user has made no policy of this name that only its own unprivileged tasks carry";
    none.hint = "what an administrator has attached, or what others carry, an administrator tightens";
    return none;
}

}  // namespace secmap::ctl
