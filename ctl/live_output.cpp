// SPDX-License-Identifier: LGPL-2.1-or-later
#include "live_output.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "caught_signals.hpp"
#include "write_all.hpp"

namespace secmap::ctl {

result<live_output> live_output::open(format wanted) {
    constexpr std::array<int, 2> ending = {SIGINT, SIGTERM};
    auto signals = catch_signals(ending);
    if (!signals) return std::move(signals).error();
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of write()
    return live_output(std::move(signals->file), wanted);
}

void live_output::end() noexcept {
    if (state_ == state::goes_on) state_ = state::ends;
}

// Without an event, too, a reader that goes away is noticed.
result<void> live_output::wait(int source, int milliseconds) {
    const int reader = state_ == state::nobody_reads ? -1 : STDOUT_FILENO;
    std::array<pollfd, 3> all = {pollfd{source, POLLIN, 0}, pollfd{signals_.number(), POLLIN, 0}, pollfd{reader, 0, 0}};
    if (poll(all.data(), all.size(), milliseconds) < 0 && errno != EINTR)
        return error{errno, "wait for events", std::strerror(errno), ""};
    if (all[2].revents != 0) state_ = state::nobody_reads;
    signalled_ = signalled_ || all[1].revents != 0;
    if (signalled_) end();
    return {};
}

// A reader that is slow does not keep a signal from ending us. A whole line fits where there is room at all.
bool live_output::wait_for_room() {
    for (;;) {
        std::array<pollfd, 2> all = {pollfd{STDOUT_FILENO, POLLOUT, 0},
                                     pollfd{signalled_ ? -1 : signals_.number(), POLLIN, 0}};
        if (poll(all.data(), all.size(), signalled_ ? 0 : -1) < 0 && errno != EINTR) return false;
        if (all[0].revents != 0) return true;
        if (signalled_) return false;
        signalled_ = all[1].revents != 0;
    }
}

bool live_output::say(const value& what, patience with) {
    if (state_ == state::nobody_reads) return false;
    if (with == patience::none) {
        pollfd room = {STDOUT_FILENO, POLLOUT, 0};
        if (poll(&room, 1, 0) != 1) return false;
    } else if (!wait_for_room()) {
        state_ = state::nobody_reads;
        return false;
    }
    const int failed = write_all(STDOUT_FILENO, print(what, format_));
    if (failed == 0) return true;
    state_ = state::nobody_reads;
    if (failed != EPIPE) failure_ = error{failed, "write the answer", std::strerror(failed), ""};
    return false;
}

}  // namespace secmap::ctl
