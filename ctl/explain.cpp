// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl explain: which rule decides one call, and what.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <secmap/device.hpp>
#include <secmap/names.hpp>
#include <secmap/policy.hpp>
#include <secmap/simulator.hpp>

#include "command.hpp"
#include "number.hpp"
#include "profile_options.hpp"
#include "validators.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000;

struct explain_options {
    profile_options profile;
    std::uint32_t policy = 0;
    std::string call;
    std::string abi = "x86_64";
    std::vector<std::string> args;
};

// "2=0x241"
struct named_argument {
    std::uint8_t index;
    std::uint64_t value;
};

std::optional<named_argument> parse_argument(const std::string& text) {
    if (text.size() < 3 || text[0] < '0' || text[0] > '5' || text[1] != '=') return std::nullopt;
    const auto value = parse_number(text.substr(2));
    if (!value) return std::nullopt;
    return named_argument{static_cast<std::uint8_t>(text[0] - '0'), *value};
}

std::string check_argument(const std::string& text) {
    return parse_argument(text) ? "" : "'" + text + "' is not INDEX=VALUE with an index from 0 to 5 and a number";
}

void check_indices(const std::vector<std::string>& args) {
    std::string seen;
    for (const std::string& each : args) {
        if (seen.find(each.front()) != std::string::npos)
            throw CLI::ValidationError("--arg", "argument " + each.substr(0, 1) + " is given twice");
        seen += each.front();
    }
}

result<call_facts> to_call(const explain_options& options) {
    call_facts call;
    call.abi = abi_from_name(options.abi).value_or(abi::x86_64);
    const auto as_number = parse_number(options.call);
    const auto by_name = as_number ? std::nullopt : call_number(call.abi, options.call);
    if (as_number && *as_number > UINT32_MAX)
        return error{EINVAL, "explain", "system-call number " + options.call + " has more than 32 bits", ""};
    if (!as_number && !by_name)
        return error{EINVAL, "explain", "there is no system call '" + options.call + "' on " + options.abi,
                     "name another --abi, or give the number"};
    call.nr = as_number ? static_cast<std::uint32_t>(*as_number) : *by_name;
    call.name = call_name(call.abi, call.nr);
    if (call.name.starts_with('#')) call.name.clear();
    for (const std::string& each : options.args) {
        const auto argument = parse_argument(each);
        call.args.at(argument->index) = argument->value;
        call.given.push_back(argument->index);
    }
    std::ranges::sort(call.given);
    return call;
}

seccomp_data to_data(const call_facts& from) {
    seccomp_data data = {};
    data.nr = static_cast<int>(from.abi == abi::x32 ? from.nr | x32_bit : from.nr);
    data.arch = from.abi == abi::i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    std::ranges::copy(from.args, data.args);
    return data;
}

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
    auto call = to_call(options);
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
    command->add_option("--call", options->call, "The system call")->required()->type_name("NAME|NUMBER");
    command->add_option("--abi", options->abi, "How it is made")
        ->check(one_of({"x86_64", "x32", "i386"}))
        ->type_name("x86_64|x32|i386");
    command->add_option("--arg", options->args, "An argument, 0 to 5; those that are not given count as 0")
        ->check(CLI::Validator(check_argument, "", "argument"))
        ->allow_extra_args(false)
        ->type_name("INDEX=VALUE");
    command->callback([&to, options] {
        check_indices(options->args);
        to.chosen = [options](const context& with) { return explain(with, *options); };
    });
}

}  // namespace secmap::ctl
