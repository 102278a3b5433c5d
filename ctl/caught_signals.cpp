// SPDX-License-Identifier: LGPL-2.1-or-later
#include "caught_signals.hpp"

#include <cerrno>
#include <cstring>

#include <sys/signalfd.h>

namespace secmap::ctl {

result<caught_signals> catch_signals(std::span<const int> which) {
    sigset_t caught = {};
    sigset_t before = {};
    sigemptyset(&caught);
    for (const int each : which) sigaddset(&caught, each);
    sigprocmask(SIG_BLOCK, &caught, &before);
    const int number = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
    if (number < 0) return error{errno, "wait for signals", std::strerror(errno), ""};
    return caught_signals{descriptor(number), before};
}

}  // namespace secmap::ctl
