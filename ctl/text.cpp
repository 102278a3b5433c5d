// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.hpp"

#include <algorithm>
#include <iterator>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "bench_text.hpp"
#include "bits.hpp"
#include "change_text.hpp"
#include "diff_text.hpp"
#include "evasion.hpp"
#include "explain_text.hpp"
#include "learn_text.hpp"
#include "lines.hpp"
#include "monitor_text.hpp"
#include "sentence.hpp"
#include "stats_text.hpp"
#include "table_text.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string trimmed(const std::string& text) { return text.substr(0, text.find_last_not_of(' ') + 1); }

void print_notes(buffer& to, const std::vector<std::string>& notes) {
    if (notes.empty()) return;
    line(to, "{}:", counted(notes.size(), "note"));
    for (const std::string& each : notes) line(to, "{}{}", indent, printable(each));
}

void print_evasions(buffer& to, const std::vector<evasion>& of) {
    if (of.empty()) return;
    line(to, "{}: bits that the kernel does not look at are compared (--widths kernel does not):",
         counted(of.size(), "warning"));
    for (const evasion& each : of)
        line(to, "{}{}{}", indent, evasion_words(each),
             each.origin.empty() ? "" : "  [" + printable(each.origin) + "]");
}

void print_table(buffer& to, std::size_t index, const table_image& of) {
    line(to, "{}table {}: {} of {}: {}", indent, index, of.bitmap ? "bitmap" : "hash", counted(of.keys.size(), "value"),
         some_of(of.keys));
}

