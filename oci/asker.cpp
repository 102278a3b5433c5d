// SPDX-License-Identifier: LGPL-2.1-or-later
#include "asker.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace secmap::oci {

namespace {

result<pid_t> process_of(const std::string& folder) {
    constexpr std::string_view field = "Tgid:\t";
    std::ifstream file(folder + "/status");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(field)) continue;
        pid_t process = 0;
        std::from_chars(line.data() + field.size(), line.data() + line.size(), process);
        if (process > 0) return process;
    }
    return error{ESRCH, "read " + folder + "/status", "the thread has ended", ""};
}

}  // namespace

result<asker> look_at(pid_t tid) {
    const std::string folder = "/proc/" + std::to_string(tid);
    const auto process = process_of(folder);
    if (!process) return process.error();
    struct stat its = {};
    struct stat ours = {};
    if (stat((folder + "/root/.").c_str(), &its) != 0 || stat("/", &ours) != 0)
        return error{errno, "look at " + folder + "/root", std::strerror(errno), ""};
    return asker{*process, its.st_dev == ours.st_dev && its.st_ino == ours.st_ino};
}

}  // namespace secmap::oci
