// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.hpp"

#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <secmap/names.hpp>

#include "bench_json.hpp"
#include "bits.hpp"
#include "change_json.hpp"
#include "evasion.hpp"
#include "explain_json.hpp"
#include "json_parts.hpp"
#include "learn_json.hpp"
#include "monitor_json.hpp"
#include "sentence.hpp"
#include "stats_json.hpp"
#include "table_json.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

constexpr int schema_version = 1;
constexpr int pretty_indent = 2;

ordered_json condition_json(const condition& of) {
    ordered_json json = {{"arg", of.arg}, {"op", comparison_name(of.op)}, {"width", of.width}};
    const bool in_table = of.op == comparison::in || of.op == comparison::not_in;
    if (in_table)
        json["table"] = of.table;
    else
        json["value"] = hex(of.value);
    if (in_table || of.op == comparison::masked_eq) json["mask"] = hex(of.mask);
    json["words"] = condition_words(of);
    return json;
}

ordered_json rule_json(abi on, const rule& of) {
    ordered_json json = call_json(on, of.nr);
    json["action"] = action_json(of.action);
    json["conditions"] = ordered_json::array();
    for (const condition& each : of.conditions) json["conditions"].push_back(condition_json(each));
    json["origin"] = of.origin;
    return json;
}

ordered_json rules_json(abi on, const std::vector<rule>& of) {
    auto list = ordered_json::array();
    for (const rule& each : of) list.push_back(rule_json(on, each));
    return list;
}

ordered_json tables_json(const std::vector<table_image>& of) {
    auto list = ordered_json::array();
    for (const table_image& each : of)
        list.push_back({{"type", each.bitmap ? "bitmap" : "hash"},
                        {"max_entries", each.max_entries},
                        {"keys", hex_list(each.keys)},
                        {"values", hex_list(each.values)}});
    return list;
}

ordered_json newer_json(const abi_section& of) {
    if (!of.newer_from) return nullptr;
    return {{"from", *of.newer_from}, {"action", action_json(of.newer_action)}};
}

ordered_json image_json(const policy_image& of) {
    ordered_json json = {{"name", of.name}, {"foreign_action", action_json(of.foreign_action)}};
    json["sections"] = ordered_json::array();
    for (const abi_section& each : of.sections) {
        auto allow = ordered_json::array();
        for (const std::uint32_t nr : each.allow) allow.push_back(call_json(each.abi, nr));
        json["sections"].push_back({{"abi", abi_name(each.abi)},
                                    {"default_action", action_json(each.default_action)},
                                    {"newer", newer_json(each)},
                                    {"allow", allow},
                                    {"rules", rules_json(each.abi, each.rules)}});
    }
    json["tables"] = tables_json(of.tables);
    return json;
}

std::size_t condition_count(const abi_section& of) {
    std::size_t count = 0;
    for (const rule& each : of.rules) count += each.conditions.size();
    return count;
}

ordered_json summary_json(const policy_image& of, const std::vector<std::uint32_t>& allowed) {
    auto sections = ordered_json::array();
    for (const abi_section& each : of.sections)
        sections.push_back({{"abi", abi_name(each.abi)},
                            {"allowed", allowed[sections.size()]},
                            {"rules", each.rules.size()},
                            {"conditions", condition_count(each)},
                            {"default_action", action_json(each.default_action)},
                            {"newer", newer_json(each)}});
    return {{"name", of.name},
            {"foreign_action", action_json(of.foreign_action)},
            {"sections", sections},
            {"tables", of.tables.size()}};
}

ordered_json size_json(const program_size& of) {
    return {{"engine", of.engine},
            {"instructions", of.refused ? ordered_json(nullptr) : ordered_json(of.instructions)},
            {"tables", of.tables},
            {"refused", of.refused ? ordered_json(of.refused->message()) : ordered_json(nullptr)}};
}

