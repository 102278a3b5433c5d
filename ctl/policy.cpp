// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl policy list|show|check|compile; replace, tighten, seal and diff have files of their own
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>

#include <secmap/device.hpp>
#include <secmap/policy.hpp>
#include <secmap/simulator.hpp>

#include "command.hpp"
#include "engine.hpp"
#include "evasion.hpp"
#include "json.hpp"
#include "profile_options.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

struct compile_options_of_tool {
    profile_options profile;
    std::string output = "-";
};

result<policy_info> info_of(const device& on, std::uint32_t id) {
    const auto which = policy::open(on, id);
    if (!which) return which.error();
    return which->info(on);
}

// A policy that goes away between the listing and the question is not listed.
result<policy_list> list(const context& with) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto ids = policy_ids(*opened);
    if (!ids) return ids.error();
    policy_list found;
    for (const std::uint32_t id : *ids) {
        auto info = info_of(*opened, id);
        if (info)
            found.policies.push_back(std::move(info).value());
        else if (info.error().number != ENOENT)
            return std::move(info).error();
    }
    return found;
}

result<policy_facts> show(const context& with, std::uint32_t id) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    auto info = info_of(*opened, id);
    if (!info) return std::move(info).error();
    return policy_facts{std::move(info).value()};
}

// Builds it as the module would: what the module refuses is refused here, without a device.
result<check_report> check(const profile_options& options) {
    auto loaded = load(options);
    if (!loaded) return std::move(loaded).error();
    const auto built = simulator::create(loaded->image);
    if (!built) return built.error();
    check_report report{std::move(loaded->source), std::move(loaded->image), {}, {}, {}};
    for (const abi_section& each : report.image.sections) report.allowed.push_back(built->allowed_count(each.abi));
    report.evasions = find_evasions(report.image, *built);
    return report;
}

// And what it takes as a program: that it is too long for one is worth knowing, and no failure.
result<check_report> check_for_engines(const profile_options& options) {
    auto report = check(options);
    if (report) report->programs = program_sizes(report->image);
    return report;
}

result<compile_report> compile_to(const compile_options_of_tool& options) {
    auto checked = check(options.profile);
    if (!checked) return std::move(checked).error();
    compile_report report{std::move(checked->source), std::move(checked->image), ""};
    if (options.output == "-") return report;
    std::ofstream file(options.output, std::ios::trunc);
    file << to_json(value(report), json_style::pretty) << '\n';
    file.close();
    if (!file) return error{errno, "write " + options.output, std::strerror(errno), ""};
    report.written_to = options.output;
    return report;
}

void add_file(CLI::App& to, profile_options& options) {
    to.add_option("file", options.file, "The profile; - for standard input")->required()->type_name("FILE");
    add_reading_options(to, options);
}

void add_check(CLI::App& policy, registry& to) {
    CLI::App* command = policy.add_subcommand("check", "Read and compile a profile, and say what has no effect here");
    auto options = std::make_shared<profile_options>();
    add_file(*command, *options);
    command->callback(
        [&to, options] { to.chosen = [options](const context&) { return to_outcome(check_for_engines(*options)); }; });
}

void add_compile(CLI::App& policy, registry& to) {
    CLI::App* command = policy.add_subcommand("compile", "Show what a profile becomes: bitmaps, rules and tables");
    auto options = std::make_shared<compile_options_of_tool>();
    add_file(*command, options->profile);
    command->add_option("--output", options->output, "Write it there as JSON; - shows it")->type_name("FILE");
    command->callback(
        [&to, options] { to.chosen = [options](const context&) { return to_outcome(compile_to(*options)); }; });
}

}  // namespace

void add_policy(registry& to) {
    CLI::App* policy = to.app.add_subcommand("policy", "Policies in the kernel, and profiles that become one");
    policy->require_subcommand(1);
    policy->add_subcommand("list", "List the policies in the kernel")->callback([&to] {
        to.chosen = [](const context& with) { return to_outcome(list(with)); };
    });
    CLI::App* show_command = policy->add_subcommand("show", "Show a policy in the kernel");
    auto id = std::make_shared<std::uint32_t>(0);
    show_command->add_option("id", *id, "Its id")->required()->check(number_up_to(highest_id))->type_name("ID");
    show_command->callback(
        [&to, id] { to.chosen = [id](const context& with) { return to_outcome(show(with, *id)); }; });
    add_check(*policy, to);
    add_compile(*policy, to);
    add_policy_diff(*policy, to);
    add_policy_change(*policy, to);
}

}  // namespace secmap::ctl
