// SPDX-License-Identifier: LGPL-2.1-or-later
#include "watched_policies.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <linux/seccomp.h>

#include "call_options.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

constexpr std::size_t names_most = 65536;

}  // namespace

call_facts call_of(const filter_event& event) {
    seccomp_data data = {};
    data.nr = static_cast<int>(event.nr);
    data.arch = event.arch;
    if (event.args) std::ranges::copy(*event.args, data.args);
    call_facts made = to_facts(data);
    if (event.args) made.given = {0, 1, 2, 3, 4, 5};
    return made;
}

watched_policies::watched_policies(std::filesystem::path path) : path_(std::move(path)) { learn_all(); }

// Who may not ask once need not try again.
result<device> watched_policies::open_device() {
    if (cannot_ask_) return *cannot_ask_;
    auto opened = device::open(path_);
    if (!opened) cannot_ask_ = opened.error();
    return opened;
}

void watched_policies::learn_all() {
    const auto on = open_device();
    if (!on) return;
    const auto ids = policy_ids(*on);
    if (!ids) {
        cannot_ask_ = ids.error();
        return;
    }
    for (const std::uint32_t id : *ids)
        if (const auto which = open(*on, id)) learn(*on, *which);
}

result<policy> watched_policies::open(const device& on, std::uint32_t id) {
    auto which = policy::open(on, id);
    if (!which && which.error().number != ENOENT) cannot_ask_ = which.error();
    return which;
}

void watched_policies::learn(const device& on, const policy& which) {
    const auto info = which.info(on);
    if (!info) return;
    if (names_.size() >= names_most) names_.clear();
    names_[which.id()] = info->name;
}

std::string watched_policies::name(std::uint32_t id) {
    if (!names_.contains(id))
        if (const auto on = open_device())
            if (const auto which = open(*on, id)) learn(*on, *which);
    const auto found = names_.find(id);
    return found == names_.end() ? "" : found->second;
}

std::optional<verdict> watched_policies::decider(const filter_event& of) {
    if (of.rule) return verdict{of.action, *of.rule};
    ++(of.args ? gone_ : without_arguments_);
    return std::nullopt;
}

std::vector<std::string> watched_policies::notes() const {
    std::vector<std::string> found;
    if (cannot_ask_) found.push_back("names of policies cannot be asked for: " + cannot_ask_->message());
    if (gone_ != 0)
        found.push_back(counted(gone_, "event") + " without a rule: the policy had ended, or says something else now");
    if (without_arguments_ != 0)
        found.push_back(counted(without_arguments_, "event") + " without a rule: the call's arguments are not known");
    return found;
}

}  // namespace secmap::ctl
