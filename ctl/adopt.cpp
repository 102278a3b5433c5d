// SPDX-License-Identifier: LGPL-2.1-or-later
#include "adopt.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <secmap/secmap.h>

namespace secmap::ctl {

namespace {

namespace fs = std::filesystem;

constexpr const char* library_name = "libsecmap-seccomp.so";
constexpr int most_interpreters = 5;  // as the kernel follows scripts

error refusal(int number, const std::string& operation, std::string text, std::string hint) {
    return {number, operation, std::move(text), std::move(hint)};
}

// Beside the installed tool, then beside the built one, then where it was configured to be.
result<std::string> find_library() {
    const std::string operation = "find " + std::string(library_name);
    std::error_code ignored;
    const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    std::array<fs::path, 3> candidates = {folder / SECMAP_LIBRARY_FROM_TOOL / library_name,
                                          folder / "../userland/preload" / library_name,
                                          fs::path(SECMAP_LIBRARY_FOLDER) / library_name};
    if (const char* given = std::getenv("SECMAP_SECCOMP_LIBRARY")) candidates.fill(given);
    for (const fs::path& each : candidates) {
        if (access(each.c_str(), R_OK) != 0) continue;
        std::string path = fs::absolute(each).lexically_normal();
        if (path.find_first_of(": ") == std::string::npos) return path;
        return refusal(EINVAL, operation, "the loader takes no path with a colon or a blank: " + path,
                       "install secmap elsewhere, or name a copy with SECMAP_SECCOMP_LIBRARY");
    }
    return refusal(ENOENT, operation, "it is not at " + candidates.back().lexically_normal().string(),
                   "install secmap, or name the file with SECMAP_SECCOMP_LIBRARY");
}

// As execvp() does. A name that is nowhere is left to it, too.
std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* set = std::getenv("PATH");
    std::string_view rest = set ? set : "/bin:/usr/bin";
    while (true) {
        const std::size_t end = rest.find(':');
        const std::string folder(rest.substr(0, end));
        std::string path = (folder.empty() ? "." : folder) + "/" + name;
        if (access(path.c_str(), X_OK) == 0 && !fs::is_directory(path)) return path;
        if (end == std::string_view::npos) return "";
        rest.remove_prefix(end + 1);
    }
}

bool gains_privileges(const std::string& path) {
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0) return false;
    if ((file.st_mode & S_ISUID) != 0 && file.st_uid != getuid()) return true;
    if ((file.st_mode & S_ISGID) != 0 && file.st_gid != getgid()) return true;
    return getuid() != 0 && getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

// The interpreter of a script, "" if it is none.
std::string interpreter_of(const std::string& path) {
    std::string line;
    if (!std::getline(std::ifstream(path, std::ios::binary), line) || !line.starts_with("#!")) return "";
    const std::size_t begin = line.find_first_not_of(" \t", 2);
    if (begin == std::string::npos) return "";
    return line.substr(begin, line.find_first_of(" \t", begin) - begin);
}

enum class kind : std::uint8_t { fits, not_elf, other_abi, is_static };

kind kind_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    Elf64_Ehdr head = {};
    if (!file.read(reinterpret_cast<char*>(&head), sizeof(head))) return kind::not_elf;
    if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return kind::not_elf;
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != EM_X86_64) return kind::other_abi;
    file.seekg(static_cast<std::streamoff>(head.e_phoff));
    for (int left = head.e_phnum; left > 0; left--) {
        Elf64_Phdr segment = {};
        if (!file.read(reinterpret_cast<char*>(&segment), sizeof(segment))) break;
        if (segment.p_type == PT_INTERP) return kind::fits;
    }
    return kind::is_static;
}

// What is no program at all is for execvp() to complain about.
result<void> check_program(const std::string& name, gained_privileges gained) {
    const std::string operation = "adopt the filters of " + name;
    std::string path = find_program(name);
    for (int depth = 0; depth < most_interpreters; depth++) {
        const std::string next = interpreter_of(path);
        if (next.empty()) break;
        path = next;
    }
    if (gained == gained_privileges::of_the_file && gains_privileges(path))
        return refusal(EPERM, operation, path + " gains privileges when it is executed, so the loader preloads nothing",
                       "run it as the user whose privileges it gains, or leave out --adopt");
    switch (kind_of(path)) {
        case kind::is_static:
            return refusal(ENOEXEC, operation, path + " is linked statically, so nothing can be preloaded",
                           "leave out --adopt: its filters are the kernel's then; a --profile holds it all the same");
        case kind::other_abi:
            return refusal(ENOEXEC, operation, path + " is not an x86-64 program, and the library is",
                           "leave out --adopt: its filters are the kernel's then; a --profile holds it all the same");
        default: return {};
    }
}

}  // namespace

result<void> adopt(const std::string& program, gained_privileges gained, const std::filesystem::path& device) {
    auto checked = check_program(program, gained);
    if (!checked) return checked;
    const auto library = find_library();
    if (!library) return library.error();
    const char* before = std::getenv("LD_PRELOAD");
    const std::string preloaded = before && *before ? *library + ":" + before : *library;
    if (setenv("LD_PRELOAD", preloaded.c_str(), 1) != 0 ||
        (device != SECMAP_DEVICE && setenv("SECMAP_DEVICE", fs::absolute(device).c_str(), 1) != 0))
        return refusal(errno, "set the environment", std::strerror(errno), "");
    return {};
}

}  // namespace secmap::ctl
