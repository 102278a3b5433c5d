// SPDX-License-Identifier: LGPL-2.1-or-later
// The arguments of system calls, as the kernel's source declares them. Not installed.
#pragma once

#include <span>
#include <string_view>

namespace secmap::detail {

struct call_signature {
    std::string_view name;
    std::string_view arguments;  ///< "dfd:32 filename flags:32 mode:16"
};

/// By name, ascending: of x86-64; those that x32 has otherwise; those that i386 has otherwise, once registers are cut to
/// 32 bits, or alone.
[[nodiscard]] std::span<const call_signature> native_signatures() noexcept;
[[nodiscard]] std::span<const call_signature> x32_signatures() noexcept;
[[nodiscard]] std::span<const call_signature> i386_signatures() noexcept;

}  // namespace secmap::detail
