// SPDX-License-Identifier: LGPL-2.1-or-later
// What a policy does with a call, as one would say it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/simulator.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// "allowed", "denied, EPERM", "denied, and its process is killed".
[[nodiscard]] std::string fate_words(std::uint32_t action);

/// "by rule 3", "by the default", "since it is newer than the profile".
[[nodiscard]] std::string decider_words(const verdict& of);

/// "openat", "clone with CLONE_NEWUSER|SIGCHLD": the call and the arguments that were given.
[[nodiscard]] std::string subject_words(const call_facts& of);

/// "argument 0 (family) is AF_NETLINK", "argument 0 (clone_flags) has none of CLONE_NEWNS|CLONE_NEWUSER".
[[nodiscard]] std::string spoken(abi on, const std::string& call, const condition& of,
                                 const std::vector<table_image>& tables);

/// All that must hold, with "and" between; empty without conditions.
[[nodiscard]] std::string spoken(abi on, const std::string& call, const rule& of,
                                 const std::vector<table_image>& tables);

/// "clone with CLONE_NEWUSER is denied, EPERM, by the default".
[[nodiscard]] std::string sentence(const call_facts& about, const verdict& decided);

/// "socket is denied, EINVAL, by rule 26 if ...; otherwise allowed by rule 27": all rules of a number, the first of which
/// that holds decides, from the one with this index on.
[[nodiscard]] std::string sentence(abi on, const std::vector<rule>& rules, std::size_t index, std::uint32_t otherwise,
                                   const std::vector<table_image>& tables);

}  // namespace secmap::ctl
