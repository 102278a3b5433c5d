// SPDX-License-Identifier: LGPL-2.1-or-later
// A policy of kind MAPS as a value: what the compiler makes, the device takes and the
// simulator runs. The meaning of each member is that of secmap/secmap.h.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace secmap {

enum class abi : std::uint8_t { x86_64 = 0, x32 = 1, i386 = 2 };

enum class comparison : std::uint8_t { eq, ne, lt, le, gt, ge, masked_eq, in, not_in };

struct condition {
    std::uint8_t arg = 0;
    comparison op = comparison::eq;
    std::uint8_t width = 64;
    std::uint32_t table = 0;  ///< in, not_in: index into policy_image::tables
    std::uint64_t value = 0;
    std::uint64_t mask = 0;
    auto operator<=>(const condition&) const = default;
};

struct rule {
    std::uint32_t nr = 0;
    std::uint32_t action = 0;  ///< SECCOMP_RET_* with its data
    std::vector<condition> conditions;
    std::string origin;  ///< where it comes from: "/syscalls/3", for explain; not sent to the kernel
};

struct abi_section {
    secmap::abi abi = secmap::abi::x86_64;
    std::uint32_t default_action = 0;
    std::optional<std::uint32_t> newer_from;
    std::uint32_t newer_action = 0;
    std::vector<std::uint32_t> allow;  ///< sorted, no number twice
    std::vector<rule> rules;           ///< sorted by number; first match decides
};

struct table_image {
    bool bitmap = false;
    std::uint32_t max_entries = 0;
    std::vector<std::uint64_t> keys;
    std::vector<std::uint64_t> values;  ///< empty: all 0
};

struct policy_image {
    std::string name;
    std::uint32_t foreign_action = 0;
    std::vector<abi_section> sections;
    std::vector<table_image> tables;
};

}  // namespace secmap
