// SPDX-License-Identifier: LGPL-2.1-or-later
// What came of a change to many threads.
#pragma once

#include <cstddef>
#include <vector>

#include <sys/types.h>

#include <secmap/result.hpp>

namespace secmap {

/// Of process and of cgroup. Ids are ascending.
struct thread_changes {
    struct failure {
        pid_t tid = 0;  ///< 0: it has no id in our pid namespace
        secmap::error error;
    };
    std::vector<pid_t> changed;    ///< threads that got the policy, or lost it
    std::vector<pid_t> unchanged;  ///< threads that had it already, or had nothing to lose
    std::vector<pid_t> left_out;   ///< threads of the caller, which it does not change
    std::vector<failure> failed;   ///< threads that it could not be done to
    std::size_t processes = 0;     ///< which those that changed are threads of
    unsigned passes = 0;           ///< how often the list of threads was gone through
    bool frozen = false;           ///< whether they stood still meanwhile
};

}  // namespace secmap
