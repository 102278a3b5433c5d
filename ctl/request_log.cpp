// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request_log.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "write_all.hpp"

namespace secmap::ctl {

namespace {

constexpr mode_t new_file_mode = 0666;

}  // namespace

result<request_log> request_log::open(const std::string& path, format wanted) {
    if (path.empty()) return request_log(path, std::nullopt, wanted);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, new_file_mode);
    if (file < 0) return error{errno, "write " + path, std::strerror(errno), ""};
    return request_log(path, descriptor(file), wanted);
}

void request_log::write(const request_report& what) {
    // At once, for the program writes to the same terminal.
    const int failed = write_all(file_ ? file_->number() : STDERR_FILENO, print(what, format_));
    if (failed == 0 || failed_) return;
    failed_ = true;
    complain({failed, "write " + (file_ ? path_ : "standard error"), std::strerror(failed),
              "requests are answered, and some are not shown"});
}

void request_log::complain(const error& what) const {
    // There is nowhere else to say it.
    static_cast<void>(write_all(STDERR_FILENO, print(what, format_)));
}

}  // namespace secmap::ctl
