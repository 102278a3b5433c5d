// SPDX-License-Identifier: LGPL-2.1-or-later
// Bits and codes of the ABI by name: what both printers call the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "value.hpp"

namespace secmap::ctl {

/// "MAPS": of SECMAP_FEATURE_* bits. Those without a name are shown as a number.
[[nodiscard]] std::vector<std::string> feature_bit_names(std::uint64_t bits);

/// "maps": of SECMAP_POLICY_*.
[[nodiscard]] std::string kind_name(std::uint32_t kind);

/// Is a policy of this kind a program?
[[nodiscard]] bool is_program(std::uint32_t kind) noexcept;

/// "bitmap", "hash", "bpf_map".
[[nodiscard]] std::string table_kind_name(table_kind of);

/// "nr", "args[0]": of the words of struct seccomp_data, a bit each.
[[nodiscard]] std::vector<std::string> field_names(std::uint32_t words);

/// "unknown", "works", "broken".
[[nodiscard]] std::string skipping_name(call_skipping of);

/// "off", "privileged", "all".
[[nodiscard]] std::string loading_name(ebpf_loading of);
[[nodiscard]] std::string selective_name(selective_flag of);

/// "yes", "no", "unknown": whether a policy would be enforced here.
[[nodiscard]] std::string enforcement(const feature_report& of);

/// "rule", "allow", "default", "newer", "foreign".
[[nodiscard]] std::string decision_kind(const verdict& of);

/// The ABIs that a policy has a section for.
[[nodiscard]] std::vector<abi> abis_of(const policy_info& of);

}  // namespace secmap::ctl
