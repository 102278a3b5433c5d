// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is about to execute something.
#pragma once

#include <sys/types.h>

#include <secmap/result.hpp>

namespace secmap::oci {

struct asker {
    pid_t process = 0;
    bool sees_our_root = false;  ///< its root folder is ours, so what it executes is the host's
};

/// Of a thread; true only if that still waits afterwards.
[[nodiscard]] result<asker> look_at(pid_t tid);

}  // namespace secmap::oci
