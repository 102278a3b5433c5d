// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals that wait until they are read.
#pragma once

#include <csignal>
#include <span>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap::ctl {

struct caught_signals {
    descriptor file;  ///< a signalfd
    sigset_t before;  ///< what was blocked
};

/// These do not end us any more.
[[nodiscard]] result<caught_signals> catch_signals(std::span<const int> which);

}  // namespace secmap::ctl
