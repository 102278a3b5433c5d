// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl explain: what a profile, a policy or a task does with a call, or with all calls, and which rule says so.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/seccomp.h>

#include <secmap/call_arguments.hpp>
#include <secmap/device.hpp>
#include <secmap/names.hpp>
#include <secmap/policy.hpp>
#include <secmap/process.hpp>
#include <secmap/simulator.hpp>
#include <secmap/task.hpp>

#include "call_options.hpp"
#include "command.hpp"
#include "engine.hpp"
#include "policy_in_kernel.hpp"
#include "profile_options.hpp"
#include "validators.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

struct explain_options {
    profile_options profile;
    std::string policy;
    pid_t pid = 0;
    pid_t thread = 0;  ///< 0: the process's first
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

// What a person would not see from the answer.
void add_notes(explanation& to) {
    for (const std::uint8_t arg : to.call.given) {
        const std::uint8_t width = argument_width(to.call.abi, to.call.name, arg);
        const std::uint64_t value = to.call.args.at(arg);
        if (width < 64 && value >> width != 0)
            to.notes.push_back(fmt::format("argument {} of {} has {} bits: to the kernel {} is {}", arg, to.call.name,
                                           width, hex(value), hex(value & ((1ULL << width) - 1))));
    }
}

result<explanation> explain_call(const loaded_profile& from, call_facts call) {
    const auto model = simulator::create(from.image);
    if (!model) return model.error();
    explanation found;
    found.by = "profile " + from.source.file;
    found.decision = model->judge(to_data(call));
    found.call = std::move(call);
    add_rules(found, from.image);
    if (found.decision.rule == SECMAP_RULE_ALLOW) found.origins = allowing_entries(from.profile, found.call.name);
    if (found.decision.rule == SECMAP_RULE_DEFAULT) found.origins = {"/defaultAction"};
    if (found.decision.rule == SECMAP_RULE_FOREIGN) found.origins = {"/archMap"};
    add_notes(found);
    return found;
}

result<profile_summary> summarize(const loaded_profile& from, abi on) {
    profile_summary made;
    made.by = "profile " + from.source.file;
    made.foreign_action = from.image.foreign_action;
    made.tables = from.image.tables;
    made.notes = from.source.notes;
    bool named = false;
    for (const abi_section& each : from.image.sections) {
        if (each.abi != on) {
            made.others.push_back(each.abi);
            continue;
        }
        made.section = each;
        named = true;
    }
    std::vector<std::string_view> others;
    for (const abi each : made.others) others.push_back(abi_name(each));
    if (!named)
        return error{EINVAL, "explain profile " + from.source.file,
                     fmt::format("it does not name {}: all calls of it get {}", abi_name(on),
                                 action_text(from.image.foreign_action)),
                     fmt::format("it names {}", fmt::join(others, ", "))};
    return made;
}

abi abi_of(const explain_options& options) { return abi_from_name(options.call.abi).value_or(abi::x86_64); }

result<std::optional<call_facts>> asked_call(const explain_options& options) {
    if (options.call.call.empty()) return std::optional<call_facts>();
    auto call = to_call(options.call);
    if (!call) return std::move(call).error();
    return std::optional(std::move(call).value());
}

outcome explain_profile(const explain_options& options, std::optional<call_facts> call) {
    const auto loaded = load(options.profile);
    if (!loaded) return failure{loaded.error()};
    if (call) return to_outcome(explain_call(*loaded, std::move(*call)));
    return to_outcome(summarize(*loaded, abi_of(options)));
}

/// The profile that a policy may have been made of.
struct beside {
    std::optional<loaded_profile> profile;

    [[nodiscard]] static result<beside> load(const profile_options& options) {
        if (options.file.empty()) return beside{};
        auto loaded = ctl::load(options);
        if (!loaded) return std::move(loaded).error();
        return beside{std::move(loaded).value()};
    }

