// SPDX-License-Identifier: LGPL-2.1-or-later
// Standard output of a command that goes on, and tells what happens, until a signal ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

#include "format.hpp"
#include "value.hpp"

namespace secmap::ctl {

class live_output final {
public:
    enum class state : std::uint8_t { goes_on, ends, nobody_reads };
    enum class patience : std::uint8_t { until_there_is_room, none };

    /// From now on SIGINT and SIGTERM do not end us, nor does a reader that goes away.
    [[nodiscard]] static result<live_output> open(format wanted);

    [[nodiscard]] state now() const noexcept { return state_; }
    [[nodiscard]] bool signalled() const noexcept { return signalled_; }

    /// It is over without a signal.
    void end() noexcept;

    /// Until @p source is readable, so many milliseconds are over (-1: no end to them), or something else is now().
    [[nodiscard]] result<void> wait(int source, int milliseconds);

    /// False: it was left out, for there was no room for it, or nobody reads any more.
    bool say(const value& what, patience with = patience::until_there_is_room);

    /// What kept it from being written, but for a reader that has gone.
    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }

private:
    live_output(descriptor signals, format wanted) : signals_(std::move(signals)), format_(wanted) {}
    [[nodiscard]] bool wait_for_room();

    descriptor signals_;
    format format_;
    state state_ = state::goes_on;
    bool signalled_ = false;
    std::optional<error> failure_;
};

}  // namespace secmap::ctl
