// SPDX-License-Identifier: LGPL-2.1-or-later
// What an argument of a system call says, by the names of the kernel's headers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace secmap::ctl {

enum class argument_kind : std::uint8_t {
    none,     ///< the call has no such argument
    hex,      ///< whatever is not one of those below
    pointer,  ///< NULL, or where it points to
    size,     ///< unsigned, of the width of the call
    integer,  ///< int
    mode,     ///< octal
    signal,
    folder,  ///< a descriptor, or AT_FDCWD
    open_flags,
    access_flags,
    at_flags,
    unlink_flags,
    socket_family,
    socket_type,
    clone_flags,  ///< with the signal that ends it
    namespaces,
    mount_flags,
    umount_flags,
    protection,
    map_flags,
    fcntl_command,
    ptrace_request,
    prctl_option,
    bpf_command,
    seccomp_operation,
    socketcall_operation,
    ipc_operation,
};

/// "O_RDONLY|O_CLOEXEC", "AF_INET", "SIGKILL", "0x2a". Of arguments that are an int only the lower half counts.
[[nodiscard]] std::string argument_words(argument_kind kind, std::uint64_t number);

/// And back: "CLONE_NEWUSER|SIGCHLD", whatever the argument; numbers may stand between the names. Nothing: there is no such
/// name.
[[nodiscard]] std::optional<std::uint64_t> argument_value(std::string_view words);

/// Does open(2) with these flags take a mode?
[[nodiscard]] bool creates_file(std::uint64_t open_flags) noexcept;

}  // namespace secmap::ctl
