// SPDX-License-Identifier: LGPL-2.1-or-later
// The compiler to maps. Where rules of a call overlap, which of them wins is libseccomp's to say, and it says so only in
// the program that it makes. So this is asked: for each ABI and number the program is followed, what it asks about the
// arguments becomes a graph, and the graph becomes data again: ranges, sets and conjunctions, in an order. What comes
// out decides as that program does by construction, and no order of libseccomp's is copied here.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>
#include <secmap/profile.hpp>

#include "clauses.hpp"
#include "decisions.hpp"
#include "program.hpp"
#include "source_rules.hpp"

namespace secmap {

namespace {

using detail::source_rules;

constexpr std::uint32_t x32_bit = 0x40000000U;
constexpr std::uint32_t answer_enosys = SECCOMP_RET_ERRNO | ENOSYS;

error refused(std::string text, std::string hint) { return {0, "compile profile", std::move(text), std::move(hint)}; }

std::string rule_text(const profile& from, const detail::source_rule& rule) {
    return fmt::format("{}: {} ({})", from.file, rule.path, action_text(rule.action));
}

/// What libseccomp said no to, in the profile's terms.
error explain_refusal(const profile& from, const detail::refused_rule& rule, argument_widths widths) {
    const std::string& path = from.entries[rule.entry].path;
    for (const abi which : from.abis) {
        const auto conflict = source_rules(from, which, widths).conflict_with(rule.entry);
        if (!conflict) continue;
        return refused(fmt::format("{}: {}: {} contradicts {}, which is for the same arguments", from.file, path,
                                   rule.name, conflict->first->path),
                       "libseccomp refuses this too; keep one of the two rules");
    }
    return refused(fmt::format("{}: {}: libseccomp refuses this rule for {}: {}", from.file, path, rule.name,
                               std::strerror(rule.number)),
                   "");
}

std::optional<error> find_overlap(const profile& from, argument_widths widths) {
    for (const abi which : from.abis) {
        const source_rules rules(from, which, widths);
        const auto conflict = rules.first_conflict();
        if (!conflict) continue;
        return refused(fmt::format("{} and {} overlap for {} on {}", rule_text(from, *conflict->first),
                                   conflict->second->path + fmt::format(" ({})", action_text(conflict->second->action)),
                                   call_name(which, conflict->first->number), abi_name(which)),
                       "make their conditions exclude each other, or have overlaps decided as libseccomp decides them");
    }
    return std::nullopt;
}

/// Where runc's stub begins to answer ENOSYS in an ABI: above the largest number that the profile names in it.
std::optional<std::uint32_t> newer_from(const profile& from, abi which) {
    switch (from.default_action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ALLOW:
        case SECCOMP_RET_LOG:
        case SECCOMP_RET_TRACE: return std::nullopt;
        default: break;
    }
    if (from.default_action == answer_enosys) return std::nullopt;
    if (std::find(from.listed.begin(), from.listed.end(), which) == from.listed.end()) return std::nullopt;
    std::uint32_t largest = 0;
    for (const profile_entry& entry : from.entries)
        for (const std::string& name : entry.names)
            if (const auto number = named_number(which, name)) largest = std::max(largest, *number);
    if (largest == 0) return std::nullopt;
    return largest + 1;
}

/// The same questions, where the upper half of an argument that the kernel does not look at is taken as 0.
detail::node_id without_upper_halves(detail::decisions& graph, detail::node_id start, abi which, std::uint32_t number) {
    const std::string name = call_name(which, number);
    for (std::uint8_t arg = 0; arg < 6; ++arg) {
        if (!detail::is_narrow(which, name, arg)) continue;
        detail::arg_range known;
        known.arg = arg;
        known.last[1] = 0;
        start = graph.within(start, known);
    }
    return start;
}

/// Compiles the sections of one profile.
class compiler final {
public:
    compiler(const profile& from, const compile_options& options) : from_(from), options_(options) {}

    [[nodiscard]] result<abi_section> section(abi which);
    [[nodiscard]] std::vector<table_image> take_tables(std::vector<abi_section>& sections) &&;

private:
    [[nodiscard]] std::optional<error> add_call(abi_section& made, std::uint32_t number, detail::decisions& graph,
                                                detail::flattener& lists, const source_rules& rules);

