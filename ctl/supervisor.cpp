// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "asked.hpp"
#include "json.hpp"
#include "reply.hpp"
#include "words.hpp"

namespace secmap::ctl {

struct supervisor::events {
    pollfd requests;
    pollfd end;
    pollfd signals;
    pollfd helper_reads;
    pollfd helper_writes;
};

supervisor::supervisor(supervised program, answering how, request_log log, descriptor signals)
    : program_(std::move(program)), how_(std::move(how)), log_(std::move(log)), signals_(std::move(signals)) {}

result<int> supervisor::serve() {
    while (!(ended_ && (stopped_ || (listener_ == listener_state::unused && waiting_.empty())))) {
        const auto now = wait_for_events();
        if (!now) return now.error();
        if (now->requests.revents & POLLIN)
            take_request();
        else if (now->requests.revents & POLLHUP)
            listener_ = listener_state::unused;
        if (now->helper_writes.revents) take_replies();
        if (how_.helper && now->helper_reads.revents)
            if (const auto written = how_.helper->write_queued(); !written) dismiss_helper(written.error());
        if (now->end.revents) {
            auto status = program_.wait();
            if (!status) return status;
            ended_ = *status;
        }
        if (now->signals.revents) take_signals();
        end_patience();
        if (ended_) drop_what_ended();
    }
    return *ended_;
}

// A descriptor of -1 is passed over.
result<supervisor::events> supervisor::wait_for_events() const {
    constexpr pollfd none = {-1, 0, 0};
    std::array<pollfd, 5> all = {
        pollfd{listener_ == listener_state::unused ? -1 : program_.requests().number(), POLLIN, 0},
        pollfd{ended_ ? -1 : program_.number(), POLLIN, 0},
        pollfd{signals_.number(), POLLIN, 0},
        how_.helper ? how_.helper->writing() : none,
        how_.helper ? how_.helper->reading() : none,
    };
    if (poll(all.data(), all.size(), time_left()) < 0 && errno != EINTR)
        return error{errno, "wait for requests", std::strerror(errno), ""};
    return events{all[0], all[1], all[2], all[3], all[4]};
}

// Until the first request has waited too long, in milliseconds; -1: there is none.
int supervisor::time_left() const {
    if (waiting_.empty()) return -1;
    const auto by_time = [](const auto& one, const auto& other) { return one.second.until < other.second.until; };
    const auto first = std::ranges::min_element(waiting_, by_time);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first->second.until - clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void supervisor::take_request() {
    const auto received = program_.requests().receive();
    if (!received) {
        if (received.error().number != ENOENT) log_.complain(received.error());
        return;
    }
    const request asked = to_request(*received);
    if (const auto given = how_.rules.of(asked.call))
        finish(asked, *given, answered_by::rule);
    else if (how_.helper)
        ask_helper(asked);
    else
        give_up(asked);
}

// What a terminal's keys send reaches the program without us. A hangup reaches only the session's leader, which may be us.
void supervisor::take_signals() {
    signalfd_siginfo came = {};
    if (read(signals_.number(), &came, sizeof(came)) != sizeof(came)) return;
    const bool by_key = came.ssi_code == SI_KERNEL && (came.ssi_signo == SIGINT || came.ssi_signo == SIGQUIT);
    if (ended_)
        stopped_ = true;
    else if (!by_key)
        program_.send_signal(static_cast<int>(came.ssi_signo));
}

void supervisor::ask_helper(const request& asked) {
    waiting_[asked.id] = {asked, clock::now() + how_.patience};
    how_.helper->write_line(to_json(asked, json_style::compact));
    if (const auto written = how_.helper->write_queued(); !written) dismiss_helper(written.error());
}

void supervisor::take_replies() {
    const auto lines = how_.helper->read_lines();
    if (!lines) {
        dismiss_helper(lines.error());
        return;
    }
    for (const std::string& line : *lines) {
        if (!how_.helper) return;
        take_reply(line);
    }
}

void supervisor::take_reply(const std::string& line) {
    const auto said = parse_reply(line);
    const std::string who = "helper " + how_.helper->program();
    if (!said) {
        dismiss_helper({said.error().number, who, said.error().text, ""});
        return;
    }
    const auto found = waiting_.find(said->id);
    if (found == waiting_.end()) {
        log_.complain({ENOENT, who, "it answers request " + hex(said->id) + ", which is not waiting for it", ""});
        return;
    }
    const request asked = std::move(found->second.asked);
    waiting_.erase(found);
    if (said->given) {
        finish(asked, *said->given, answered_by::helper);
        return;
    }
    log_.complain({EBADMSG, who, "its reply to request " + hex(asked.id) + " is not an answer: " + excerpt(line),
                   "one of errno, value and continue, see secmapctl(8)"});
    give_up(asked);
}

// Fail closed: whoever waits for it gets the answer of nobody, now and from now on.
void supervisor::dismiss_helper(const error& why) {
    log_.complain({why.number, why.operation, why.text,
                   "it is not asked any more: requests without a rule get " + answer_words(answer_of_nobody())});
    for (const auto& each : std::exchange(waiting_, {})) give_up(each.second.asked);
    how_.helper.reset();
}

void supervisor::end_patience() {
    const auto now = clock::now();
    std::vector<request> late;
    for (const auto& each : waiting_)
        if (each.second.until <= now) late.push_back(each.second.asked);
    for (const request& each : late) {
        waiting_.erase(each.id);
        log_.complain({ETIMEDOUT, "helper " + how_.helper->program(),
                       "no reply to request " + hex(each.id) + " in time", "--timeout gives it longer"});
        give_up(each);
    }
}

// Whose task is gone needs no answer.
void supervisor::drop_what_ended() {
    std::erase_if(waiting_, [this](const auto& each) {
        const auto valid = program_.requests().is_valid(each.first);
        if (!valid || *valid) return false;
        log_.write({each.second.asked, std::nullopt, answered_by::nobody});
        return true;
    });
}

answer supervisor::answer_of_nobody() const {
    return how_.rules.of_the_rest().value_or(answer{answer::kind::fails, ENOSYS});
}

void supervisor::give_up(const request& asked) {
    finish(asked, answer_of_nobody(), how_.rules.of_the_rest() ? answered_by::rule : answered_by::nobody);
}

void supervisor::finish(const request& asked, const answer& given, answered_by by) {
    const auto sent = send(asked.id, given);
    if (!sent && sent.error().number != ENOENT) log_.complain(sent.error());
    log_.write({asked, sent ? std::optional(given) : std::nullopt, by});
}

result<void> supervisor::send(std::uint64_t id, const answer& given) const {
    switch (given.what) {
        case answer::kind::is_made: return program_.requests().respond_continue(id);
        case answer::kind::returns: return program_.requests().respond_value(id, given.number);
        default: return program_.requests().respond_errno(id, static_cast<int>(given.number));
    }
}

}  // namespace secmap::ctl
