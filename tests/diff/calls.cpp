// SPDX-License-Identifier: LGPL-2.1-or-later
#include "calls.hpp"

#include <algorithm>
#include <cstring>

#include <linux/audit.h>

#include <secmap/names.hpp>

namespace secmap::diff {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000U;

constexpr std::array<std::uint32_t, 5> foreign = {AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, AUDIT_ARCH_S390X, 0, ~0U};

/// Numbers that no policy names: the first of x32, those with bit 31, what a tracer writes to skip a call.
constexpr std::array<std::uint32_t, 16> odd_numbers = {
    1023,        1024,        1025,        0x3fffffffU, 0x40000000U, 0x40000001U, 0x400003ffU, 0x40000400U,
    0x7fffffffU, 0x80000000U, 0x80000001U, 0xbfffffffU, 0xc0000000U, 0xfffffffdU, 0xfffffffeU, 0xffffffffU};

constexpr std::uint32_t numbers = 512;

/// A datum, its neighbours, and all of them with other upper halves.
void add_near(std::vector<std::uint64_t>& to, std::uint64_t datum) {
    for (const std::uint64_t value : {datum - 1, datum, datum + 1}) {
        to.push_back(value);
        for (const std::uint64_t high : {0ULL, 1ULL, 0xffffffffULL}) to.push_back((high << 32) | (value & 0xffffffffU));
    }
}

void add_masked(std::vector<std::uint64_t>& to, std::uint64_t mask, std::uint64_t datum) {
    add_near(to, datum);
    add_near(to, datum & mask);
    add_near(to, (datum & mask) | ~mask);
    for (std::uint64_t bits = mask; bits != 0; bits &= bits - 1) to.push_back((datum & mask) ^ (bits & -bits));
}

void tidy(std::vector<std::uint64_t>& all) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
}

seccomp_data make(std::uint32_t arch, std::uint32_t number) {
    seccomp_data call = {};
    call.arch = arch;
    call.nr = static_cast<int>(number);
    return call;
}

}  // namespace

interesting_calls::interesting_calls(const reference& from, std::uint64_t seed) : random_(seed) {
    for (const reference_rule& rule : from.rules()) learn(rule);
    for (auto& [at, args] : known_) {
        bool conditional = false;
        for (values& each : args) {
            conditional = conditional || !each.empty();
            tidy(each);
        }
        named_.push_back(at);
        if (conditional) conditional_.push_back(at);
    }
}

void interesting_calls::learn(const reference_rule& rule) {
    for (const abi which : {abi::x86_64, abi::x32, abi::i386})
        for (const call_route& route : call_routes(which, rule.name)) {
            const std::uint32_t arch = which == abi::i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
            const std::uint32_t number = route.number | (which == abi::x32 ? x32_bit : 0);
            const std::uint64_t operation = route.operation.value_or(0);
            learn({arch, number}, rule, route.operation ? &operation : nullptr);
        }
}

void interesting_calls::learn(const place& at, const reference_rule& rule, const std::uint64_t* operation) {
    auto& args = known_[at];
    if (operation != nullptr) add_near(args[0], *operation);
    for (const scmp_arg_cmp& each : rule.args) {
        if (each.op == SCMP_CMP_MASKED_EQ)
            add_masked(args.at(each.arg), each.datum_a, each.datum_b);
        else
            add_near(args.at(each.arg), each.datum_a);
    }
}

void interesting_calls::edges(std::size_t most, const std::function<void(const seccomp_data&)>& visit) {
    constexpr std::array<std::uint32_t, 4> architectures = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0};
    for (const std::uint32_t arch : architectures) {
        for (std::uint32_t number = 0; number < 1100; ++number) visit(make(arch, number));
        for (std::uint32_t number = 0; number < 1100; ++number) visit(make(arch, number | x32_bit));
        for (const std::uint32_t number : odd_numbers) visit(make(arch, number));
    }
    for (const place& at : conditional_) {
        const auto& args = known_.at(at);
        seccomp_data call = make(at.first, at.second);
        std::size_t all = 1;
        for (const values& each : args) all = std::min(most + 1, all * std::max<std::size_t>(each.size(), 1));
        if (all > most) {
            for (std::size_t i = 0; i < most; ++i) {
                for (std::size_t arg = 0; arg < 6; ++arg)
                    call.args[arg] = args[arg].empty() ? 0 : args[arg][below(args[arg].size())];
                visit(call);
            }
            continue;
        }
        for (std::size_t which = 0; which < all; ++which) {
            std::size_t rest = which;
            for (std::size_t arg = 0; arg < 6; ++arg) {
                if (args[arg].empty()) continue;
                call.args[arg] = args[arg][rest % args[arg].size()];
                rest /= args[arg].size();
            }
            visit(call);
        }
    }
}

interesting_calls::place interesting_calls::random_place() {
    const std::uint64_t dice = below(100);
    if (dice < 45 && !conditional_.empty()) return conditional_[below(conditional_.size())];
    if (dice < 70 && !named_.empty()) return named_[below(named_.size())];
    const auto number = static_cast<std::uint32_t>(below(numbers));
    if (dice < 76) return {foreign[below(foreign.size())], number};
    const std::uint32_t arch = dice % 3 == 0 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    if (dice < 80) return {arch, odd_numbers[below(odd_numbers.size())]};
    if (dice < 82) return {arch, static_cast<std::uint32_t>(random_())};
    return {arch, dice % 3 == 1 ? number | x32_bit : number};
}

std::uint64_t interesting_calls::random_value(const values& known) {
    switch (below(8)) {
        case 0: return random_();
        case 1: return random_() >> 32;
        case 2: return below(64);
        case 3: return ~below(64);
        default: break;
    }
    if (known.empty()) return below(16);
    const std::uint64_t value = known[below(known.size())];
    // Now and then one bit of it is wrong.
    return below(6) == 0 ? value ^ (1ULL << below(64)) : value;
}

seccomp_data interesting_calls::next() {
    const place at = random_place();
    seccomp_data call = make(at.first, at.second);
    call.instruction_pointer = random_();
    const auto found = known_.find(at);
    for (std::size_t arg = 0; arg < 6; ++arg)
        call.args[arg] = random_value(found == known_.end() ? values() : found->second[arg]);
    return call;
}

}  // namespace secmap::diff