ordered_json evasions_json(const std::vector<evasion>& of) {
    auto list = ordered_json::array();
    for (const evasion& each : of)
        list.push_back({{"denied", call_facts_json(each.denied)},
                        {"action", action_json(each.instead_of.action)},
                        {"made", call_facts_json(each.made)},
                        {"made_action", action_json(each.by.action)},
                        {"origin", each.origin},
                        {"words", evasion_words(each)}});
    return list;
}

ordered_json source_json(const profile_source& of) {
    return {{"file", of.file}, {"capabilities", of.capabilities}, {"notes", of.notes}};
}

// What a policy is that is a program.
ordered_json program_json(const policy_info& of) {
    auto allowed = ordered_json::array();
    for (const abi each : all_abis)
        allowed.push_back({{"abi", abi_name(each)}, {"count", of.sections[static_cast<std::size_t>(each)].allowed}});
    return {{"instructions", of.filter_length}, {"translated", of.instructions}, {"allowed", allowed}};
}

ordered_json instructions_json(const std::vector<sock_filter>& code) {
    auto list = ordered_json::array();
    const std::vector<instruction_text> lines = disassemble(code);
    for (std::size_t index = 0; index < lines.size(); ++index)
        list.push_back({{"index", index},
                        {"code", code[index].code},
                        {"jt", code[index].jt},
                        {"jf", code[index].jf},
                        {"k", code[index].k},
                        {"text", lines[index].mnemonic},
                        {"comment", lines[index].comment}});
    return list;
}

ordered_json instructions_json(const ebpf_image& of) {
    auto list = ordered_json::array();
    const std::vector<instruction_text> lines = disassemble(of.code, of.tables);
    for (std::size_t index = 0; index < lines.size(); ++index) {
        const bpf_insn& insn = of.code[index];
        const source_line* source = of.line_of(index);
        const std::uint8_t dst = insn.dst_reg;
        const std::uint8_t src = insn.src_reg;
        list.push_back({{"index", index},
                        {"code", insn.code},
                        {"dst", dst},
                        {"src", src},
                        {"off", insn.off},
                        {"imm", insn.imm},
                        {"text", lines[index].mnemonic},
                        {"comment", lines[index].comment},
                        {"line", source ? ordered_json(source->line) : ordered_json(nullptr)},
                        {"file", source ? ordered_json(source->file) : ordered_json(nullptr)}});
    }
    return list;
}

enum class contents : std::uint8_t { shown, counted };

ordered_json program_tables_json(const std::vector<program_table>& of, contents how) {
    auto list = ordered_json::array();
    for (const program_table& each : of) {
        const bool map = each.kind == table_kind::bpf_map;
        ordered_json json = {{"name", each.name}, {"type", table_kind_name(each.kind)}};
        json["max_entries"] = map ? ordered_json(nullptr) : ordered_json(each.contents.max_entries);
        json["pin"] = map && !each.pin.empty() ? ordered_json(each.pin.string()) : ordered_json(nullptr);
        json["count"] = map ? ordered_json(nullptr) : ordered_json(each.contents.keys.size());
        if (how == contents::shown) {
            json["keys"] = hex_list(each.contents.keys);
            json["values"] = hex_list(each.contents.values);
        }
        list.push_back(json);
    }
    return list;
}

template <typename Count>
ordered_json counts_json(Count count_of) {
    auto list = ordered_json::array();
    for (const abi each : all_abis)
        list.push_back({{"abi", abi_name(each)}, {"count", count_of(static_cast<std::size_t>(each))}});
    return list;
}

ordered_json predicted_json(const std::optional<allowed_numbers>& of) {
    if (!of) return nullptr;
    auto list = ordered_json::array();
    for (const abi each : all_abis) {
        auto calls = ordered_json::array();
        for (const std::uint32_t nr : of->at(static_cast<std::size_t>(each))) calls.push_back(call_json(each, nr));
        list.push_back({{"abi", abi_name(each)}, {"calls", calls}});
    }
    return list;
}

