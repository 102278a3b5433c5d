// SPDX-License-Identifier: LGPL-2.1-or-later
#include "change_json.hpp"

#include <string_view>

#include "json_parts.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

std::string_view force_name(in_force when) {
    switch (when) {
        case in_force::later: return "later";
        case in_force::never: return "never";
        default: return "now";
    }
}

ordered_json or_null(const std::string& text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

}  // namespace

ordered_json change_json(const change_report& of) {
    auto failed = ordered_json::array();
    for (const auto& [tid, why] : of.threads.failed) failed.push_back({{"tid", tid}, {"error", error_json(why)}});
    return {{"pid", of.cgroup.empty() ? ordered_json(of.pid) : ordered_json(nullptr)},
            {"cgroup", or_null(of.cgroup)},
            {"unit", or_null(of.unit)},
            {"policy", of.policy ? ordered_json(*of.policy) : ordered_json(nullptr)},
            {"in_force", of.what == change::attached ? ordered_json(force_name(of.when)) : ordered_json(nullptr)},
            {"changed", of.threads.changed},
            {"processes", of.threads.processes},
            {"unchanged", of.threads.unchanged},
            {"left_out", of.threads.left_out},
            {"failed", failed},
            {"passes", of.threads.passes},
            {"frozen", of.threads.frozen}};
}

ordered_json follow_json(const follow_begin& of) {
    return {{"cgroup", of.cgroup},
            {"unit", or_null(of.unit)},
            {"policy", of.policy},
            {"every", of.every.count()},
            {"note", or_null(of.note)}};
}

ordered_json followed_json(const follow_end& of) {
    return {{"cgroup", of.cgroup},
            {"policy", of.policy},
            {"cause", of.why == follow_end::cause::removed ? "removed" : "signal"},
            {"changed", of.changed},
            {"failed", of.failed},
            {"untold", of.untold}};
}

}  // namespace secmap::ctl
