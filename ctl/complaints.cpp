// SPDX-License-Identifier: LGPL-2.1-or-later
#include "complaints.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include <secmap/names.hpp>
#include <secmap/simulator.hpp>

#include "call_options.hpp"

namespace secmap::ctl {

namespace {

bool runs(std::uint32_t action) {
    const std::uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
    return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG;
}

call_facts facts_of(abi on, std::uint32_t nr) {
    call_facts call;
    call.abi = on;
    call.nr = nr;
    if (const std::string name = call_name(on, nr); call_number(on, name)) call.name = name;
    return call;
}

std::string origin_of(const policy_image& image, const complaint& of) {
    if (of.decision.rule == SECMAP_RULE_DEFAULT) return "/defaultAction";
    for (const abi_section& section : image.sections)
        if (section.abi == of.call.abi && of.decision.rule < section.rules.size())
            return section.rules[of.decision.rule].origin;
    return "";
}

// Fills a report.
class collector final {
public:
    collector(const policy_image& image, const simulator& model, complaint_report& to)
        : image_(image), model_(model), to_(to) {}

    void add(call_facts call) {
        complaint made{std::move(call), {}, ""};
        made.decision = model_.judge(to_data(made.call));
        // Without its arguments nobody can say; with them it was another call of this number.
        if (runs(made.decision.action)) return;
        made.origin = origin_of(image_, made);
        to_.calls.push_back(std::move(made));
    }

    void add(const recorded_set& from) {
        for (const auto& values : from.values) {
            call_facts call = facts_of(from.what.abi, from.what.nr);
            call.args = values;
            for (std::size_t index = 0; index < values.size(); ++index)
                if (from.what.args >> index & 1) call.given.push_back(static_cast<std::uint8_t>(index));
            add(std::move(call));
        }
        if (from.overflow)
            to_.notes.push_back(fmt::format("{} of {}: there were more than {} different arguments",
                                            call_name(from.what.abi, from.what.nr), abi_name(from.what.abi),
                                            from.values.size()));
    }

private:
    const policy_image& image_;
    const simulator& model_;
    complaint_report& to_;
};

}  // namespace

std::vector<recorder_set> arguments_of_rules(const policy_image& of) {
    std::vector<recorder_set> sets;
    for (const abi_section& section : of.sections) {
        std::map<std::uint32_t, std::uint32_t> args;
        for (const rule& each : section.rules)
            for (const condition& one : each.conditions) args[each.nr] |= 1U << one.arg;
        for (const auto& [nr, bits] : args) sets.push_back({section.abi, nr, bits});
    }
    if (sets.size() > recorder::sets_max) sets.resize(recorder::sets_max);
    return sets;
}

result<complaint_report> complaints(const policy_image& of, const recording& what) {
    const auto model = simulator::create(of);
    if (!model) return model.error();
    complaint_report report;
    collector found(of, *model, report);
    std::map<std::pair<abi, std::uint32_t>, const recorded_set*> sets;
    for (const recorded_set& each : what.sets) sets[{each.what.abi, each.what.nr}] = &each;
    for (std::size_t index = 0; index < what.calls.size(); ++index) {
        const auto on = static_cast<abi>(index);
        for (const std::uint32_t nr : what.calls[index]) {
            if (const auto set = sets.find({on, nr}); set != sets.end())
                found.add(*set->second);
            else
                found.add(facts_of(on, nr));
        }
    }
    if (what.other)
        report.notes.emplace_back("a number that no profile can name was called, too: it would have got the default");
    return report;
}

}  // namespace secmap::ctl