ordered_json policy_json(const policy_info& of) {
    auto sections = ordered_json::array();
    for (const abi each : abis_of(of)) {
        const section_info& section = of.sections[static_cast<std::size_t>(each)];
        sections.push_back({{"abi", abi_name(each)},
                            {"allowed", section.allowed},
                            {"rules", section.rules},
                            {"conditions", section.conditions},
                            {"default_action", action_json(section.default_action)}});
    }
    const bool program = is_program(of.kind);
    return {{"id", of.id},
            {"name", of.name},
            {"kind", kind_name(of.kind)},
            {"foreign_action", program ? ordered_json(nullptr) : action_json(of.foreign_action)},
            {"sections", sections},
            {"tables", of.tables},
            {"table_ids", of.table_ids},
            {"actions", action_names(of.actions)},
            {"cost", of.cost},
            {"stacks", of.stacks},
            {"sealed", of.sealed},
            {"counted", of.counted},
            {"uid", of.uid},
            {"bytes", of.bytes},
            {"program", program ? program_json(of) : ordered_json(nullptr)}};
}

ordered_json info_json(const device_info& of) {
    return {{"abi_version", of.abi_version},
            {"errata", of.errata},
            {"features", feature_bit_names(of.features)},
            {"actions", action_names(of.actions)},
            {"skipping", skipping_name(of.skipping)},
            {"ebpf", loading_name(of.ebpf)},
            {"selective", selective_name(of.selective)},
            {"limits",
             {{"stack", of.stack_max},
              {"rules", of.rules_max},
              {"conditions", of.conditions_max},
              {"cost", of.cost_max},
              {"stack_cost", of.stack_cost_max},
              {"tables", of.tables_max},
              {"bitmap", of.bitmap_max},
              {"hash", of.hash_max},
              {"test", of.test_max},
              {"objects", of.objects_max}}}};
}

ordered_json request_json(const request& of) {
    ordered_json call = call_json(of.call.abi, of.call.nr);
    call["abi"] = abi_name(of.call.abi);
    call["args"] = hex_list({of.call.args.begin(), of.call.args.end()});
    return {{"id", hex(of.id)}, {"pid", of.pid}, {"call", call}, {"instruction_pointer", hex(of.instruction_pointer)}};
}

ordered_json answer_json(const answer& of) {
    if (of.what == answer::kind::is_made) return {{"continue", true}};
    if (of.what == answer::kind::returns) return {{"value", of.number}};
    const char* name = strerrorname_np(static_cast<int>(of.number));
    return {{"errno", name ? ordered_json(name) : ordered_json(of.number)}};
}

ordered_json told_condition_json(const told_condition& of) {
    ordered_json json = {{"arg", of.what.arg}, {"op", comparison_name(of.what.op)}, {"width", of.what.width}};
    const bool in_table = of.what.op == comparison::in || of.what.op == comparison::not_in;
    if (in_table)
        json["values"] = hex_list(of.keys);
    else
        json["value"] = hex(of.what.value);
    if (in_table || of.what.op == comparison::masked_eq) json["mask"] = hex(of.what.mask);
    json["words"] = condition_words(of);
    return json;
}

ordered_json decision_json(const call_decision& of) {
    auto rules = ordered_json::array();
    for (const call_decision::rule& each : of.rules) {
        auto conditions = ordered_json::array();
        for (const told_condition& one : each.conditions) conditions.push_back(told_condition_json(one));
        rules.push_back({{"action", action_json(each.action)}, {"conditions", conditions}});
    }
    return {{"rules", rules}, {"otherwise", action_json(of.otherwise)}};
}

ordered_json call_changes_json(abi on, const std::vector<call_change>& of) {
    auto list = ordered_json::array();
    for (const call_change& each : of) {
        auto calls = ordered_json::array();
        for (const std::uint32_t nr : each.numbers) calls.push_back(call_json(on, nr));
        list.push_back({{"calls", calls},
                        {"and_above", each.and_above},
                        {"before", decision_json(each.before)},
                        {"after", decision_json(each.after)}});
    }
    return list;
}

