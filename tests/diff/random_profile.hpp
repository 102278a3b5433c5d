// SPDX-License-Identifier: LGPL-2.1-or-later
// Profiles that nobody would write: few calls, many rules that overlap.
#pragma once

#include <cstdint>
#include <string>

namespace secmap::diff {

/// A profile as JSON text; the same one for the same seed.
[[nodiscard]] std::string random_profile(std::uint64_t seed);

}  // namespace secmap::diff
