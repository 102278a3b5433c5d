// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decoded_call.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "words.hpp"

namespace secmap::ctl {

namespace {

using enum argument_kind;

struct signature {
    std::string_view name;
    std::array<argument_kind, 6> arguments;
};

// What profiles name most. By name: all ABIs have the same order, but for what is noted.
constexpr signature known[] = {
    // Files
    {"read", {integer, pointer, size}},
    {"write", {integer, pointer, size}},
    {"open", {pointer, open_flags, mode}},
    {"creat", {pointer, mode}},
    {"openat", {folder, pointer, open_flags, mode}},
    {"openat2", {folder, pointer, pointer, size}},
    {"close", {integer}},
    {"close_range", {integer, integer, hex}},
    {"ioctl", {integer, hex, hex}},
    {"fcntl", {integer, fcntl_command, hex}},
    {"fcntl64", {integer, fcntl_command, hex}},
    {"stat", {pointer, pointer}},
    {"lstat", {pointer, pointer}},
    {"newfstatat", {folder, pointer, pointer, at_flags}},
    {"statx", {folder, pointer, at_flags, hex, pointer}},
    {"access", {pointer, access_flags}},
    {"faccessat", {folder, pointer, access_flags}},
    {"faccessat2", {folder, pointer, access_flags, at_flags}},
    {"readlink", {pointer, pointer, size}},
    {"readlinkat", {folder, pointer, pointer, size}},
    {"getdents64", {integer, pointer, size}},
    {"chdir", {pointer}},
    {"fchdir", {integer}},
    {"mkdir", {pointer, mode}},
    {"mkdirat", {folder, pointer, mode}},
    {"mknod", {pointer, mode, hex}},
    {"mknodat", {folder, pointer, mode, hex}},
    {"rmdir", {pointer}},
    {"unlink", {pointer}},
    {"unlinkat", {folder, pointer, unlink_flags}},
    {"rename", {pointer, pointer}},
    {"renameat", {folder, pointer, folder, pointer}},
    {"renameat2", {folder, pointer, folder, pointer, hex}},
    {"link", {pointer, pointer}},
    {"linkat", {folder, pointer, folder, pointer, at_flags}},
    {"symlink", {pointer, pointer}},
    {"symlinkat", {pointer, folder, pointer}},
    {"chmod", {pointer, mode}},
    {"fchmod", {integer, mode}},
    {"fchmodat", {folder, pointer, mode}},
    {"fchmodat2", {folder, pointer, mode, at_flags}},
    {"chown", {pointer, integer, integer}},
    {"lchown", {pointer, integer, integer}},
    {"fchown", {integer, integer, integer}},
    {"fchownat", {folder, pointer, integer, integer, at_flags}},
    {"setxattr", {pointer, pointer, pointer, size, hex}},
    {"lsetxattr", {pointer, pointer, pointer, size, hex}},
    {"fsetxattr", {integer, pointer, pointer, size, hex}},
    {"truncate", {pointer, size}},
    {"ftruncate", {integer, size}},
    {"name_to_handle_at", {folder, pointer, pointer, pointer, at_flags}},
    {"open_by_handle_at", {integer, pointer, open_flags}},
    {"inotify_add_watch", {integer, pointer, hex}},
    {"fanotify_init", {hex, open_flags}},
    {"fanotify_mark", {integer, hex, hex, folder, pointer}},
    {"memfd_create", {pointer, hex}},
    {"memfd_secret", {hex}},
    // Mounts
    {"mount", {pointer, pointer, pointer, mount_flags, pointer}},
    {"umount", {pointer}},
    {"umount2", {pointer, umount_flags}},
    {"pivot_root", {pointer, pointer}},
    {"chroot", {pointer}},
    {"open_tree", {folder, pointer, hex}},
    {"move_mount", {folder, pointer, folder, pointer, hex}},
    {"mount_setattr", {folder, pointer, hex, pointer, size}},
    {"fsopen", {pointer, hex}},
    {"fsconfig", {integer, hex, pointer, pointer, integer}},
    {"fsmount", {integer, hex, hex}},
    {"fspick", {folder, pointer, hex}},
    {"swapon", {pointer, hex}},
    {"swapoff", {pointer}},
    {"quotactl", {hex, pointer, integer, pointer}},
    {"quotactl_fd", {integer, hex, integer, pointer}},
    // Sockets
    {"socket", {socket_family, socket_type, integer}},
    {"socketpair", {socket_family, socket_type, integer, pointer}},
    {"bind", {integer, pointer, size}},
    {"connect", {integer, pointer, size}},
    {"listen", {integer, integer}},
    {"accept", {integer, pointer, pointer}},
    {"accept4", {integer, pointer, pointer, hex}},
    {"sendto", {integer, pointer, size, hex, pointer, size}},
    {"recvfrom", {integer, pointer, size, hex, pointer, pointer}},
    {"sendmsg", {integer, pointer, hex}},
    {"recvmsg", {integer, pointer, hex}},
    {"setsockopt", {integer, integer, integer, pointer, size}},
    {"getsockopt", {integer, integer, integer, pointer, pointer}},
    {"socketcall", {socketcall_operation, pointer}},
    {"ipc", {ipc_operation, hex, hex, hex, pointer, hex}},
    // Tasks
    {"fork", {}},
    {"vfork", {}},
    {"clone", {clone_flags, pointer, pointer, pointer, pointer}},
    {"clone3", {pointer, size}},
    {"unshare", {namespaces}},
    {"setns", {integer, namespaces}},
    {"execve", {pointer, pointer, pointer}},
    {"execveat", {folder, pointer, pointer, pointer, at_flags}},
    {"exit", {integer}},
    {"exit_group", {integer}},
    {"wait4", {integer, pointer, hex, pointer}},
    {"kill", {integer, signal}},
    {"tkill", {integer, signal}},
    {"tgkill", {integer, integer, signal}},
    {"rt_sigaction", {signal, pointer, pointer, size}},
    {"rt_sigqueueinfo", {integer, signal, pointer}},
    {"rt_tgsigqueueinfo", {integer, integer, signal, pointer}},
    {"rt_sigreturn", {}},
    {"pidfd_open", {integer, hex}},
    {"pidfd_getfd", {integer, integer, hex}},
    {"pidfd_send_signal", {integer, signal, pointer, hex}},
    {"ptrace", {ptrace_request, integer, hex, hex}},
    {"process_vm_readv", {integer, pointer, size, pointer, size, hex}},
    {"process_vm_writev", {integer, pointer, size, pointer, size, hex}},
    {"process_madvise", {integer, pointer, size, integer, hex}},
    {"kcmp", {integer, integer, integer, hex, hex}},
    {"prctl", {prctl_option, hex, hex, hex, hex}},
    {"arch_prctl", {hex, hex}},
    {"personality", {hex}},
    {"seccomp", {seccomp_operation, hex, pointer}},
    {"getpid", {}},
    {"getppid", {}},
    {"gettid", {}},
    {"getpgrp", {}},
    {"getpgid", {integer}},
    {"setpgid", {integer, integer}},
    {"getsid", {integer}},
    {"setsid", {}},
    {"setpriority", {integer, integer, integer}},
    {"sched_setscheduler", {integer, integer, pointer}},
    {"sched_setaffinity", {integer, size, pointer}},
    {"setrlimit", {integer, pointer}},
    {"prlimit64", {integer, integer, pointer, pointer}},
    // Users
    {"getuid", {}},
    {"geteuid", {}},
    {"getgid", {}},
    {"getegid", {}},
    {"setuid", {integer}},
    {"setgid", {integer}},
    {"setreuid", {integer, integer}},
    {"setregid", {integer, integer}},
    {"setresuid", {integer, integer, integer}},
    {"setresgid", {integer, integer, integer}},
    {"setfsuid", {integer}},
    {"setfsgid", {integer}},
    {"setgroups", {integer, pointer}},
    {"capget", {pointer, pointer}},
    {"capset", {pointer, pointer}},
    // Memory
    {"brk", {pointer}},
    {"mmap", {pointer, size, protection, map_flags, integer, hex}},
    {"mmap2", {pointer, size, protection, map_flags, integer, hex}},
    {"munmap", {pointer, size}},
    {"mprotect", {pointer, size, protection}},
    {"pkey_mprotect", {pointer, size, protection, integer}},
    {"mremap", {pointer, size, size, hex, pointer}},
    {"madvise", {pointer, size, integer}},
    {"mlock", {pointer, size}},
    {"mlockall", {hex}},
    {"userfaultfd", {hex}},
    {"mbind", {pointer, size, integer, pointer, size, hex}},
    {"set_mempolicy", {integer, pointer, size}},
    {"get_mempolicy", {pointer, pointer, size, pointer, hex}},
    {"move_pages", {integer, size, pointer, pointer, pointer, hex}},
    {"migrate_pages", {integer, size, pointer, pointer}},
    // The kernel and the machine
    {"bpf", {bpf_command, pointer, size}},
    {"perf_event_open", {pointer, integer, integer, integer, hex}},
    {"io_uring_setup", {size, pointer}},
    {"io_uring_enter", {integer, size, size, hex, pointer, size}},
    {"io_uring_register", {integer, hex, pointer, size}},
    {"keyctl", {integer, hex, hex, hex, hex}},
    {"add_key", {pointer, pointer, pointer, size, integer}},
    {"request_key", {pointer, pointer, pointer, integer}},
    {"init_module", {pointer, size, pointer}},
    {"finit_module", {integer, pointer, hex}},
    {"delete_module", {pointer, open_flags}},
    {"kexec_load", {pointer, size, pointer, hex}},
    {"kexec_file_load", {integer, integer, size, pointer, hex}},
    {"reboot", {hex, hex, hex, pointer}},
    {"syslog", {integer, pointer, size}},
    {"acct", {pointer}},
    {"uname", {pointer}},
    {"sethostname", {pointer, size}},
    {"setdomainname", {pointer, size}},
    {"settimeofday", {pointer, pointer}},
    {"clock_settime", {integer, pointer}},
    {"clock_adjtime", {integer, pointer}},
    {"adjtimex", {pointer}},
    {"iopl", {integer}},
    {"ioperm", {hex, size, integer}},
    {"modify_ldt", {integer, pointer, size}},
    {"vhangup", {}},
    {"vm86", {hex, pointer}},
    {"landlock_create_ruleset", {pointer, size, hex}},
    {"landlock_add_rule", {integer, integer, pointer, hex}},
    {"landlock_restrict_self", {integer, hex}},
};

std::vector<std::string> words_of(const call_facts& call) {
    if (call.given.empty()) return {"?"};
    const auto found = std::ranges::find(known, call.name, &signature::name);
    std::vector<std::string> words;
    argument_kind before = none;
    for (std::size_t each = 0; each < call.args.size(); ++each) {
        const argument_kind kind = found == std::end(known) ? hex : found->arguments.at(each);
        const bool unused = kind == mode && before == open_flags && !creates_file(call.args.at(each - 1));
        if (kind == none || unused) break;
        words.push_back(argument_words(kind, call.args.at(each)));
        before = kind;
    }
    return words;
}

}  // namespace

argument_kind kind_of_argument(std::string_view call, std::uint8_t index) {
    const auto found = std::ranges::find(known, call, &signature::name);
    const argument_kind kind = found == std::end(known) ? argument_kind::hex : found->arguments.at(index);
    return kind == none ? argument_kind::hex : kind;
}

std::string decoded_call(const call_facts& of) {
    return fmt::format("{}({})", of.name.empty() ? fmt::format("#{}", of.nr) : of.name, fmt::join(words_of(of), ", "));
}

}  // namespace secmap::ctl
