// SPDX-License-Identifier: LGPL-2.1-or-later
#include "write_all.hpp"

#include <cerrno>

#include <unistd.h>

namespace secmap::ctl {

int write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

}  // namespace secmap::ctl
