// SPDX-License-Identifier: LGPL-2.1-or-later
// From a policy of kind MAPS to programs that decide the same of every call.
#pragma once

#include <secmap/ebpf_image.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// To eBPF: plainly allowed numbers and sets stay tables, which are looked into. Errors: it takes more instructions, or
/// more tables, than a program may have.
[[nodiscard]] result<ebpf_image> compile_ebpf(const policy_image& from);

/// To classic BPF, for all ABIs in one program: numbers and sets are found by binary search. Errors: it takes more
/// instructions than a program may have.
[[nodiscard]] result<filter_program> compile_cbpf(const policy_image& from);

}  // namespace secmap
