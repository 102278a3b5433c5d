// SPDX-License-Identifier: LGPL-2.1-or-later
#include "monitor_json.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <secmap/names.hpp>

#include "bits.hpp"
#include "decoded_call.hpp"
#include "json_parts.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

// "2026-11-26T10:02:03.000001Z"
std::string utc(std::chrono::system_clock::time_point of) {
    const auto since = std::chrono::floor<std::chrono::microseconds>(of.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const std::time_t whole = seconds.count();
    std::tm there = {};
    gmtime_r(&whole, &there);
    std::array<char, sizeof("2026-11-26T10:02:03")> text = {};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &there);
    return fmt::format("{}.{:06}Z", text.data(), (since - seconds).count());
}

ordered_json policy_of_events(const std::optional<std::uint32_t>& id, const std::string& name) {
    return {{"policy", id ? ordered_json(*id) : ordered_json(nullptr)},
            {"policy_name", name.empty() ? ordered_json(nullptr) : ordered_json(name)}};
}

}  // namespace

ordered_json begin_json(const monitor_begin& of) { return policy_of_events(of.policy, of.policy_name); }

ordered_json event_json(const monitor_event& of) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t time = of.what.time.count();
    const bool by_rule = of.decided && decision_kind(*of.decided) == "rule";
    ordered_json call = call_json(of.call.abi, of.call.nr);
    call["abi"] = abi_name(of.call.abi);
    call["args"] = of.what.args ? hex_list({of.what.args->begin(), of.what.args->end()}) : ordered_json(nullptr);
    call["text"] = decoded_call(of.call);
    ordered_json json = {{"time", utc(of.time)},
                         {"monotonic", fmt::format("{}.{:09}", time / second, time % second)},
                         {"sequence", of.what.sequence},
                         {"lost", of.what.lost},
                         {"suppressed", of.what.suppressed},
                         {"pid", of.what.pid},
                         {"tid", of.what.tid},
                         {"ns_pid", of.what.ns_pid},
                         {"ns_tid", of.what.ns_tid},
                         {"comm", of.what.comm},
                         {"cgroup", hex(of.what.cgroup)},
                         {"call", call},
                         {"instruction_pointer", hex(of.what.instruction_pointer)},
                         {"action", action_json(of.what.action)}};
    json.update(policy_of_events(of.what.policy, of.policy_name));
    json["enforced"] = !of.what.complains;
    json["decided_by"] = of.decided ? ordered_json(decision_kind(*of.decided)) : ordered_json(nullptr);
    json["rule"] = by_rule ? ordered_json(of.decided->rule) : ordered_json(nullptr);
    return json;
}

ordered_json loss_json(const monitor_loss& of) {
    return {{"cause", of.why == monitor_loss::cause::rate ? "rate" : "socket"}, {"events", of.events}};
}

ordered_json end_json(const monitor_end& of) {
    return {{"events", of.shown}, {"lost", of.lost}, {"suppressed", of.suppressed}, {"notes", of.notes}};
}

}  // namespace secmap::ctl
