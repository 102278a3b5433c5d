// SPDX-License-Identifier: LGPL-2.1-or-later
// seccomp's dialect of classic BPF, interpreted.
#pragma once

#include <cstdint>
#include <span>

#include <linux/filter.h>
#include <linux/seccomp.h>

namespace secmap::diff {

/// Would the kernel take this program? Throws std::invalid_argument with the instruction that it would not. Its length
/// is not looked at: what is compared here may be longer than seccomp(2) takes.
void check(std::span<const sock_filter> program);

/// What a checked program returns for a call.
[[nodiscard]] std::uint32_t run(std::span<const sock_filter> program, const seccomp_data& call) noexcept;

}  // namespace secmap::diff