// Ids; those that hold from a later call on are marked.
std::string stack_words(const task_report::thread& of) {
    std::vector<std::string> words;
    for (std::uint32_t place = 0; place < of.policies.size(); ++place)
        words.push_back(fmt::format("{}{}", of.policies[place],
                                    std::ranges::count(of.waiting, place) != 0 ? " (not in force yet)" : ""));
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string newer_words(const abi_section& of) {
    if (!of.newer_from) return "";
    return fmt::format(", numbers from {} on {}", *of.newer_from, action_text(of.newer_action));
}

void print_section_head(buffer& to, const abi_section& of, const std::string& allowed) {
    line(to, "{}: {}, {}, otherwise {}{}", abi_name(of.abi), allowed, counted(of.rules.size(), "rule"),
         action_text(of.default_action), newer_words(of));
}

void print_allowed(buffer& to, const abi_section& of) { print_words(to, number_words(of.abi, of.allow)); }

void print_rule(buffer& to, abi on, const rule& of) {
    line(to, "{}{}: {} {}{}", indent, call_words(on, of.nr), action_text(of.action), conditions_words(of.conditions),
         of.origin.empty() ? "" : "  [" + printable(of.origin) + "]");
}

void print_size(buffer& to, const program_size& of) {
    if (of.refused)
        line(to, "not for --engine {}: {}", of.engine, printable(of.refused->message()));
    else
        line(to, "for --engine {}: {}, {}", of.engine, counted(of.instructions, "instruction"),
             counted(of.tables, "table"));
}

void print_head(buffer& to, const policy_image& of) {
    line(to, "policy {}", of.name);
    line(to, "calls of other ABIs: {}", action_text(of.foreign_action));
}

void print_action_list(buffer& to, std::string_view head, std::uint32_t bits) {
    line(to, "{}{}", head, fmt::join(action_names(bits), ", "));
}

void print_error(buffer& to, const error& of) {
    line(to, "device     {}", printable(of.text));
    if (!of.hint.empty()) line(to, "next step  {}", printable(of.hint));
}

std::string_view loading_words(ebpf_loading of) {
    switch (of) {
        case ebpf_loading::privileged: return "programs are loaded by CAP_SYS_ADMIN";
        case ebpf_loading::all: return "programs are loaded by everybody";
        case ebpf_loading::off: break;
    }
    return "no programs are loaded";
}

std::string_view unfiltered_words(selective_flag of) {
    switch (of) {
        case selective_flag::on: return "pay nothing";
        case selective_flag::waits: return "pay for a probe: others have probes on system calls, too";
        case selective_flag::unavailable: return "pay for a probe: this kernel does not tell who traces";
        case selective_flag::off: break;
    }
    return "pay for a probe: the module's parameter selective is off";
}

void print_info(buffer& to, const device_info& of) {
    line(to, "ABI        version {}", of.abi_version);
    line(to, "kinds      {}", fmt::join(feature_bit_names(of.features), ", "));
    print_action_list(to, "actions    ", of.actions);
    line(to, "eBPF       {}", loading_words(of.ebpf));
    line(to, "unfiltered tasks {}", unfiltered_words(of.selective));
    line(to, "limits     {} policies on a stack, {} policies and as many tables in all", of.stack_max, of.objects_max);
    line(to, "           {} rules in an ABI's section, {} conditions in a rule", of.rules_max, of.conditions_max);
    line(to, "           a cost of {} for one call in a policy, of {} in a stack", of.cost_max, of.stack_cost_max);
    line(to, "           {} tables in a policy, {} bits in a bitmap, {} entries in a hash map", of.tables_max,
         of.bitmap_max, of.hash_max);
    line(to, "           {} calls in one test", of.test_max);
}

void print_allowed_count(buffer& to, abi on, std::size_t count) {
    line(to, "{:<9}  {} of {} numbers allowed whatever the arguments are", abi_name(on), count, SECMAP_NR_MAX);
}

// What policy show and prog load say about a program.
void print_program(buffer& to, const policy_info& of) {
    line(to, "program    {}, {} as the kernel has translated them", counted(of.filter_length, "instruction"),
         of.instructions);
    for (const abi each : all_abis) print_allowed_count(to, each, of.sections[static_cast<std::size_t>(each)].allowed);
}

void print_rules(buffer& to, const policy_info& of) {
    line(to, "cost       at most {} for one call: 1 for a rule or a comparison, 16 for a look-up in a table", of.cost);
    print_action_list(to, "answers    ", of.actions);
    for (const abi each : abis_of(of)) {
        const section_info& section = of.sections[static_cast<std::size_t>(each)];
        line(to, "{:<9}  {} allowed, {}, {}, otherwise {}", abi_name(each), counted(section.allowed, "number"),
             counted(section.rules, "rule"), counted(section.conditions, "condition"),
             action_text(section.default_action));
    }
    line(to, "others     {}", action_text(of.foreign_action));
}

void print_policy(buffer& to, const policy_info& of) {
    line(to, "policy {}: {}", of.id, printable(of.name));
    line(to, "kind       {}, made by uid {}", kind_name(of.kind), of.uid);
    line(to, "in use     on {}{}{}", counted(of.stacks, "stack"), of.sealed ? "; sealed: not to be replaced" : "",
         of.counted ? "; counted: see 'secmapctl stats'" : "");
    line(to, "memory     {} bytes, and {} beside it", of.bytes, counted(of.tables, "table"));
    is_program(of.kind) ? print_program(to, of) : print_rules(to, of);
}

// "117 rules: x86_64,i386", "5 instructions"
std::string content_words(const policy_info& of) {
    if (is_program(of.kind)) return counted(of.filter_length, "instruction");
    std::uint64_t rules = 0;
    std::vector<std::string_view> abis;
    for (const abi each : abis_of(of)) {
        rules += of.sections[static_cast<std::size_t>(each)].rules;
        abis.push_back(abi_name(each));
    }
    return fmt::format("{}: {}", counted(rules, "rule"), fmt::join(abis, ","));
}

void print_replacement(buffer& to, const replace_report& of) {
    const std::string old = fmt::format("policy {} ({})", of.old.id, printable(of.old.name));
    if (of.done.tasks == 0)
        line(to, "no task carries {}: policy {} is gone with this command", old, of.by);
    else
        line(to, "policy {}{} is in place of {}: in {} and {}", of.by,
             of.name == of.old.name ? "" : " (" + printable(of.name) + ")", old, counted(of.done.tasks, "task"),
             counted(of.done.stacks, "stack"));
}

void print_instructions(buffer& to, std::span<const sock_filter> code) {
    const std::vector<instruction_text> lines = disassemble(code);
    line(to, "{:>6}  {:>4}  {:>3}  {:>3}  {:>8}  {}", "LINE", "CODE", "JT", "JF", "K", "INSTRUCTION");
    for (std::size_t index = 0; index < lines.size(); ++index) {
        const sock_filter& raw = code[index];
        const instruction_text& text = lines[index];
        const std::string comment = text.comment.empty() ? "" : "; " + text.comment;
        line(to, "{}",
             trimmed(fmt::format("{:>6}  {:04x}  {:>3}  {:>3}  {:08x}  {:<28}  {}", index, raw.code, raw.jt, raw.jf,
                                 raw.k, text.mnemonic, comment)));
    }
}

// Where most are allowed, the others say more.
void print_predicted(buffer& to, abi on, const std::vector<std::uint32_t>& allowed) {
    const bool most = allowed.size() > SECMAP_NR_MAX / 2;
    std::vector<std::uint32_t> shown;
    for (std::uint32_t nr = 0; nr < SECMAP_NR_MAX; ++nr)
        if (std::ranges::binary_search(allowed, nr) != most) shown.push_back(nr);
    const std::string_view relation = shown.empty() ? "" : most ? ", all but" : ":";
    line(to, "{}: {} of {} numbers allowed whatever the arguments are{}", abi_name(on), allowed.size(), SECMAP_NR_MAX,
         relation);
    print_words(to, number_words(on, shown));
}

std::string_view skipping_words(call_skipping of) {
    switch (of) {
        case call_skipping::works: return "skips calls: policies are enforced";
        case call_skipping::broken: return "cannot skip calls (it lacks fb13b11d5387): no policy can be attached";
        case call_skipping::unknown: break;
    }
    return "not tested yet whether it can skip calls: the first attach does it";
}

std::string decided_words(const explanation& of) {
    const std::string kind = decision_kind(of.decision);
    if (kind == "allow") return "the bitmap of numbers that are allowed whatever their arguments are";
    if (kind == "default")
        return of.considered.empty() ? "the default action: no rule names this call"
                                     : "the default action: no rule of this call holds";
    if (kind == "newer") return "the action for numbers that are newer than the profile";
    if (kind == "foreign") return "the action for ABIs that it does not name";
    if (kind == "program") return "its program";
    return fmt::format("rule {} of {}", of.decision.rule, abi_name(of.call.abi));
}

std::string call_line(const call_facts& of) {
    std::vector<std::string> args;
    for (const std::uint64_t each : of.args) args.push_back(hex(each));
    return fmt::format("{}({})", of.name.empty() ? fmt::format("#{}", of.nr) : of.name, fmt::join(args, ", "));
}

std::vector<int> assumed(const call_facts& of) {
    std::vector<int> indices;
    for (int index = 0; index < static_cast<int>(of.args.size()); ++index)
        if (std::ranges::find(of.given, index) == of.given.end()) indices.push_back(index);
    return indices;
}

void print_call(buffer& to, const call_facts& of) {
    line(to, "call       {} on {}, number {}", call_line(of), abi_name(of.abi), of.nr);
    if (const auto zero = assumed(of); !zero.empty())
        line(to, "           {} {} not given: taken as 0", zero.size() == 1 ? "argument" : "arguments",
             fmt::format("{} {}", fmt::join(zero, ", "), zero.size() == 1 ? "was" : "were"));
}

void print_considered(buffer& to, const explanation& of) {
    for (std::size_t index = 0; index < of.considered.size(); ++index) {
        const bool holds = decision_kind(of.decision) == "rule" && index + 1 == of.considered.size();
        line(to, "{}  {} {}{}", holds ? "holds    " : "not      ", action_text(of.considered[index].action),
             conditions_words(of.considered[index].conditions),
             of.considered[index].origin.empty() ? "" : "  [" + printable(of.considered[index].origin) + "]");
        for (const condition& each : of.considered[index].conditions)
            if ((each.op == comparison::in || each.op == comparison::not_in) && each.table < of.tables.size())
                print_table(to, each.table, of.tables[each.table]);
    }
}

// Tables of the same look as a policy's.
void print_program_table(buffer& to, std::size_t index, const program_table& of) {
    if (of.kind == table_kind::bpf_map)
        line(to, "  table {}: {}, a BPF map{}", index, printable(of.name),
             of.pin.empty() ? "" : ", pinned at " + printable(of.pin.string()));
    else
        line(to, "  table {}: {}, {} of {}, {}", index, printable(of.name),
             of.kind == table_kind::bitmap ? "bitmap" : "hash map",
             of.kind == table_kind::bitmap ? counted(of.contents.max_entries, "bit")
                                           : counted(of.contents.max_entries, "key"),
             of.kind == table_kind::bitmap ? fmt::format("{} set", of.contents.keys.size())
                                           : fmt::format("{} in it", of.contents.keys.size()));
}

void print_contents(buffer& to, const table_image& of) {
    std::string row = "   ";
    for (std::size_t each = 0; each < of.keys.size(); ++each) {
        std::string entry = " " + hex(of.keys[each]);
        if (!of.values.empty()) entry += ":" + hex(of.values[each]);
        if (row.size() + entry.size() > line_width) {
            line(to, "{}", row);
            row = "   ";
        }
        row += entry;
    }
    if (!of.keys.empty()) line(to, "{}", row);
}

// With the line of the source in front of what was made of it.
void print_instructions(buffer& to, const ebpf_image& of) {
    const std::vector<instruction_text> lines = disassemble(of.code, of.tables);
    const source_line* before = nullptr;
    for (std::size_t index = 0; index < lines.size(); ++index) {
        if (lines[index].mnemonic.empty()) continue;
        const source_line* source = of.line_of(index);
        if (source && source != before)
            line(to, "; {}:{}: {}", printable(source->file), source->line, printable(source->text));
        before = source;
        const std::string text =
            fmt::format("{:>6}  {:<32}  {}", index, lines[index].mnemonic, printable(lines[index].comment));
        line(to, "{}", text.substr(0, text.find_last_not_of(' ') + 1));
    }
}

// One for each kind of value.
struct writer {
    buffer& to;

    void operator()(const version_report& of) const {
        line(to, "secmapctl {}", of.tool);
        line(to, "ABI version {}", of.abi);
    }

    void operator()(const feature_report& of) const {
        line(to, "kernel     {}{}{}", of.kernel, of.info ? ", " : "", of.info ? skipping_words(of.info->skipping) : "");
        if (of.missing) print_error(to, *of.missing);
        if (!of.info) return;
        line(to, "device     {}", of.device);
        print_info(to, *of.info);
    }

    void operator()(const policy_list& of) const {
        line(to, "{:>8}  {:<31}  {:<4}  {:>6}  {:>8}  {:>9}  {}", "ID", "NAME", "KIND", "STACKS", "UID", "BYTES",
             "CONTENT");
        for (const policy_info& each : of.policies)
            line(to, "{:>8}  {:<31}  {:<4}  {:>6}  {:>8}  {:>9}  {}", each.id, printable(each.name),
                 kind_name(each.kind), each.stacks, each.uid, each.bytes,
                 std::string(each.sealed ? "sealed, " : "") + (each.counted ? "counted, " : "") + content_words(each));
    }

    void operator()(const policy_facts& of) const {
        print_policy(to, of.policy);
        print_table_ids(to, of.policy.table_ids);
    }

    void operator()(const table_list& of) const { print_tables(to, of); }
    void operator()(const table_facts& of) const { print_table(to, of); }
    void operator()(const table_update_report& of) const { print_update(to, of); }
    void operator()(const table_seal_report& of) const { print_seal(to, of); }

    void operator()(const check_report& of) const {
        line(to, "{}: good", printable(of.source.file));
        print_head(to, of.image);
        for (std::size_t each = 0; each < of.image.sections.size(); ++each)
            print_section_head(to, of.image.sections[each], counted(of.allowed[each], "number") + " allowed");
        line(to, "{}", counted(of.image.tables.size(), "table"));
        for (const program_size& each : of.programs) print_size(to, each);
        print_evasions(to, of.evasions);
        print_notes(to, of.source.notes);
    }

    void operator()(const compile_report& of) const {
        if (!of.written_to.empty()) {
            line(to, "{}: written", printable(of.written_to));
            return;
        }
        print_head(to, of.image);
        for (const abi_section& each : of.image.sections) {
            to += '\n';
            print_section_head(to, each, counted(each.allow.size(), "number") + " in the bitmap");
            print_allowed(to, each);
            if (!each.rules.empty()) line(to, "  rules, the first that holds decides:");
            for (const rule& one : each.rules) print_rule(to, each.abi, one);
        }
        if (!of.image.tables.empty()) line(to, "\ntables");
        for (std::size_t each = 0; each < of.image.tables.size(); ++each) print_table(to, each, of.image.tables[each]);
    }

    void operator()(const change_report& of) const { print_change(to, of); }
    void operator()(const follow_begin& of) const { print_following(to, of); }
    void operator()(const follow_end& of) const { print_followed(to, of); }

    void operator()(const task_list_report& of) const {
        line(to, "{:>8}  {:>8}  {:>5}  {:>6}  {}", "PID", "TID", "DEPTH", "NEWEST", "NAME");
        for (const listed_task& each : of.tasks)
            line(to, "{:>8}  {:>8}  {:>5}  {:>6}  {}", each.pid, each.tid, each.depth, each.top, printable(each.name));
    }

    void operator()(const task_report& of) const {
        line(to, "process {}: {}", of.pid, counted(of.threads.size(), "thread"));
        for (const task_report::thread& each : of.threads)
            line(to, "{:>8}  {:<16}  {}", each.tid, printable(each.name),
                 each.policies.empty() ? "not filtered" : "policies, oldest first: " + stack_words(each));
    }

    void operator()(const explanation& of) const {
        line(to, "asked      {}", printable(of.by));
        print_call(to, of.call);
        line(to, "answer     {}", action_text(of.decision.action));
        line(to, "decided by {}", decided_words(of));
        if (!of.origins.empty()) line(to, "profile    {}", printable(fmt::format("{}", fmt::join(of.origins, ", "))));
        print_considered(to, of);
        for (const std::string& each : of.notes) line(to, "note       {}", printable(each));
        line(to, "in words   {}", printable(sentence(of.call, of.decision)));
    }

    void operator()(const profile_summary& of) const { print_summary(to, of); }
    void operator()(const policy_summary& of) const { print_summary(to, of); }
    void operator()(const task_explanation& of) const { print_task(to, of); }
    void operator()(const why_report& of) const { print_why(to, of); }

    void operator()(const program_check& of) const {
        std::vector<std::string> answers;
        for (const std::uint32_t each : of.answers) answers.push_back(action_text(each));
        if (of.computes_answers) answers.emplace_back("what it computes");
        line(to, "{}: good", printable(of.source));
        line(to, "program    {} of classic BPF", counted(of.length, "instruction"));
        line(to, "answers    {}", fmt::join(answers, ", "));
        for (const abi each : all_abis)
            print_allowed_count(to, each, of.allowed[static_cast<std::size_t>(each)].size());
    }

    void operator()(const program_load& of) const {
        line(to, "{}: the kernel takes it", printable(of.source));
        print_policy(to, of.policy);
        if (of.attached)
            print_change(to, *of.attached);
        else
            line(to, "nobody carries it: policy {} is gone with this command", of.policy.id);
    }

    void operator()(const program_dump& of) const {
        if (!of.written_to.empty()) {
            line(to, "{}: {} written", printable(of.written_to), counted(of.code.size(), "instruction"));
            return;
        }
        line(to, "{}: {} of classic BPF", printable(of.source), counted(of.code.size(), "instruction"));
        print_instructions(to, of.code);
        if (of.refused) line(to, "seccomp(2) would not take it: {}", printable(of.refused->text));
        if (!of.allowed) return;
        for (const abi each : all_abis) print_predicted(to, each, of.allowed->at(static_cast<std::size_t>(each)));
    }

    void operator()(const program_test& of) const {
        line(to, "asked      program {}", printable(of.source));
        print_call(to, of.call);
        line(to, "answer     {}{}", action_text(of.action),
             of.whatever_arguments ? ", whatever the arguments are" : "");
        line(to, "decided by {}",
             of.instruction ? fmt::format("instruction {}", *of.instruction)
                            : "a division by 0, which ends the program");
    }

    void operator()(const object_check& of) const {
        line(to, "{}: good", printable(of.image.source));
        line(to, "program    {}, {} of eBPF", printable(of.image.name), counted(of.image.code.size(), "instruction"));
        line(to, "reads      {}", fmt::join(field_names(of.facts.fields), ", "));
        line(to, "needs      {} of stack; its longest way costs {}", counted(of.facts.stack, "byte"), of.facts.cost);
        for (std::size_t each = 0; each < of.image.tables.size(); ++each)
            print_program_table(to, each, of.image.tables[each]);
        for (const abi each : all_abis)
            print_allowed_count(to, each, of.allowed[static_cast<std::size_t>(each)].size());
    }

    void operator()(const object_dump& of) const {
        const std::string length = counted(of.image.code.size(), "instruction");
        if (!of.written_to.empty()) {
            line(to, "{}: {} written", printable(of.written_to), length);
            return;
        }
        line(to, "{}: {}, {} of eBPF", printable(of.image.source), printable(of.image.name), length);
        print_instructions(to, of.image);
        for (std::size_t each = 0; each < of.image.tables.size(); ++each) {
            print_program_table(to, each, of.image.tables[each]);
            print_contents(to, of.image.tables[each].contents);
        }
        if (of.refused) line(to, "the module would not take it: {}", printable(of.refused->text));
        if (of.policy) {
            line(to, "{}", counted(of.policy->tables, "table"));
            for (const abi each : all_abis)
                print_allowed_count(to, each, of.policy->sections[static_cast<std::size_t>(each)].allowed);
        }
        if (!of.allowed) return;
        for (const abi each : all_abis) print_predicted(to, each, of.allowed->at(static_cast<std::size_t>(each)));
    }

    void operator()(const object_test& of) const {
        line(to, "asked      program {} of {}", printable(of.image.name), printable(of.image.source));
        print_call(to, of.call);
        line(to, "answer     {}{}", action_text(of.action),
             of.whatever_arguments ? ", whatever the arguments are" : "");
    }

    void operator()(const request_report& of) const {
        line(to, "secmapctl: {} {} on {}: {}", of.asked.pid, call_line(of.asked.call), abi_name(of.asked.call.abi),
             of.given ? fmt::format("{} by {}", answer_words(*of.given), answered_by_word(of.by))
                      : "gone before it was answered");
    }

    void operator()(const replace_report& of) const { print_replacement(to, of); }
    void operator()(const tighten_report& of) const { print_replacement(to, of.done); }

    void operator()(const seal_report& of) const {
        line(to, "policy {} ({}) is sealed: nothing comes in its place any more", of.policy.id,
             printable(of.policy.name));
    }

    void operator()(const count_report& of) const { print_counting(to, of); }
    void operator()(const stats_report& of) const { print_stats(to, of); }
    void operator()(const metrics_report& of) const { print_metrics(to, of); }

    void operator()(const diff_report& of) const { print_difference(to, of); }

    void operator()(const monitor_begin& of) const { print_begin(to, of); }
    void operator()(const monitor_event& of) const { print_event(to, of); }
    void operator()(const monitor_loss& of) const { print_loss(to, of); }

    void operator()(const monitor_end& of) const {
        print_end(to, of);
        print_notes(to, of.notes);
    }

    void operator()(const learn_report& of) const {
        print_learned(to, of);
        print_notes(to, of.notes);
    }

    void operator()(const complaint_report& of) const {
        print_complaints(to, of);
        print_notes(to, of.notes);
    }

    void operator()(const bench_result& of) const { to += bench_text(*of.found); }
};

}  // namespace

std::string to_text(const value& of) {
    buffer text;
    std::visit(writer{text}, of);
    return text;
}

}  // namespace secmap::ctl
