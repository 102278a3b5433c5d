// SPDX-License-Identifier: LGPL-2.1-or-later
#include "monitor_text.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>
#include <string>

#include <fmt/format.h>
#include <linux/seccomp.h>

#include <secmap/names.hpp>

#include "bits.hpp"
#include "decoded_call.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

// "10:02:03.000001", where we are.
std::string clock_words(std::chrono::system_clock::time_point of) {
    const auto since = std::chrono::floor<std::chrono::microseconds>(of.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const std::time_t whole = seconds.count();
    std::tm here = {};
    localtime_r(&whole, &here);
    return fmt::format("{:02}:{:02}:{:02}.{:06}", here.tm_hour, here.tm_min, here.tm_sec, (since - seconds).count());
}

// "42", or "42/43" for a thread that is not the first.
std::string task_words(pid_t pid, pid_t tid) {
    return pid == tid ? std::to_string(pid) : fmt::format("{}/{}", pid, tid);
}

std::string process_words(const filter_event& of) {
    std::string words = task_words(of.pid, of.tid);
    if (of.ns_pid != of.pid || of.ns_tid != of.tid)
        words += fmt::format(" ({} in its namespace)", task_words(of.ns_pid, of.ns_tid));
    return words + " " + printable(of.comm);
}

std::string policy_words(std::uint32_t id, const std::string& name) {
    return name.empty() ? fmt::format("policy {}", id) : fmt::format("policy {} ({})", id, printable(name));
}

// "EPERM", "kill_process", "trap(7)".
std::string verdict_words(std::uint32_t action) {
    const std::uint32_t data = action & SECCOMP_RET_DATA;
    if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
        const char* name = strerrorname_np(static_cast<int>(data));
        return name && data != 0 ? name : fmt::format("errno {}", data);
    }
    if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF) return "user_notif";
    std::string words = action_name(action);
    std::ranges::transform(words, words.begin(), [](unsigned char each) { return std::tolower(each); });
    return data == 0 ? words : fmt::format("{}({})", words, data);
}

std::string decider_words(const verdict& of) {
    const std::string kind = decision_kind(of);
    if (kind == "rule") return fmt::format(" by rule {}", of.rule);
    if (kind == "default") return " by the default action";
    if (kind == "newer") return " by the action for newer numbers";
    if (kind == "foreign") return " by the action for other ABIs";
    if (kind == "program") return " by its program";
    return "";
}

}  // namespace

void print_begin(buffer& to, const monitor_begin& of) {
    line(to, "watching {}", of.policy ? policy_words(*of.policy, of.policy_name) : "all policies");
}

void print_event(buffer& to, const monitor_event& of) {
    line(to, "{} {}, {}: {}{} = {}{}{}", clock_words(of.time), process_words(of.what),
         policy_words(of.what.policy, of.policy_name), decoded_call(of.call),
         of.call.abi == abi::x86_64 ? "" : fmt::format(" on {}", abi_name(of.call.abi)), verdict_words(of.what.action),
         of.decided ? decider_words(*of.decided) : "", of.what.complains ? ", not enforced" : "");
}

void print_loss(buffer& to, const monitor_loss& of) {
    if (of.why == monitor_loss::cause::rate)
        line(to, "{} not told of: a policy has more of them than events_rate", counted(of.events, "verdict"));
    else
        line(to, "{} lost: they came faster than they were read", counted(of.events, "event"));
}

void print_end(buffer& to, const monitor_end& of) {
    line(to, "{} shown, {} lost, {} not told of", counted(of.shown, "event"), of.lost, of.suppressed);
}

}  // namespace secmap::ctl