ordered_json abi_difference_json(const abi_difference& of) {
    return {{"abi", abi_name(of.abi)},
            {"before", {{"named", of.named_before}, {"default_action", action_json(of.default_before)}}},
            {"after", {{"named", of.named_after}, {"default_action", action_json(of.default_after)}}},
            {"gained", call_changes_json(of.abi, of.gained)},
            {"lost", call_changes_json(of.abi, of.lost)},
            {"changed", call_changes_json(of.abi, of.changed)}};
}

// One for each kind of value: the name of its member, and its content.
ordered_json replacement_json(const replace_report& of) {
    return {{"policy", of.old.id}, {"policy_name", of.old.name}, {"by", of.by},
            {"by_name", of.name},  {"tasks", of.done.tasks},     {"stacks", of.done.stacks}};
}

struct writer {
    ordered_json operator()(const version_report& of) const {
        return {{"version", {{"secmapctl", of.tool}, {"abi", of.abi}}}};
    }

    ordered_json operator()(const feature_report& of) const {
        return {{"feature",
                 {{"kernel", of.kernel},
                  {"device", of.device},
                  {"enforces", enforcement(of)},
                  {"module", of.info ? info_json(*of.info) : ordered_json(nullptr)},
                  {"error", of.missing ? error_json(*of.missing) : ordered_json(nullptr)}}}};
    }

    ordered_json operator()(const policy_list& of) const {
        auto list = ordered_json::array();
        for (const policy_info& each : of.policies) list.push_back(policy_json(each));
        return {{"policies", list}};
    }

    ordered_json operator()(const policy_facts& of) const { return {{"policy", policy_json(of.policy)}}; }

    ordered_json operator()(const table_list& of) const { return {{"tables", table_list_json(of)}}; }
    ordered_json operator()(const table_facts& of) const { return {{"table", table_facts_json(of)}}; }
    ordered_json operator()(const table_update_report& of) const { return {{"update", table_update_json(of)}}; }
    ordered_json operator()(const table_seal_report& of) const { return {{"seal", table_seal_json(of)}}; }

    ordered_json operator()(const check_report& of) const {
        auto programs = ordered_json::array();
        for (const program_size& each : of.programs) programs.push_back(size_json(each));
        return {{"check",
                 {{"source", source_json(of.source)},
                  {"image", summary_json(of.image, of.allowed)},
                  {"programs", programs},
                  {"evasions", evasions_json(of.evasions)}}}};
    }

    ordered_json operator()(const compile_report& of) const {
        return {{"compile", {{"source", source_json(of.source)}, {"image", image_json(of.image)}}}};
    }

    ordered_json operator()(const change_report& of) const {
        return {{of.what == change::attached ? "attach" : "detach", change_json(of)}};
    }

    ordered_json operator()(const follow_begin& of) const { return {{"attach", {{"follow", follow_json(of)}}}}; }
    ordered_json operator()(const follow_end& of) const { return {{"attach", {{"end", followed_json(of)}}}}; }

    ordered_json operator()(const task_list_report& of) const {
        auto list = ordered_json::array();
        for (const listed_task& each : of.tasks)
            list.push_back({{"tid", each.tid},
                            {"pid", each.pid},
                            {"name", each.name},
                            {"depth", each.depth},
                            {"newest_policy", each.top}});
        return {{"tasks", list}};
    }

    ordered_json operator()(const task_report& of) const {
        auto list = ordered_json::array();
        for (const task_report::thread& each : of.threads)
            list.push_back(
                {{"tid", each.tid}, {"name", each.name}, {"policies", each.policies}, {"waiting", each.waiting}});
        return {{"task", {{"pid", of.pid}, {"threads", list}}}};
    }

    ordered_json operator()(const explanation& of) const {
        const bool by_rule = decision_kind(of.decision) == "rule";
        return {{"explain",
                 {{"by", of.by},
                  {"call", call_facts_json(of.call)},
                  {"action", action_json(of.decision.action)},
                  {"decided_by", decision_kind(of.decision)},
                  {"rule", by_rule ? ordered_json(of.decision.rule) : ordered_json(nullptr)},
                  {"origins", of.origins},
                  {"considered", rules_json(of.call.abi, of.considered)},
                  {"tables", tables_json(of.tables)},
                  {"words", sentence(of.call, of.decision)},
                  {"notes", of.notes}}}};
    }

