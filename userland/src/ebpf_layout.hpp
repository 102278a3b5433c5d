// SPDX-License-Identifier: LGPL-2.1-or-later
// The order of a program's blocks. Not installed.
#pragma once

#include <secmap/ebpf_image.hpp>

namespace secmap::detail {

/// Compilers lay blocks out as they like, so that a program without a loop may jump back; programs of the subset only
/// jump forward. Puts the blocks in an order in which they do. What has a loop, jumps to nowhere or is not reached stays
/// as it is: the verifier says what is wrong with it.
void straighten(ebpf_image& of);

}  // namespace secmap::detail
