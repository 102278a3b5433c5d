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
result<std::vector<policy_in_kernel>> all_of_name(const device& on, const std::string& name) {
    const auto ids = policy_ids(on);
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

}  // namespace

result<policy_in_kernel> find_policy(const device& on, const std::string& wanted) {
    if (wanted.find_first_not_of("0123456789") == std::string::npos) return find_by_id(on, wanted);
    const std::string operation = "find policy '" + wanted + "'";
    auto found = all_of_name(on, wanted);
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

}  // namespace secmap::ctl
