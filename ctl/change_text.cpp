// SPDX-License-Identifier: LGPL-2.1-or-later
#include "change_text.hpp"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string_view force_words(in_force when) {
    switch (when) {
        case in_force::later: return ", for later";
        case in_force::never: return ", to complain";
        default: return "";
    }
}

}  // namespace

void print_change(buffer& to, const change_report& of) {
    const std::string policy = of.policy ? fmt::format("policy {}", *of.policy) : "every policy";
    const bool attached = of.what == change::attached;
    const std::string whom = of.cgroup.empty()
                                 ? fmt::format("process {}", of.pid)
                                 : fmt::format("{} process{} in cgroup {}", of.threads.processes,
                                               of.threads.processes == 1 ? "" : "es", printable(of.cgroup));
    std::string others;
    if (!of.threads.unchanged.empty())
        others += fmt::format("; {} {} it already", of.threads.unchanged.size(), attached ? "carried" : "were without");
    if (!of.threads.left_out.empty()) others += "; left out: secmapctl itself";
    line(to, "{} {} {} of {}{}{}", policy, attached ? "attached to" : "detached from",
         counted(of.threads.changed.size(), "thread"), whom, force_words(of.when), others);
}

void print_following(buffer& to, const follow_begin& of) {
    line(to, "following cgroup {}: it is looked at every {} ms{}", printable(of.cgroup), of.every.count(),
         of.note.empty() ? ", and when a task is moved into it" : "; that a task is moved is not told: " + of.note);
}

void print_followed(buffer& to, const follow_end& of) {
    const std::string untold = of.untold == 0 ? "" : fmt::format("; left out: {}", counted(of.untold, "line"));
    line(to, "cgroup {} {}: policy {} was attached to {} that came{}", printable(of.cgroup),
         of.why == follow_end::cause::removed ? "has been removed" : "is not followed any more", of.policy,
         counted(of.changed, "thread"), untold);
}

}  // namespace secmap::ctl