    // What the profile says to a call in place of the kernel, if they agree. Nothing: a note says why not.
    [[nodiscard]] std::optional<explanation> ask(const device& on, const policy_in_kernel& which,
                                                 const call_facts& call, const verdict& kernel,
                                                 std::vector<std::string>& notes) const;
    [[nodiscard]] bool fits(const device& on, const policy_in_kernel& which, std::vector<std::string>& notes) const;
};

bool beside::fits(const device& on, const policy_in_kernel& which, std::vector<std::string>& notes) const {
    const auto other = other_shape(on, which.policy, which.info, profile->image);
    const std::string reason = other ? *other : other.error().message();
    if (!reason.empty())
        notes.push_back(fmt::format("policy {} was not made of {}: {}", which.info.id, profile->source.file, reason));
    return reason.empty();
}

std::optional<explanation> beside::ask(const device& on, const policy_in_kernel& which, const call_facts& call,
                                       const verdict& kernel, std::vector<std::string>& notes) const {
    if (!profile || !fits(on, which, notes)) return std::nullopt;
    auto found = explain_call(*profile, call);
    if (!found) return std::nullopt;
    const bool program = kernel.rule == SECMAP_RULE_PROGRAM;
    if (found->decision.action == kernel.action && (program || found->decision.rule == kernel.rule))
        return std::move(found).value();
    notes.push_back(fmt::format("policy {} has the shape of {}, and decides otherwise: it was made of another profile",
                                which.info.id, profile->source.file));
    return std::nullopt;
}

std::string policy_words(const policy_info& of) {
    return of.name.empty() ? fmt::format("policy {}", of.id) : fmt::format("policy {} ({})", of.id, of.name);
}

result<verdict> answer_of(const device& on, const policy& which, const call_facts& call) {
    const seccomp_data data = to_data(call);
    const auto verdicts = which.test(on, {&data, 1});
    if (!verdicts) return verdicts.error();
    return verdicts->front();
}

result<explanation> explain_policy_call(const device& on, const policy_in_kernel& which, const beside& text,
                                        const call_facts& call) {
    const auto answer = answer_of(on, which.policy, call);
    if (!answer) return answer.error();
    explanation found;
    std::vector<std::string> notes;
    if (auto told = text.ask(on, which, call, *answer, notes)) {
        found = std::move(*told);
        found.by = policy_words(which.info) + ", of the shape of " + found.by;
        return found;
    }
    found.by = policy_words(which.info);
    found.call = call;
    found.decision = *answer;
    found.notes = std::move(notes);
    if (!text.profile && answer->rule < SECMAP_RULE_PROGRAM)
        found.notes.emplace_back("the kernel does not tell what a rule says: --profile FILE beside it does");
    add_notes(found);
    return found;
}

result<policy_summary> summarize(const device& on, const policy_in_kernel& which, abi of) {
    std::vector<seccomp_data> calls;
    for (std::uint32_t nr = 0; nr < SECMAP_NR_MAX; ++nr) {
        call_facts each;
        each.abi = of;
        each.nr = nr;
        calls.push_back(to_data(each));
    }
    auto answers = which.policy.test(on, calls);
    if (!answers) return std::move(answers).error();
    return policy_summary{which.info, of, std::move(answers).value(), {}};
}

outcome explain_policy(const context& with, const explain_options& options, const std::optional<call_facts>& call) {
    const auto text = beside::load(options.profile);
    if (!text) return failure{text.error()};
    const auto opened = device::open(with.device);
    if (!opened) return failure{opened.error()};
    const auto which = find_policy(*opened, options.policy);
    if (!which) return failure{which.error()};
    if (call) return to_outcome(explain_policy_call(*opened, *which, *text, *call));
    std::vector<std::string> notes;
    if (text->profile && text->fits(*opened, *which, notes)) {
        auto made = summarize(*text->profile, abi_of(options));
        if (made) made->by = policy_words(which->info) + ", of the shape of " + made->by;
        return to_outcome(std::move(made));
    }
    auto made = summarize(*opened, *which, abi_of(options));
    if (made) made->notes = std::move(notes);
    return to_outcome(std::move(made));
}

// As module/stack.c: the strictest wins, and of equals the newest, which comes first here.
void decide(task_explanation& in) {
    const auto kind = [](std::uint32_t action) { return static_cast<std::int32_t>(action & SECCOMP_RET_ACTION_FULL); };
    for (std::size_t each = 0; each < in.policies.size(); ++each)
        if (!in.decides || kind(in.policies[each].says->action) < kind(in.policies[*in.decides].says->action))
            in.decides = each;
}

// Threads of one process may carry different stacks.
void note_other_threads(task_explanation& to, const device& on, const process& whom,
                        const std::vector<std::uint32_t>& carried) {
    const auto all = whom.threads();
    if (!all) return;
    std::vector<pid_t> others;
    for (const pid_t tid : *all)
        if (const auto theirs = task_policies(on, tid); theirs && *theirs != carried) others.push_back(tid);
    if (!others.empty())
        to.notes.push_back(
            fmt::format("other threads of it carry something else: {} (--thread)", fmt::join(others, ", ")));
}

result<void> add_policy(task_explanation& to, const device& on, const beside& text, std::uint32_t id) {
    const auto which = find_policy(on, std::to_string(id));
    if (!which) return which.error();
    task_explanation::carried made{which->info, {}, {}};
    if (to.call) {
        const auto answer = answer_of(on, which->policy, *to.call);
        if (!answer) return answer.error();
        made.says = *answer;
        std::vector<std::string> notes;
        if (const auto told = text.ask(on, *which, *to.call, *answer, notes)) {
            made.says = told->decision;
            made.origins = told->origins;
        }
        to.notes.insert(to.notes.end(), notes.begin(), notes.end());
    }
    to.policies.push_back(std::move(made));
    return {};
}

result<task_explanation> explain_task(const context& with, const explain_options& options,
                                      std::optional<call_facts> call) {
    const auto text = beside::load(options.profile);
    if (!text) return text.error();
    const auto whom = process::open(options.pid);
    if (!whom) return whom.error();
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    task_explanation found;
    found.pid = options.pid;
    found.tid = options.thread != 0 ? options.thread : options.pid;
    found.call = std::move(call);
    const auto threads = whom->threads();
    if (!threads) return threads.error();
    if (std::ranges::count(*threads, found.tid) == 0)
        return error{ESRCH, fmt::format("explain thread {}", found.tid),
                     fmt::format("process {} has no such thread", options.pid),
                     fmt::format("its threads are {}", fmt::join(*threads, ", "))};
    const auto ids = task_policies(*opened, found.tid);
    if (!ids) return ids.error();
    std::ifstream("/proc/" + std::to_string(found.tid) + "/comm") >> found.name;
    for (auto id = ids->rbegin(); id != ids->rend(); ++id)
        if (const auto added = add_policy(found, *opened, *text, *id); !added) return added.error();
    if (found.call) decide(found);
    if (options.thread == 0) note_other_threads(found, *opened, *whom, *ids);
    return found;
}

outcome explain(const context& with, const explain_options& options) {
    auto call = asked_call(options);
    if (!call) return failure{std::move(call).error()};
    if (options.pid != 0) return to_outcome(explain_task(with, options, std::move(call).value()));
    if (!options.policy.empty()) return explain_policy(with, options, *call);
    return explain_profile(options, std::move(call).value());
}

// What is wrong with them together.
void check_options(const explain_options& options) {
    check_call_options(options.call);
    if (options.call.call.empty() && !options.call.args.empty()) throw CLI::RequiredError("--call");
}

}  // namespace

void add_explain(registry& to) {
    CLI::App* command =
        to.app.add_subcommand("explain", "Say which rule decides a system call, and what, or all of them");
    auto options = std::make_shared<explain_options>();
    auto* source = command->add_option_group("policy", "Who is asked");
    source
        ->add_option("--profile", options->profile.file,
                     "This profile, without a device; beside --policy or --pid what was made into a policy; - for "
                     "standard input")
        ->type_name("FILE");
    auto* policy = source->add_option("--policy", options->policy, "A policy in the kernel")
                       ->check(id_or_name())
                       ->type_name("ID|NAME");
    auto* pid = source->add_option("--pid", options->pid, "A process: all that its first thread carries")
                    ->check(number_up_to(highest_pid))
                    ->excludes(policy)
                    ->type_name("PID");
    source->require_option(1, 2);
    command->add_option("--thread", options->thread, "This thread of the process")
        ->check(number_up_to(highest_pid))
        ->needs(pid)
        ->type_name("TID");
    add_reading_options(*command, options->profile);
    add_call_options(*command, options->call, call_needed::to_ask_about_one);
    command->callback([&to, options] {
        check_options(*options);
        to.chosen = [options](const context& with) { return explain(with, *options); };
    });
}

}  // namespace secmap::ctl
