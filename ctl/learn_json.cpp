// SPDX-License-Identifier: LGPL-2.1-or-later
#include "learn_json.hpp"

#include <string>

#include <secmap/names.hpp>

#include "bits.hpp"
#include "json_parts.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

ordered_json complaint_json(const complaint& of) {
    ordered_json json = call_json(of.call.abi, of.call.nr);
    json["abi"] = abi_name(of.call.abi);
    json["args"] = ordered_json::array();
    for (const std::uint8_t each : of.call.given)
        json["args"].push_back({{"index", each}, {"value", hex(of.call.args.at(each))}});
    json["action"] = action_json(of.decision.action);
    const std::string kind = decision_kind(of.decision);
    json["decided_by"] = kind;
    json["rule"] = kind == "rule" ? ordered_json(of.decision.rule) : ordered_json(nullptr);
    json["origin"] = of.origin.empty() ? ordered_json(nullptr) : ordered_json(of.origin);
    return json;
}

}  // namespace

ordered_json learn_json(const learn_report& of) {
    ordered_json recorded;
    for (const abi each : all_abis)
        recorded[std::string(abi_name(each))] = of.recorded.at(static_cast<std::size_t>(each));
    return {{"written_to", of.written_to}, {"seconds", of.seconds}, {"recorded", recorded},
            {"allowed", of.allowed},       {"limited", of.limited}, {"notes", of.notes}};
}

ordered_json complaints_json(const complaint_report& of) {
    auto calls = ordered_json::array();
    for (const complaint& each : of.calls) calls.push_back(complaint_json(each));
    return {{"profile", of.profile}, {"denied", calls}, {"notes", of.notes}};
}

}  // namespace secmap::ctl