    ordered_json operator()(const profile_summary& of) const {
        auto allow = ordered_json::array();
        for (const std::uint32_t nr : of.section.allow) allow.push_back(call_json(of.section.abi, nr));
        auto others = ordered_json::array();
        for (const abi each : of.others) others.push_back(abi_name(each));
        return {{"explain",
                 {{"by", of.by},
                  {"abi", abi_name(of.section.abi)},
                  {"allow", allow},
                  {"rules", rules_json(of.section.abi, of.section.rules)},
                  {"tables", tables_json(of.tables)},
                  {"default_action", action_json(of.section.default_action)},
                  {"newer", newer_json(of.section)},
                  {"other_abis", others},
                  {"foreign_action", action_json(of.foreign_action)},
                  {"notes", of.notes}}}};
    }

    ordered_json operator()(const policy_summary& of) const {
        auto answers = ordered_json::array();
        for (std::uint32_t nr = 0; nr < of.answers.size(); ++nr) {
            ordered_json one = call_json(of.on, nr);
            one["action"] = action_json(of.answers[nr].action);
            one["decided_by"] = decision_kind(of.answers[nr]);
            answers.push_back(one);
        }
        return {{"explain",
                 {{"policy", policy_json(of.policy)},
                  {"abi", abi_name(of.on)},
                  {"answers", answers},
                  {"notes", of.notes}}}};
    }

    ordered_json operator()(const task_explanation& of) const { return {{"explain", task_explanation_json(of)}}; }
    ordered_json operator()(const why_report& of) const { return {{"why", why_json(of)}}; }

    ordered_json operator()(const program_check& of) const {
        auto answers = ordered_json::array();
        for (const std::uint32_t each : of.answers) answers.push_back(action_json(each));
        auto allowed = ordered_json::array();
        for (const abi each : all_abis)
            allowed.push_back({{"abi", abi_name(each)}, {"count", of.allowed[static_cast<std::size_t>(each)].size()}});
        return {{"check",
                 {{"source", of.source},
                  {"kind", kind_name(SECMAP_POLICY_CBPF)},
                  {"instructions", of.length},
                  {"answers", answers},
                  {"computes_answers", of.computes_answers},
                  {"allowed", allowed}}}};
    }

    ordered_json operator()(const program_load& of) const {
        return {{"load",
                 {{"source", of.source},
                  {"policy", policy_json(of.policy)},
                  {"attached", of.attached ? change_json(*of.attached) : ordered_json(nullptr)}}}};
    }

    ordered_json operator()(const program_dump& of) const {
        return {{"dump",
                 {{"source", of.source},
                  {"kind", kind_name(SECMAP_POLICY_CBPF)},
                  {"instructions", instructions_json(of.code)},
                  {"allowed", predicted_json(of.allowed)},
                  {"refused", of.refused ? ordered_json(of.refused->text) : ordered_json(nullptr)},
                  {"written_to", of.written_to.empty() ? ordered_json(nullptr) : ordered_json(of.written_to)}}}};
    }

    ordered_json operator()(const program_test& of) const {
        return {{"test",
                 {{"source", of.source},
                  {"call", call_facts_json(of.call)},
                  {"action", action_json(of.action)},
                  {"whatever_arguments", of.whatever_arguments},
                  {"instruction", of.instruction ? ordered_json(*of.instruction) : ordered_json(nullptr)}}}};
    }

    ordered_json operator()(const object_check& of) const {
        return {{"check",
                 {{"source", of.image.source},
                  {"kind", kind_name(SECMAP_POLICY_EBPF)},
                  {"name", of.image.name},
                  {"instructions", of.image.code.size()},
                  {"fields", field_names(of.facts.fields)},
                  {"stack", of.facts.stack},
                  {"cost", of.facts.cost},
                  {"tables", program_tables_json(of.image.tables, contents::counted)},
                  {"allowed", counts_json([&](std::size_t which) { return of.allowed[which].size(); })}}}};
    }

