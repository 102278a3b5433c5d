// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cgroup_mount.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>

namespace secmap::detail {

namespace {

bool is_octal(std::string_view digits) {
    return digits.size() == 3 && std::ranges::all_of(digits, [](char each) { return each >= '0' && each <= '7'; });
}

// The kernel writes a blank as "\040".
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view digits = text.substr(at + 1, 3);
        if (text[at] != '\\' || !is_octal(digits)) {
            plain += text[at];
            continue;
        }
        plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
        at += digits.size();
    }
    return plain;
}

// See proc_pid_mountinfo(5): id, parent, device, root, point, options, maybe more, "-", type ...
std::optional<cgroup_mount> parse(const std::string& line) {
    std::istringstream words(line);
    std::string id;
    std::string parent;
    std::string device;
    std::string root;
    std::string point;
    words >> id >> parent >> device >> root >> point;
    for (std::string word; words >> word;)
        if (word == "-" && words >> word && word == "cgroup2") return cgroup_mount{unescaped(root), unescaped(point)};
    return std::nullopt;
}

// "/a/b" of "/a/b/c" and "/c": what is behind the first, "" where both are the same; none: it is not below.
std::optional<std::string> behind(const std::string& above, const std::string& path) {
    if (above == "/") return path == "/" ? "" : path;
    if (!path.starts_with(above)) return std::nullopt;
    const std::string rest = path.substr(above.size());
    if (rest.empty() || rest.front() == '/') return rest;
    return std::nullopt;
}

}  // namespace

std::vector<cgroup_mount> cgroup_mounts() {
    std::vector<cgroup_mount> found;
    std::ifstream file("/proc/self/mountinfo");
    for (std::string line; std::getline(file, line);)
        if (auto mount = parse(line); mount && !mount->root.starts_with("/..")) found.push_back(*std::move(mount));
    return found;
}

std::optional<std::filesystem::path> folder_of(const cgroup_mount& seen, const std::string& group) {
    const auto rest = behind(seen.root, group);
    if (!rest) return std::nullopt;
    return seen.point.native() + *rest;
}

std::optional<std::string> group_of(const cgroup_mount& seen, const std::filesystem::path& folder) {
    const auto rest = behind(seen.point.native(), folder.native());
    if (!rest) return std::nullopt;
    const std::string group = (seen.root == "/" ? "" : seen.root) + *rest;
    return group.empty() ? "/" : group;
}

bool is_within(const std::string& group, const std::string& above) { return behind(above, group).has_value(); }

}  // namespace secmap::detail
