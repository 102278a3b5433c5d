// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats_json.hpp"

#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "bits.hpp"
#include "json_parts.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

ordered_json optional_json(const std::optional<double>& of) { return of ? ordered_json(*of) : ordered_json(nullptr); }

// Of a program the data of its actions are not known.
ordered_json said_json(const policy_count& of) {
    if (of.rule != SECMAP_RULE_PROGRAM) return action_json(of.action);
    return {{"name", action_name(of.action)}, {"value", of.action}};
}

ordered_json row_json(const counted_policy::row& of) {
    const std::string kind = decision_kind({of.what.action, of.what.rule});
    const bool by_rule = kind == "rule";
    return {{"abi", abi_name(of.what.abi)},
            {"decided_by", kind},
            {"rule", by_rule ? ordered_json(of.what.rule) : ordered_json(nullptr)},
            {"call", by_rule ? call_json(of.what.abi, of.what.nr) : ordered_json(nullptr)},
            {"action", said_json(of.what)},
            {"calls", of.what.calls},
            {"per_second", optional_json(of.rate)}};
}

}  // namespace

ordered_json counting_json(const count_report& of) {
    return {{"policy", of.policy.id},
            {"policy_name", of.policy.name},
            {"counted", of.what == counting::on},
            {"changed", (of.what == counting::on) != of.policy.counted},
            {"tasks", of.done.tasks},
            {"stacks", of.done.stacks}};
}

ordered_json stats_json(const stats_report& of) {
    auto policies = ordered_json::array();
    for (const counted_policy& each : of.policies) {
        auto rows = ordered_json::array();
        for (const counted_policy::row& row : each.rows) rows.push_back(row_json(row));
        policies.push_back({{"policy", each.policy.id},
                            {"policy_name", each.policy.name},
                            {"counted", each.counted},
                            {"stacks", each.policy.stacks},
                            {"counts", rows}});
    }
    return {{"seconds", optional_json(of.seconds)}, {"policies", policies}};
}

}  // namespace secmap::ctl