    const profile& from_;
    const compile_options& options_;
    detail::table_pool tables_;
};

result<abi_section> compiler::section(abi which) {
    detail::program_builder builder(from_, options_.widths);
    const auto program = builder.build(which);
    if (!program) {
        if (builder.refused()) return explain_refusal(from_, *builder.refused(), options_.widths);
        return program.error();
    }
    abi_section made;
    made.abi = which;
    made.default_action = from_.default_action;
    if (options_.unknown == unknown_calls::enosys) made.newer_from = newer_from(from_, which);
    if (made.newer_from) made.newer_action = answer_enosys;
    const source_rules rules(from_, which, options_.widths);
    detail::decisions graph(*program);
    detail::flattener lists(graph, tables_, from_.default_action);
    // runc's stub stands in front of everything: what is newer has no rule, whatever libseccomp made of a name.
    const std::uint32_t end = std::min<std::uint32_t>(made.newer_from.value_or(SECMAP_NR_MAX), SECMAP_NR_MAX);
    for (std::uint32_t number = 0; number < end; ++number)
        if (auto failure = add_call(made, number, graph, lists, rules)) return std::move(*failure);
    return made;
}

std::optional<error> compiler::add_call(abi_section& made, std::uint32_t number, detail::decisions& graph,
                                        detail::flattener& lists, const source_rules& rules) {
    const std::uint32_t arch = made.abi == abi::i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    const auto start = graph.of_call(arch, made.abi == abi::x32 ? number | x32_bit : number);
    if (!start) return start.error();
    const bool cuts = options_.widths == argument_widths::as_kernel;
    const auto clauses = lists.clauses_from(cuts ? without_upper_halves(graph, *start, made.abi, number) : *start);
    if (!clauses)
        return refused(fmt::format("{}: the rules for {} on {} need too many clauses", from_.file,
                                   call_name(made.abi, number), abi_name(made.abi)),
                       "use fewer conditions for this call");
    if (clauses->size() == 1 && clauses->front().action == SECCOMP_RET_ALLOW && clauses->front().conditions.empty()) {
        made.allow.push_back(number);
        return std::nullopt;
    }
    for (const detail::clause& at : *clauses) {
        rule next;
        next.nr = number;
        next.action = at.action;
        next.conditions = at.conditions;
        next.origin = rules.origin(number, at.action, at.conditions, tables_.tables());
        if (next.origin.empty() && at.action == from_.default_action) next.origin = "/defaultAction";
        made.rules.push_back(std::move(next));
    }
    return std::nullopt;
}

/// Leaves out tables that were only considered, and numbers the others anew.
std::vector<table_image> compiler::take_tables(std::vector<abi_section>& sections) && {
    auto all = std::move(tables_).take();
    std::vector<table_image> used;
    std::vector<std::optional<std::uint32_t>> place(all.size());
    for (abi_section& section : sections)
        for (rule& at : section.rules)
            for (condition& each : at.conditions) {
                if (each.op != comparison::in && each.op != comparison::not_in) continue;
                auto& to = place[each.table];
                if (!to) {
                    to = static_cast<std::uint32_t>(used.size());
                    used.push_back(std::move(all[each.table]));
                }
                each.table = *to;
            }
    return used;
}

/// Comparisons of what the kernel takes as 32 bits or fewer with something that does not fit there.
std::vector<std::string> beyond_ints(const profile& from, argument_widths widths) {
    std::vector<std::string> notes;
    for (const profile_entry& entry : from.entries)
        for (std::size_t index = 0; index < entry.args.size(); ++index) {
            const profile_arg& arg = entry.args[index];
            const bool masked = arg.op == comparison::masked_eq;
            const std::uint64_t value = masked ? arg.value & arg.value_two : arg.value;
            const bool sign = detail::extends_sign(value);
            if (value <= 0xffffffffU || (sign && widths == argument_widths::as_kernel)) continue;
            std::string narrow;
            for (const std::string& name : entry.names)
                if (detail::is_narrow(abi::x86_64, name, arg.index)) narrow += (narrow.empty() ? "" : ", ") + name;
            if (narrow.empty()) continue;
            notes.push_back(
                fmt::format("{}/args/{}: argument {} of {} has 32 bits, and is compared with {:#x}: {}", entry.path,
                            index, arg.index, narrow, value,
                            sign ? "that is what it is only where its sign was extended (--widths kernel takes both)"
                                 : "none that the kernel tells apart from a smaller one is that large"));
        }
    return notes;
}

std::vector<std::string> skipped(const profile& from) {
    std::vector<std::string> notes;
    for (const profile_entry& entry : from.entries) {
        std::string unknown;
        std::string elsewhere;
        for (const std::string& name : entry.names) {
            const bool exists = call_exists(name);
            const bool here = std::any_of(from.abis.begin(), from.abis.end(),
                                          [&](abi which) { return !call_routes(which, name).empty(); });
            std::string& list = exists ? elsewhere : unknown;
            if (!exists || !here) list += (list.empty() ? "" : ", ") + name;
        }
        if (!unknown.empty()) notes.push_back(fmt::format("{}: unknown calls, skipped: {}", entry.path, unknown));
        if (!elsewhere.empty()) notes.push_back(fmt::format("{}: not calls of these ABIs: {}", entry.path, elsewhere));
        if (entry.action == from.default_action)
            notes.push_back(fmt::format("{}: has the default's action, dropped", entry.path));
    }
    return notes;
}

}  // namespace

result<compiled_profile> compile(const profile& from, const compile_options& options) {
    if (options.overlap == overlap_policy::refuse)
        if (auto overlap = find_overlap(from, options.widths)) return std::move(*overlap);
    compiled_profile made;
    made.image.name = options.name;
    made.image.foreign_action = SECCOMP_RET_KILL_THREAD;
    compiler sections(from, options);
    for (const abi which : from.abis) {
        auto section = sections.section(which);
        if (!section) return std::move(section).error();
        made.image.sections.push_back(std::move(*section));
    }
    made.image.tables = std::move(sections).take_tables(made.image.sections);
    made.notes = skipped(from);
    const auto beyond = beyond_ints(from, options.widths);
    made.notes.insert(made.notes.end(), beyond.begin(), beyond.end());
    return made;
}

}  // namespace secmap
