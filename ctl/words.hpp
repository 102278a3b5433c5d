// SPDX-License-Identifier: LGPL-2.1-or-later
// Longer words than those of secmap/names.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <secmap/policy_image.hpp>

#include "value.hpp"

namespace secmap::ctl {

inline constexpr std::array<abi, 3> all_abis = {abi::x86_64, abi::x32, abi::i386};

/// "ALLOW": without the data.
[[nodiscard]] std::string action_name(std::uint32_t action);

/// "openat(257)", or "#999" where no name is known.
[[nodiscard]] std::string call_words(abi on, std::uint32_t nr);

/// "argument 0 == 0x8", "argument 2 & 0xff is in table 1".
[[nodiscard]] std::string condition_words(const condition& of);

/// "argument 0 is one of 0x0, 0x8": with what is in the table instead of its number.
[[nodiscard]] std::string condition_words(const told_condition& of);

/// "0x0, 0x8 and 14 more"
[[nodiscard]] std::string some_of(const std::vector<std::uint64_t>& keys);

/// "if" and all of a rule's conditions, with "and" between them; "always" without any.
[[nodiscard]] std::string conditions_words(const std::vector<condition>& of);

/// "errno:EPERM", "value:0", "continue": as --answer takes it.
[[nodiscard]] std::string answer_words(const answer& of);

/// "rule", "helper", "nobody".
[[nodiscard]] std::string_view answered_by_word(answered_by who);

/// "0x2a"
[[nodiscard]] std::string hex(std::uint64_t number);

/// "1 thread", "2 threads"
[[nodiscard]] std::string counted(std::size_t count, std::string_view noun);

/// What a policy is called that is made of this file: as it is, as far as a name can be.
[[nodiscard]] std::string policy_name(const std::string& file);

/// Text of others, with control characters replaced: it cannot steer a terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace secmap::ctl