    ordered_json operator()(const object_dump& of) const {
        const auto counts = [&](std::size_t which) { return of.policy->sections[which].allowed; };
        return {{"dump",
                 {{"source", of.image.source},
                  {"kind", kind_name(SECMAP_POLICY_EBPF)},
                  {"name", of.image.name},
                  {"instructions", instructions_json(of.image)},
                  {"tables", of.policy ? ordered_json(nullptr) : program_tables_json(of.image.tables, contents::shown)},
                  {"allowed", predicted_json(of.allowed)},
                  {"allowed_counts", of.policy ? counts_json(counts) : ordered_json(nullptr)},
                  {"refused", of.refused ? ordered_json(of.refused->text) : ordered_json(nullptr)},
                  {"written_to", of.written_to.empty() ? ordered_json(nullptr) : ordered_json(of.written_to)}}}};
    }

    ordered_json operator()(const object_test& of) const {
        return {{"test",
                 {{"source", of.image.source},
                  {"name", of.image.name},
                  {"call", call_facts_json(of.call)},
                  {"action", action_json(of.action)},
                  {"whatever_arguments", of.whatever_arguments}}}};
    }

    ordered_json operator()(const request_report& of) const {
        ordered_json json = request_json(of.asked);
        json["answer"] = of.given ? answer_json(*of.given) : ordered_json(nullptr);
        json["by"] = of.given ? ordered_json(answered_by_word(of.by)) : ordered_json(nullptr);
        return {{"notify", json}};
    }

    ordered_json operator()(const replace_report& of) const { return {{"replace", replacement_json(of)}}; }
    ordered_json operator()(const tighten_report& of) const { return {{"tighten", replacement_json(of.done)}}; }

    ordered_json operator()(const seal_report& of) const {
        return {{"seal", {{"policy", of.policy.id}, {"policy_name", of.policy.name}}}};
    }

    ordered_json operator()(const count_report& of) const { return {{"count", counting_json(of)}}; }
    ordered_json operator()(const stats_report& of) const { return {{"stats", stats_json(of)}}; }
    ordered_json operator()(const metrics_report& of) const { return {{"stats", {{"written_to", of.written_to}}}}; }

    ordered_json operator()(const diff_report& of) const {
        auto abis = ordered_json::array();
        for (const abi_difference& each : of.abis) abis.push_back(abi_difference_json(each));
        return {{"diff",
                 {{"before", source_json(of.before)},
                  {"after", source_json(of.after)},
                  {"same", of.abis.empty()},
                  {"abis", abis}}}};
    }

    ordered_json operator()(const monitor_begin& of) const { return {{"monitor", {{"begin", begin_json(of)}}}}; }
    ordered_json operator()(const monitor_event& of) const { return {{"monitor", {{"event", event_json(of)}}}}; }
    ordered_json operator()(const monitor_loss& of) const { return {{"monitor", {{"loss", loss_json(of)}}}}; }
    ordered_json operator()(const monitor_end& of) const { return {{"monitor", {{"end", end_json(of)}}}}; }

    ordered_json operator()(const learn_report& of) const { return {{"learn", learn_json(of)}}; }
    ordered_json operator()(const complaint_report& of) const { return {{"run", complaints_json(of)}}; }

    ordered_json operator()(const bench_result& of) const { return {{"bench", bench_json(*of.found)}}; }
};

std::string print(const ordered_json& content, json_style style) {
    ordered_json document = {{"schema", schema_version}};
    document.update(content);
    return document.dump(style == json_style::pretty ? pretty_indent : -1, ' ', false,
                         ordered_json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const value& of, json_style style) { return print(std::visit(writer(), of), style); }

std::string to_json(const request& of, json_style style) { return print({{"request", request_json(of)}}, style); }

std::string to_json(const error& of, json_style style) { return print({{"error", error_json(of)}}, style); }

}  // namespace secmap::ctl
