// SPDX-License-Identifier: LGPL-2.1-or-later
#include "explain_json.hpp"

#include <secmap/names.hpp>

#include "bits.hpp"
#include "decoded_call.hpp"
#include "json_parts.hpp"
#include "sentence.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

// As in seccomp profiles: numbers that are whole.
ordered_json entry_json(const remedy& of) {
    ordered_json json = {{"names", {of.name}}, {"action", "SCMP_ACT_ALLOW"}};
    for (const condition& each : of.conditions)
        json["args"].push_back({{"index", each.arg}, {"value", each.value}, {"op", "SCMP_CMP_EQ"}});
    return json;
}

ordered_json remedy_json(const remedy& of) {
    using enum remedy::kind;
    const bool adds = of.what == add_entry || of.what == take_out_and_add;
    const bool takes = of.what == take_out || of.what == take_out_and_add;
    return {{"add_entry", adds ? entry_json(of) : ordered_json(nullptr)},
            {"take_out_of", takes ? ordered_json(of.place) : ordered_json(nullptr)},
            {"add_architecture", of.what == name_abi ? ordered_json(of.architecture) : ordered_json(nullptr)}};
}

ordered_json decider_json(const std::optional<verdict>& of) {
    const bool rule = of && decision_kind(*of) == "rule";
    return {{"decided_by", of ? ordered_json(decision_kind(*of)) : ordered_json(nullptr)},
            {"rule", rule ? ordered_json(of->rule) : ordered_json(nullptr)}};
}

ordered_json denial_json(const denial& of) {
    ordered_json json = {{"call", call_facts_json(of.call)},
                         {"text", decoded_call(of.call)},
                         {"count", of.count},
                         {"action", action_json(of.action)}};
    json.update(decider_json(of.by));
    json["origin"] = of.origin;
    json["comm"] = of.comm;
    json["pid"] = of.pid;
    json["remedy"] = of.cure ? remedy_json(*of.cure) : ordered_json(nullptr);
    return json;
}

}  // namespace

std::string entry_text(const remedy& of) { return entry_json(of).dump(); }

ordered_json task_explanation_json(const task_explanation& of) {
    auto policies = ordered_json::array();
    for (std::size_t each = 0; each < of.policies.size(); ++each) {
        const auto& one = of.policies[each];
        ordered_json json = {{"policy", one.policy.id},
                             {"policy_name", one.policy.name},
                             {"kind", kind_name(one.policy.kind)},
                             {"action", one.says ? action_json(one.says->action) : ordered_json(nullptr)}};
        json.update(decider_json(one.says));
        json["origins"] = one.origins;
        json["decides"] = of.decides == each;
        policies.push_back(json);
    }
    return {{"pid", of.pid},        {"tid", of.tid},
            {"name", of.name},      {"call", of.call ? call_facts_json(*of.call) : ordered_json(nullptr)},
            {"policies", policies}, {"notes", of.notes}};
}

ordered_json why_json(const why_report& of) {
    auto denials = ordered_json::array();
    for (const denial& each : of.denials) denials.push_back(denial_json(each));
    return {{"program", of.program}, {"profile", of.profile.empty() ? ordered_json(nullptr) : ordered_json(of.profile)},
            {"policy", of.policy},   {"denials", denials},
            {"lost", of.lost},       {"suppressed", of.suppressed},
            {"notes", of.notes}};
}

}  // namespace secmap::ctl
