// SPDX-License-Identifier: LGPL-2.1-or-later
// What is measured: something that a program does, under one policy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace secmap::bench {

/// What a filtered task does again and again.
enum class work : std::uint8_t {
    calls,          ///< makes one call
    forks,          ///< fork, _exit, waitpid
    threads,        ///< pthread_create, pthread_join
    notifications,  ///< makes one call that a thread of the same process, without the filter, answers
    attach,         ///< has the policy made and attached, or loads the seccomp filter; once
    create,         ///< has the policy made
    attach_made,    ///< attaches a policy that is there; once
    replace,        ///< has the policy that another task carries replaced, and back
    stall,          ///< makes one call, whose policy another processor replaces all the time; the longest one counts
    create_table,   ///< has a table made
};

/// A call, with each of the values in turn as its first argument.
struct call_pattern {
    std::int64_t number = 0;
    std::vector<std::uint64_t> values = {0};
};

/// What tests values in an order is charged with the one that comes first, or last; it is shown alone. A hash set has
/// no order: its figure stays the mean over the values.
enum class order : std::uint8_t { none, first, last };

/// Where a call is denied, it is one that does nothing when it is allowed (the kernel has its number and no code for
/// it), so that no engine is credited with what a call would have done; `deny_list` alone shows a denied call that would
/// have done something.
struct scenario {
    std::string name;
    unsigned n = 1;
    std::string title;    ///< what it is, for people; "N" stands for n
    std::string profile;  ///< as JSON; empty: podman's, or the user's
    work what = work::calls;
    call_pattern call;
    std::optional<std::int64_t> returned;  ///< by the call, when the filter answers it; nothing: it is allowed
    unsigned depth = 1;                    ///< how often the policy is attached
    bool hashed = false;  ///< MAPS and EBPF have a hash set for it, in which chance lays out the values
    order tested = order::none;
    std::vector<std::uint64_t> members;  ///< of a set that is too large for a profile

    /// "set_last 256": what no two scenarios share.
    [[nodiscard]] std::string label() const;
};

/// All, in the order in which they are measured.
[[nodiscard]] std::vector<scenario> all_scenarios();

/// Their names, each once.
[[nodiscard]] std::vector<std::string> scenario_names();

/// Calls of which one is the cheapest, another the dearest, for a filter that tests values in an order.
[[nodiscard]] std::vector<call_pattern> ends_of(const call_pattern& of);

}  // namespace secmap::bench
