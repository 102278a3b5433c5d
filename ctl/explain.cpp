// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl explain: which rule decides one call, and what.
#include <algorithm>
#include <memory>

#include <linux/seccomp.h>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/simulator.hpp>

#include "call_options.hpp"
#include "command.hpp"
#include "profile_options.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

struct explain_options {
    profile_options profile;
    std::uint32_t policy = 0;
    call_options call;
};

// The places in the profile that allow a number whatever its arguments are.
std::vector<std::string> allowing_entries(const profile& from, const std::string& name) {
    std::vector<std::string> places;
    for (const profile_entry& each : from.entries)
        if (each.action == SECCOMP_RET_ALLOW && each.args.empty() && std::ranges::count(each.names, name) != 0)
            places.push_back(each.path);
    return places;
}

// Tables are only needed where a rule that is shown names one; their numbers stay.
void add_rules(explanation& to, const policy_image& image) {
    for (const abi_section& section : image.sections) {
        if (section.abi != to.call.abi) continue;
        for (std::size_t index = 0; index < section.rules.size(); ++index) {
            const rule& each = section.rules[index];
            if (each.nr != to.call.nr || index > to.decision.rule) continue;
            to.considered.push_back(each);
            if (index == to.decision.rule && !each.origin.empty()) to.origins.push_back(each.origin);
        }
    }
    to.tables = image.tables;
}

result<explanation> explain_profile(const explain_options& options, call_facts call) {
    auto loaded = load(options.profile);
    if (!loaded) return std::move(loaded).error();
    const auto model = simulator::create(loaded->image);
    if (!model) return model.error();
    explanation found;
    found.by = "profile " + options.profile.file;
    found.decision = model->judge(to_data(call));
    found.call = std::move(call);
    add_rules(found, loaded->image);
    if (found.decision.rule == SECMAP_RULE_ALLOW) found.origins = allowing_entries(loaded->profile, found.call.name);
    if (found.decision.rule == SECMAP_RULE_DEFAULT) found.origins = {"/defaultAction"};
    if (found.decision.rule == SECMAP_RULE_FOREIGN) found.origins = {"/archMap"};
    return found;
}

result<explanation> explain_policy(const context& with, const explain_options& options, call_facts call) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto which = policy::open(*opened, options.policy);
    if (!which) return which.error();
    const seccomp_data data = to_data(call);
    const auto verdicts = which->test(*opened, {&data, 1});
    if (!verdicts) return verdicts.error();
    explanation found;
    found.by = "policy " + std::to_string(options.policy);
    found.decision = verdicts->front();
    found.call = std::move(call);
    return found;
}

outcome explain(const context& with, const explain_options& options) {
    auto call = to_call(options.call);
    if (!call) return failure{std::move(call).error()};
    if (options.policy != 0) return to_outcome(explain_policy(with, options, std::move(call).value()));
    return to_outcome(explain_profile(options, std::move(call).value()));
}

}  // namespace

void add_explain(registry& to) {
    CLI::App* command = to.app.add_subcommand("explain", "Say which rule decides one system call, and what");
    auto options = std::make_shared<explain_options>();
    auto* source = command->add_option_group("policy", "Who is asked, one of");
    source->add_option("--profile", options->profile.file, "This profile, without a device; - for standard input")
        ->type_name("FILE");
    source->add_option("--policy", options->policy, "A policy in the kernel")
        ->check(number_up_to(highest_id))
        ->type_name("ID");
    source->require_option(1);
    add_reading_options(*command, options->profile);
    add_call_options(*command, options->call);
    command->callback([&to, options] {
        check_call_options(options->call);
        to.chosen = [options](const context& with) { return explain(with, *options); };
    });
}

}  // namespace secmap::ctl
