// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/simulator.hpp>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "../kernel/kernel.h"
#include "ioctl.hpp"
#include "records.hpp"
#include "tables.hpp"

extern "C" {
#include "rules.h"
#include "tighten.h"
}

namespace secmap {

namespace {

using detail::table_handle;

struct rules_free {
    void operator()(secmap_rules* rules) const noexcept { secmap_rules_free(rules); }
};
using rules_handle = std::unique_ptr<secmap_rules, rules_free>;

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
    return detail::own<rules_handle>(secmap_rules_create(&spec, &why), why, "simulate policy");
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
        auto table = detail::build_table(each);
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

result<std::optional<looser_calls>> simulator::looser_than(const simulator& before) const {
    secmap_looser found = {};
    const int err = secmap_tighten_check(before.state_->rules.get(), state_->rules.get(), &found);
    if (err == 0) return std::optional<looser_calls>();
    if (err != -EXDEV) return detail::explain(-err, "compare policies");
    secmap_why why = {};
    secmap_tighten_refuse(&found, &why);
    looser_calls calls = {
        {}, found.where.nr, {found.was.action, found.was.rule}, {found.is.action, found.is.rule}, why.text};
    if (found.where.abi < SECMAP_ABI_COUNT) calls.on = static_cast<abi>(found.where.abi);
    return std::optional(std::move(calls));
}

std::vector<std::uint32_t> simulator::allowed(abi which) const {
    const unsigned long* bits = secmap_rules_allowed(state_->rules.get(), static_cast<u32>(which));
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < SECMAP_NR_MAX; ++number)
        if ((bits[number / BITS_PER_LONG] >> (number % BITS_PER_LONG) & 1) != 0) numbers.push_back(number);
    return numbers;
}

}  // namespace secmap
