// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of calls, actions, ABIs, operators and errnos, in both directions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <secmap/policy_image.hpp>

namespace secmap {

/// "x86_64", "x32", "i386".
[[nodiscard]] std::string_view abi_name(abi which) noexcept;
[[nodiscard]] std::optional<abi> abi_from_name(std::string_view name) noexcept;

/// "==", "&==", "in" ...
[[nodiscard]] std::string_view comparison_name(comparison op) noexcept;

/// A SECCOMP_RET_* value for people: "ALLOW", "ERRNO(1 EPERM)", "TRACE(7)".
[[nodiscard]] std::string action_text(std::uint32_t action);

/// "EPERM" to 1.
[[nodiscard]] std::optional<std::uint32_t> errno_from_name(std::string_view name) noexcept;

/// The number of a call in an ABI, without the x32 bit; nothing if the ABI does not have the call.
[[nodiscard]] std::optional<std::uint32_t> call_number(abi which, const std::string& name);

/// As libseccomp resolves a name when it is asked for one ABI: nothing also for calls of i386 that have a number, but
/// are operations of a multiplexer.
[[nodiscard]] std::optional<std::uint32_t> named_number(abi which, const std::string& name);

/// The name of a call, or "#449" where no name is known.
[[nodiscard]] std::string call_name(abi which, std::uint32_t number);

/// Does any ABI of any machine know a call of this name?
[[nodiscard]] bool call_exists(const std::string& name);

/// One way of making a call: by its number, or as operation @ref operation of a multiplexer (socketcall, ipc).
struct call_route {
    std::uint32_t number = 0;
    std::optional<std::uint32_t> operation;  ///< must equal the first argument
};

/// All ways of making a call in an ABI.
[[nodiscard]] std::vector<call_route> call_routes(abi which, const std::string& name);

}  // namespace secmap
