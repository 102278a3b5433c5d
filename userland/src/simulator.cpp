// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/simulator.hpp>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "../kernel/kernel.h"
#include "records.hpp"

extern "C" {
#include "rules.h"
#include "table.h"
}

namespace secmap {

namespace {

struct table_free {
    void operator()(secmap_table* table) const noexcept { secmap_table_free(table); }
};
struct rules_free {
    void operator()(secmap_rules* rules) const noexcept { secmap_rules_free(rules); }
};
using table_handle = std::unique_ptr<secmap_table, table_free>;
using rules_handle = std::unique_ptr<secmap_rules, rules_free>;

/// What the module's files return: a pointer, or an errno in its place.
template <typename Handle, typename Pointer>
result<Handle> own(Pointer* made, const secmap_why& why, const char* operation) {
    if (!IS_ERR(made)) return Handle(made);
    const int number = static_cast<int>(-PTR_ERR(made));
    return error{number, operation, why.text[0] != '\0' ? why.text : std::strerror(number), ""};
}

result<table_handle> build(const table_image& image) {
    secmap_why why = {};
    if (!image.values.empty() && image.values.size() != image.keys.size())
        return error{EINVAL, "simulate table", "there are not as many values as keys", ""};
    secmap_table_spec spec = {};
    spec.type = image.bitmap ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH;
    spec.max_entries = image.max_entries;
    spec.count = static_cast<std::uint32_t>(image.keys.size());
    spec.keys = reinterpret_cast<const u64*>(image.keys.data());
    spec.values = image.values.empty() ? nullptr : reinterpret_cast<const u64*>(image.values.data());
    return own<table_handle>(secmap_table_create(&spec, &why), why, "simulate table");
}

result<rules_handle> build(const policy_image& image, const std::vector<table_handle>& tables) {
    detail::policy_records records(image);
    std::vector<secmap_abi_spec> sections;
    for (const secmap_abi& record : records.sections()) {
        secmap_abi_spec section = {};
        section.abi = record;
        section.allow = reinterpret_cast<const u64*>(record.allow);
        section.rules = reinterpret_cast<const secmap_rule*>(record.rules);
        section.conds = reinterpret_cast<const secmap_cond*>(record.conds);
        sections.push_back(section);
    }
    std::vector<const secmap_table*> pointers;
    for (const table_handle& table : tables) pointers.push_back(table.get());
    secmap_rules_spec spec = {};
    spec.foreign_action = image.foreign_action;
    spec.abi_count = static_cast<std::uint32_t>(sections.size());
    spec.abis = sections.data();
    spec.table_count = static_cast<std::uint32_t>(pointers.size());
    spec.tables = pointers.data();
    secmap_why why = {};
    return own<rules_handle>(secmap_rules_create(&spec, &why), why, "simulate policy");
}

}  // namespace

struct simulator::state {
    std::vector<table_handle> tables;  ///< outlive the rules
    rules_handle rules;
};

simulator::simulator(std::unique_ptr<state> content) noexcept : state_(std::move(content)) {}
simulator::simulator(simulator&&) noexcept = default;
simulator& simulator::operator=(simulator&&) noexcept = default;
simulator::~simulator() = default;

result<simulator> simulator::create(const policy_image& image) {
    auto content = std::make_unique<state>();
    for (const table_image& each : image.tables) {
        auto table = build(each);
        if (!table) return std::move(table).error();
        content->tables.push_back(std::move(*table));
    }
    auto rules = build(image, content->tables);
    if (!rules) return std::move(rules).error();
    content->rules = std::move(*rules);
    return simulator(std::move(content));
}

verdict simulator::judge(const seccomp_data& call) const noexcept {
    const secmap_verdict answer = secmap_rules_eval(state_->rules.get(), &call);
    return {answer.action, answer.rule};
}

std::uint32_t simulator::allowed_count(abi which) const noexcept {
    return secmap_rules_facts(state_->rules.get())->allow_count[static_cast<std::size_t>(which)];
}

}  // namespace secmap
