// SPDX-License-Identifier: LGPL-2.1-or-later
#include "learn_text.hpp"

#include <string>

#include <secmap/names.hpp>

#include "bits.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string recorded_words(const learn_report& of) {
    std::string words;
    for (const abi each : all_abis) {
        const std::size_t count = of.recorded.at(static_cast<std::size_t>(each));
        if (count != 0)
            words += fmt::format("{}{} of {}", words.empty() ? "" : ", ", counted(count, "call"), abi_name(each));
    }
    return words.empty() ? "no call" : words;
}

// "ioctl(16) with argument 1 0x5401 on i386"
std::string made_words(const call_facts& of) {
    std::string words = call_words(of.abi, of.nr);
    for (std::size_t each = 0; each < of.given.size(); ++each)
        words += fmt::format("{} argument {} {}", each == 0 ? " with" : ",", of.given[each],
                             hex(of.args.at(of.given[each])));
    if (of.abi != abi::x86_64) words += fmt::format(" on {}", abi_name(of.abi));
    return words;
}

std::string decider_words(const complaint& of) {
    const std::string kind = decision_kind(of.decision);
    std::string words = kind == "rule" ? fmt::format("rule {}", of.decision.rule) : "its " + kind + " action";
    if (!of.origin.empty()) words += fmt::format(" [{}]", printable(of.origin));
    return words;
}

}  // namespace

void print_learned(buffer& to, const learn_report& of) {
    line(to, "secmapctl: recorded in {:.1f} s: {}", of.seconds, recorded_words(of));
    line(to, "secmapctl: {} written: it allows {}, {} of them for certain arguments alone", printable(of.written_to),
         counted(of.allowed.size(), "call"), of.limited);
}

void print_complaints(buffer& to, const complaint_report& of) {
    line(to, "secmapctl: {} would have denied {}{}", printable(of.profile),
         of.calls.empty() ? "nothing" : counted(of.calls.size(), "call"), of.calls.empty() ? "" : ":");
    for (const complaint& each : of.calls)
        line(to, "{}{}: {} by {}", indent, made_words(each.call), action_text(each.decision.action),
             decider_words(each));
}

}  // namespace secmap::ctl
