// SPDX-License-Identifier: LGPL-2.1-or-later
// Which calls a supervisor is asked about, in a policy and by name.
#pragma once

#include <string>
#include <vector>

#include <secmap/listener.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// Allows everything, on every ABI.
[[nodiscard]] policy_image open_image(std::string name);

/// Does an ABI of this machine have a call of this name?
[[nodiscard]] bool is_call(const std::string& name);

/// What @p image said about these calls is replaced by USER_NOTIF, whatever their arguments are, on each ABI that it has
/// a section for. On i386 the operations of socketcall and ipc are calls, too.
[[nodiscard]] result<void> ask_about(policy_image& image, const std::vector<std::string>& names);

/// Can @p image answer USER_NOTIF?
[[nodiscard]] bool asks(const policy_image& image);

/// Can it for this call?
[[nodiscard]] bool asks_about(const policy_image& image, const std::string& name);

[[nodiscard]] request to_request(const notification& from);

/// Is it a call of this name, or the operation of a multiplexer with this name?
[[nodiscard]] bool is_named(const call_facts& call, const std::string& name);

}  // namespace secmap::ctl
