// SPDX-License-Identifier: LGPL-2.1-or-later
// What a profile would have to say for a call that it denies to be made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <secmap/policy_image.hpp>

#include "profile_options.hpp"
#include "value.hpp"

namespace secmap::ctl {

/// Arguments, ascending, that any rule for this call looks at: the others do not change what becomes of it.
[[nodiscard]] std::vector<std::uint8_t> compared_arguments(const policy_image& in, const call_facts& call);

/// Its place in the profile; empty: it is not a rule that decided.
[[nodiscard]] std::string origin_of(const policy_image& in, const call_facts& call, const verdict& by);

/// The smallest change that was found to allow it: each is compiled and asked.
[[nodiscard]] remedy find_remedy(const loaded_profile& from, const call_facts& denied, const verdict& by);

}  // namespace secmap::ctl
