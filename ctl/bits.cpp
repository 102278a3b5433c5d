// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bits.hpp"

#include <array>

#include <secmap/secmap.h>

#include "words.hpp"

namespace secmap::ctl {

namespace {

struct named_bit {
    std::uint64_t bit;
    const char* name;
};

constexpr std::array<named_bit, 12> feature_bits = {{
    {SECMAP_FEATURE_MAPS, "MAPS"},
    {SECMAP_FEATURE_CBPF, "CBPF"},
    {SECMAP_FEATURE_TSYNC, "TSYNC"},
    {SECMAP_FEATURE_LISTENER, "LISTENER"},
    {SECMAP_FEATURE_EBPF, "EBPF"},
    {SECMAP_FEATURE_REPLACE, "REPLACE"},
    {SECMAP_FEATURE_TIGHTEN, "TIGHTEN"},
    {SECMAP_FEATURE_RECORD, "RECORD"},
    {SECMAP_FEATURE_COMPLAIN, "COMPLAIN"},
    {SECMAP_FEATURE_STATS, "STATS"},
    {SECMAP_FEATURE_PHASE, "PHASE"},
    {SECMAP_FEATURE_UPDATE, "UPDATE"},
}};

}  // namespace

std::vector<std::string> feature_bit_names(std::uint64_t bits) {
    std::vector<std::string> found;
    for (const named_bit& each : feature_bits) {
        if (bits & each.bit) found.emplace_back(each.name);
        bits &= ~each.bit;
    }
    if (bits != 0) found.push_back(hex(bits));
    return found;
}

std::string kind_name(std::uint32_t kind) {
    switch (kind) {
        case SECMAP_POLICY_MAPS: return "maps";
        case SECMAP_POLICY_CBPF: return "cbpf";
        case SECMAP_POLICY_EBPF: return "ebpf";
        default: return std::to_string(kind);
    }
}

bool is_program(std::uint32_t kind) noexcept { return kind != SECMAP_POLICY_MAPS; }

std::string table_kind_name(table_kind of) {
    switch (of) {
        case table_kind::bitmap: return "bitmap";
        case table_kind::hash: return "hash";
        case table_kind::bpf_map: break;
    }
    return "bpf_map";
}

std::vector<std::string> field_names(std::uint32_t words) {
    constexpr std::array<const char*, 9> fields = {
        "nr", "arch", "instruction_pointer", "args[0]", "args[1]", "args[2]", "args[3]", "args[4]", "args[5]"};
    std::vector<std::string> found;
    for (std::size_t each = 0; each < fields.size(); ++each) {
        // The first two fields have one word each, the others two.
        const std::uint32_t of_field = each < 2 ? 1U << each : 3U << (2 * each - 2);
        if ((words & of_field) != 0) found.emplace_back(fields[each]);
    }
    return found;
}

std::string skipping_name(call_skipping of) {
    switch (of) {
        case call_skipping::works: return "works";
        case call_skipping::broken: return "broken";
        case call_skipping::unknown: break;
    }
    return "unknown";
}

std::string loading_name(ebpf_loading of) {
    switch (of) {
        case ebpf_loading::privileged: return "privileged";
        case ebpf_loading::all: return "all";
        case ebpf_loading::off: break;
    }
    return "off";
}

std::string selective_name(selective_flag of) {
    switch (of) {
        case selective_flag::on: return "on";
        case selective_flag::waits: return "waits";
        case selective_flag::unavailable: return "unavailable";
        case selective_flag::off: break;
    }
    return "off";
}

std::string enforcement(const feature_report& of) {
    if (!of.info || of.info->skipping == call_skipping::broken) return "no";
    return of.info->skipping == call_skipping::works ? "yes" : "unknown";
}

std::string decision_kind(const verdict& of) {
    switch (of.rule) {
        case SECMAP_RULE_ALLOW: return "allow";
        case SECMAP_RULE_DEFAULT: return "default";
        case SECMAP_RULE_NEWER: return "newer";
        case SECMAP_RULE_FOREIGN: return "foreign";
        case SECMAP_RULE_PROGRAM: return "program";
        default: return "rule";
    }
}

std::vector<abi> abis_of(const policy_info& of) {
    std::vector<abi> found;
    for (const abi each : all_abis)
        if (of.abis & (1U << static_cast<unsigned>(each))) found.push_back(each);
    return found;
}

}  // namespace secmap::ctl
