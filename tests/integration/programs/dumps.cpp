// SPDX-License-Identifier: LGPL-2.1-or-later
// dumps policies|tables|tasks|counts|counts_each [POLICY]: what secmap::dumps says there is, as JSON in the words of
// secmap.yaml. A failure is printed as "errno text (hint)", with status 1.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <secmap/secmap.h>
#include <secmap/dumps.hpp>

namespace {

using nlohmann::json;
using secmap::counted_by;

json shown(const secmap::policy_info& of) {
    json made = {{"id", of.id},     {"name", of.name},       {"uid", of.uid},
                 {"kind", of.kind}, {"stacks", of.stacks},   {"bytes", of.bytes},
                 {"cost", of.cost}, {"actions", of.actions}, {"table-count", of.tables}};
    const bool maps = of.kind == SECMAP_POLICY_MAPS;
    if (of.sealed) made["sealed"] = true;
    if (of.counted) made["counted"] = true;
    if (maps) made["foreign-action"] = of.foreign_action;
    if (!maps) made["filter-len"] = of.filter_length;
    if (!maps) made["insns"] = of.instructions;
    for (std::size_t abi = 0; abi < of.sections.size(); abi++) {
        const auto& section = of.sections.at(abi);
        if (maps && (of.abis & 1U << abi) == 0) continue;
        json part = {{"id", abi}, {"allow-count", section.allowed}};
        if (maps) part["rule-count"] = section.rules;
        if (maps) part["cond-count"] = section.conditions;
        if (maps) part["default-action"] = section.default_action;
        made["abi"].push_back(part);
    }
    return made;
}

json shown(const secmap::dumped_table& of) {
    json made = {{"id", of.id},       {"name", of.name},        {"uid", of.uid},
                 {"type", of.type},   {"bytes", of.bytes},      {"max-entries", of.max_entries},
                 {"count", of.count}, {"policies", of.policies}};
    if (of.sealed) made["sealed"] = true;
    return made;
}

json shown(const secmap::dumped_task& of) {
    json made = {{"pid", of.pid}, {"tid", of.tid}, {"comm", of.comm}};
    for (const auto& each : of.entries) {
        json entry = {{"policy", each.policy}, {"flags", each.flags}};
        if (each.listener) entry["listener"] = true;
        if (each.recorder) entry["recorder"] = true;
        if (each.waiting) entry["waiting"] = true;
        made["entry"].push_back(entry);
    }
    return made;
}

json shown(const secmap::dumped_count& of) {
    json made = {{"policy", of.policy},
                 {"abi", static_cast<unsigned>(of.count.abi)},
                 {"rule", of.count.rule},
                 {"action", of.count.action},
                 {"count", of.count.calls}};
    if (of.count.nr != SECMAP_NR_NONE) made["nr"] = of.count.nr;
    if (of.cpu) made["cpu"] = *of.cpu;
    return made;
}

int failed(const secmap::error& why) {
    std::printf("%s %s (%s)\n", strerrorname_np(why.number), why.text.c_str(), why.hint.c_str());
    return 1;
}

template <typename T>
int show(const secmap::result<secmap::dump<T>>& of) {
    if (!of) return failed(of.error());
    json made = {{"found", json::array()}, {"changed", of->changed}};
    for (const T& each : of->found) made["found"].push_back(shown(each));
    std::printf("%s\n", made.dump().c_str());
    return 0;
}

int ask(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    std::optional<std::uint32_t> policy;
    if (argc > 2) policy = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
    auto from = secmap::dumps::open();
    if (!from) return failed(from.error());
    if (what == "policies") return show(from->policies());
    if (what == "tables") return show(from->tables());
    if (what == "tasks") return show(from->tasks());
    if (what == "counts") return show(from->counts(policy));
    if (what == "counts_each") return show(from->counts(policy, counted_by::each_processor));
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return ask(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "dumps: %s\n", failure.what());
        return 2;
    }
}
