// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers what a program asks, by rules and a helper, until nobody is left who could ask.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <secmap/descriptor.hpp>
#include <secmap/listener.hpp>
#include <secmap/result.hpp>

#include "answer_rules.hpp"
#include "helper.hpp"
#include "request_log.hpp"
#include "supervised.hpp"

namespace secmap::ctl {

/// How requests are answered: by a rule of their own, else by the helper, else by the rule for the rest, else they fail
/// with ENOSYS, as they would without a supervisor.
struct answering {
    answer_rules rules;
    std::optional<ctl::helper> helper;
    std::chrono::milliseconds patience;  ///< with the helper, for each request
};

class supervisor final {
public:
    /// @p signals: a signalfd; they are passed on to the program.
    supervisor(supervised program, answering how, request_log log, descriptor signals);

    /// The program's wait status, once it has ended, and everything that it started has ended, too. When a signal comes
    /// after the program's end, it does not wait for the others any longer.
    [[nodiscard]] result<int> serve();

    [[nodiscard]] const supervised& program() const noexcept { return program_; }

private:
    using clock = std::chrono::steady_clock;
    struct waiting {
        request asked;
        clock::time_point until;
    };
    struct events;

    [[nodiscard]] result<events> wait_for_events() const;
    [[nodiscard]] int time_left() const;
    void take_request();
    void take_signals();
    void take_replies();
    void take_reply(const std::string& line);
    void dismiss_helper(const error& why);
    void ask_helper(const request& asked);
    void end_patience();
    void drop_what_ended();
    [[nodiscard]] answer answer_of_nobody() const;
    void give_up(const request& asked);
    void finish(const request& asked, const answer& given, answered_by by);
    [[nodiscard]] result<void> send(std::uint64_t id, const answer& given) const;

    supervised program_;
    answering how_;
    request_log log_;
    descriptor signals_;
    std::map<std::uint64_t, waiting> waiting_;  ///< for the helper
    std::optional<int> ended_;                  ///< the program's wait status
    listener_state listener_ = listener_state::quiet;
    bool stopped_ = false;
};

}  // namespace secmap::ctl
