// SPDX-License-Identifier: LGPL-2.1-or-later
#include "random_image.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/audit.h>

#include <secmap/secmap.h>

namespace secmap::diff {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000;
constexpr std::uint32_t numbers = 12;  ///< those with rules, so that calls meet them
constexpr std::array<std::uint32_t, 8> edges = {0,    1,          SECMAP_NR_MAX - 1, SECMAP_NR_MAX,
                                                5000, 0x3fffffff, 0x7fffffff,        ~0U};

}  // namespace

/// Few values, and their neighbours: what is asked about is often what is passed. Both halves matter.
std::uint64_t random_image::value() {
    constexpr std::array<std::uint64_t, 6> words = {0, 1, 0x10, 0x7fffffff, 0x80000000, 0xffffffff};
    const std::uint64_t low = words.at(below(words.size())) + below(3) - 1;
    const std::uint64_t high = below(2) == 0 ? 0 : words.at(below(words.size()));
    return high << 32 | (low & 0xffffffffU);
}

std::uint32_t random_image::action() {
    constexpr std::array<std::uint32_t, 5> actions = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_LOG,
                                                      SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP | 7};
    return actions.at(below(actions.size()));
}

condition random_image::one_condition() {
    condition made;
    made.arg = static_cast<std::uint8_t>(below(2));
    made.op = static_cast<comparison>(below(SECMAP_OP_COUNT));
    made.width = below(3) == 0 ? 32 : 64;
    const std::uint64_t width_mask = made.width == 32 ? 0xffffffffU : ~std::uint64_t{0};
    const bool member = made.op == comparison::in || made.op == comparison::not_in;
    if (member)
        made.table = static_cast<std::uint32_t>(below(image_.tables.size()));
    else
        made.value = value() & width_mask;
    if (member || made.op == comparison::masked_eq)
        made.mask = (below(2) == 0 ? ~std::uint64_t{0} : value()) & width_mask;
    return made;
}

table_image random_image::one_table() {
    table_image made;
    made.bitmap = below(2) == 0;
    const std::uint64_t count = below(4) == 0 ? 200 : below(6);
    for (std::uint64_t i = 0; i < count; ++i) made.keys.push_back(made.bitmap ? below(600) : value() + below(40));
    std::ranges::sort(made.keys);
    made.keys.erase(std::unique(made.keys.begin(), made.keys.end()), made.keys.end());
    made.max_entries = made.bitmap ? 600 : static_cast<std::uint32_t>(std::max<std::size_t>(made.keys.size(), 1));
    if (!made.bitmap && below(2) == 0)
        for (std::size_t i = 0; i < made.keys.size(); ++i) made.values.push_back(below(4));
    return made;
}

abi_section random_image::one_section(abi which) {
    abi_section made;
    made.abi = which;
    made.default_action = action();
    if (below(2) == 0) {
        made.newer_from = below(2) == 0 ? static_cast<std::uint32_t>(below(2 * numbers)) : edges.at(below(7));
        made.newer_action = action();
    }
    for (std::uint32_t number = 0; number < 2 * numbers; ++number) {
        if (below(3) == 0) {
            made.allow.push_back(number);
            continue;
        }
        const std::uint64_t rules = number < numbers ? below(5) : 0;
        for (std::uint64_t i = 0; i < rules; ++i) {
            rule next;
            next.nr = number;
            next.action = action();
            const std::uint64_t conditions = below(4);
            for (std::uint64_t j = 0; j < conditions; ++j) next.conditions.push_back(one_condition());
            made.rules.push_back(next);
            if (conditions == 0) break;
        }
    }
    return made;
}

random_image::random_image(std::uint64_t seed) : random_(seed) {
    image_.name = "image";
    image_.foreign_action = action();
    for (int i = 0; i < 4; ++i) image_.tables.push_back(one_table());
    for (const abi which : {abi::x86_64, abi::x32, abi::i386})
        if (below(4) != 0) image_.sections.push_back(one_section(which));
    if (image_.sections.empty()) image_.sections.push_back(one_section(abi::x86_64));
}

seccomp_data random_image::call() {
    seccomp_data made = {};
    made.arch = below(2) == 0 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    if (below(50) == 0) made.arch = AUDIT_ARCH_AARCH64;
    std::uint32_t number = static_cast<std::uint32_t>(below(2 * numbers + 1));
    if (below(8) == 0) number = edges.at(below(edges.size()));
    if (below(3) == 0) number |= x32_bit;
    made.nr = static_cast<int>(number);
    made.instruction_pointer = random_();
    for (auto& each : made.args) {
        each = value() + below(3) - 1;
        const table_image& table = image_.tables[below(image_.tables.size())];
        if (below(2) == 0 && !table.keys.empty()) each = table.keys[below(table.keys.size())] + below(2);
    }
    return made;
}

}  // namespace secmap::diff
