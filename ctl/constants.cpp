// SPDX-License-Identifier: LGPL-2.1-or-later
#include "constants.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/ipc.h>
#include <linux/net.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "number.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

struct named {
    std::uint64_t value;
    const char* name;
};

// Where one has the bits of another it stands in front of it.
constexpr std::array<named, 17> open_bits = {{
    {O_TMPFILE, "O_TMPFILE"},
    {O_DIRECTORY, "O_DIRECTORY"},
    {O_SYNC, "O_SYNC"},
    {O_DSYNC, "O_DSYNC"},
    {O_CREAT, "O_CREAT"},
    {O_EXCL, "O_EXCL"},
    {O_NOCTTY, "O_NOCTTY"},
    {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"},
    {O_NONBLOCK, "O_NONBLOCK"},
    {O_ASYNC, "O_ASYNC"},
    {O_DIRECT, "O_DIRECT"},
    {0100000, "O_LARGEFILE"},
    {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"},
    {O_CLOEXEC, "O_CLOEXEC"},
    {O_PATH, "O_PATH"},
}};

constexpr std::array<named, 3> access_bits = {{
    {R_OK, "R_OK"},
    {W_OK, "W_OK"},
    {X_OK, "X_OK"},
}};

constexpr std::array<named, 6> at_bits = {{
    {AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
    {AT_EACCESS, "AT_EACCESS"},
    {AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
    {AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
    {AT_EMPTY_PATH, "AT_EMPTY_PATH"},
    {AT_RECURSIVE, "AT_RECURSIVE"},
}};

constexpr std::array<named, 1> unlink_bits = {{
    {AT_REMOVEDIR, "AT_REMOVEDIR"},
}};

constexpr std::array<named, 27> families = {{
    {AF_UNSPEC, "AF_UNSPEC"}, {AF_UNIX, "AF_UNIX"},     {AF_INET, "AF_INET"},
    {AF_AX25, "AF_AX25"},     {AF_IPX, "AF_IPX"},       {AF_APPLETALK, "AF_APPLETALK"},
    {AF_X25, "AF_X25"},       {AF_INET6, "AF_INET6"},   {AF_NETLINK, "AF_NETLINK"},
    {AF_PACKET, "AF_PACKET"}, {AF_RDS, "AF_RDS"},       {AF_PPPOX, "AF_PPPOX"},
    {AF_CAN, "AF_CAN"},       {AF_TIPC, "AF_TIPC"},     {AF_BLUETOOTH, "AF_BLUETOOTH"},
    {AF_RXRPC, "AF_RXRPC"},   {AF_PHONET, "AF_PHONET"}, {AF_IEEE802154, "AF_IEEE802154"},
    {AF_CAIF, "AF_CAIF"},     {AF_ALG, "AF_ALG"},       {AF_NFC, "AF_NFC"},
    {AF_VSOCK, "AF_VSOCK"},   {AF_KCM, "AF_KCM"},       {AF_QIPCRTR, "AF_QIPCRTR"},
    {AF_SMC, "AF_SMC"},       {AF_XDP, "AF_XDP"},       {45, "AF_MCTP"},
}};

constexpr std::array<named, 7> socket_types = {{
    {SOCK_STREAM, "SOCK_STREAM"},
    {SOCK_DGRAM, "SOCK_DGRAM"},
    {SOCK_RAW, "SOCK_RAW"},
    {SOCK_RDM, "SOCK_RDM"},
    {SOCK_SEQPACKET, "SOCK_SEQPACKET"},
    {SOCK_DCCP, "SOCK_DCCP"},
    {SOCK_PACKET, "SOCK_PACKET"},
}};

constexpr std::array<named, 2> socket_bits = {{
    {SOCK_CLOEXEC, "SOCK_CLOEXEC"},
    {SOCK_NONBLOCK, "SOCK_NONBLOCK"},
}};

constexpr std::array<named, 24> clone_bits = {{
    {CLONE_VM, "CLONE_VM"},
    {CLONE_FS, "CLONE_FS"},
    {CLONE_FILES, "CLONE_FILES"},
    {CLONE_SIGHAND, "CLONE_SIGHAND"},
    {CLONE_PIDFD, "CLONE_PIDFD"},
    {CLONE_PTRACE, "CLONE_PTRACE"},
    {CLONE_VFORK, "CLONE_VFORK"},
    {CLONE_PARENT, "CLONE_PARENT"},
    {CLONE_THREAD, "CLONE_THREAD"},
    {CLONE_NEWNS, "CLONE_NEWNS"},
    {CLONE_SYSVSEM, "CLONE_SYSVSEM"},
    {CLONE_SETTLS, "CLONE_SETTLS"},
    {CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"},
    {CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"},
    {CLONE_DETACHED, "CLONE_DETACHED"},
    {CLONE_UNTRACED, "CLONE_UNTRACED"},
    {CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"},
    {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
    {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWIPC, "CLONE_NEWIPC"},
    {CLONE_NEWUSER, "CLONE_NEWUSER"},
    {CLONE_NEWPID, "CLONE_NEWPID"},
    {CLONE_NEWNET, "CLONE_NEWNET"},
    {CLONE_IO, "CLONE_IO"},
}};

constexpr std::array<named, 14> namespace_bits = {{
    {CLONE_NEWTIME, "CLONE_NEWTIME"},
    {CLONE_VM, "CLONE_VM"},
    {CLONE_FS, "CLONE_FS"},
    {CLONE_FILES, "CLONE_FILES"},
    {CLONE_SIGHAND, "CLONE_SIGHAND"},
    {CLONE_THREAD, "CLONE_THREAD"},
    {CLONE_NEWNS, "CLONE_NEWNS"},
    {CLONE_SYSVSEM, "CLONE_SYSVSEM"},
    {CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
    {CLONE_NEWUTS, "CLONE_NEWUTS"},
    {CLONE_NEWIPC, "CLONE_NEWIPC"},
    {CLONE_NEWUSER, "CLONE_NEWUSER"},
    {CLONE_NEWPID, "CLONE_NEWPID"},
    {CLONE_NEWNET, "CLONE_NEWNET"},
}};

constexpr std::array<named, 24> mount_bits = {{
    {MS_RDONLY, "MS_RDONLY"},
    {MS_NOSUID, "MS_NOSUID"},
    {MS_NODEV, "MS_NODEV"},
    {MS_NOEXEC, "MS_NOEXEC"},
    {MS_SYNCHRONOUS, "MS_SYNCHRONOUS"},
    {MS_REMOUNT, "MS_REMOUNT"},
    {MS_MANDLOCK, "MS_MANDLOCK"},
    {MS_DIRSYNC, "MS_DIRSYNC"},
    {MS_NOSYMFOLLOW, "MS_NOSYMFOLLOW"},
    {MS_NOATIME, "MS_NOATIME"},
    {MS_NODIRATIME, "MS_NODIRATIME"},
    {MS_BIND, "MS_BIND"},
    {MS_MOVE, "MS_MOVE"},
    {MS_REC, "MS_REC"},
    {MS_SILENT, "MS_SILENT"},
    {MS_POSIXACL, "MS_POSIXACL"},
    {MS_UNBINDABLE, "MS_UNBINDABLE"},
    {MS_PRIVATE, "MS_PRIVATE"},
    {MS_SLAVE, "MS_SLAVE"},
    {MS_SHARED, "MS_SHARED"},
    {MS_RELATIME, "MS_RELATIME"},
    {MS_I_VERSION, "MS_I_VERSION"},
    {MS_STRICTATIME, "MS_STRICTATIME"},
    {MS_LAZYTIME, "MS_LAZYTIME"},
}};

constexpr std::array<named, 4> umount_bits = {{
    {MNT_FORCE, "MNT_FORCE"},
    {MNT_DETACH, "MNT_DETACH"},
    {MNT_EXPIRE, "MNT_EXPIRE"},
    {UMOUNT_NOFOLLOW, "UMOUNT_NOFOLLOW"},
}};

constexpr std::array<named, 5> protection_bits = {{
    {PROT_READ, "PROT_READ"},
    {PROT_WRITE, "PROT_WRITE"},
    {PROT_EXEC, "PROT_EXEC"},
    {PROT_GROWSDOWN, "PROT_GROWSDOWN"},
    {PROT_GROWSUP, "PROT_GROWSUP"},
}};

constexpr std::array<named, 17> map_bits = {{
    {MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE"},
    {MAP_SHARED, "MAP_SHARED"},
    {MAP_PRIVATE, "MAP_PRIVATE"},
    {MAP_FIXED, "MAP_FIXED"},
    {MAP_ANONYMOUS, "MAP_ANONYMOUS"},
    {MAP_32BIT, "MAP_32BIT"},
    {MAP_GROWSDOWN, "MAP_GROWSDOWN"},
    {MAP_DENYWRITE, "MAP_DENYWRITE"},
    {MAP_EXECUTABLE, "MAP_EXECUTABLE"},
    {MAP_LOCKED, "MAP_LOCKED"},
    {MAP_NORESERVE, "MAP_NORESERVE"},
    {MAP_POPULATE, "MAP_POPULATE"},
    {MAP_NONBLOCK, "MAP_NONBLOCK"},
    {MAP_STACK, "MAP_STACK"},
    {MAP_HUGETLB, "MAP_HUGETLB"},
    {MAP_SYNC, "MAP_SYNC"},
    {MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"},
}};

constexpr std::array<named, 25> fcntl_commands = {{
    {F_DUPFD, "F_DUPFD"},           {F_GETFD, "F_GETFD"},           {F_SETFD, "F_SETFD"},
    {F_GETFL, "F_GETFL"},           {F_SETFL, "F_SETFL"},           {F_GETLK, "F_GETLK"},
    {F_SETLK, "F_SETLK"},           {F_SETLKW, "F_SETLKW"},         {F_SETOWN, "F_SETOWN"},
    {F_GETOWN, "F_GETOWN"},         {F_SETSIG, "F_SETSIG"},         {F_GETSIG, "F_GETSIG"},
    {F_SETOWN_EX, "F_SETOWN_EX"},   {F_GETOWN_EX, "F_GETOWN_EX"},   {F_OFD_GETLK, "F_OFD_GETLK"},
    {F_OFD_SETLK, "F_OFD_SETLK"},   {F_OFD_SETLKW, "F_OFD_SETLKW"}, {F_SETLEASE, "F_SETLEASE"},
    {F_GETLEASE, "F_GETLEASE"},     {F_NOTIFY, "F_NOTIFY"},         {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
    {F_SETPIPE_SZ, "F_SETPIPE_SZ"}, {F_GETPIPE_SZ, "F_GETPIPE_SZ"}, {F_ADD_SEALS, "F_ADD_SEALS"},
    {F_GET_SEALS, "F_GET_SEALS"},
}};

constexpr std::array<named, 33> ptrace_requests = {{
    {PTRACE_TRACEME, "PTRACE_TRACEME"},
    {PTRACE_PEEKTEXT, "PTRACE_PEEKTEXT"},
    {PTRACE_PEEKDATA, "PTRACE_PEEKDATA"},
    {PTRACE_PEEKUSR, "PTRACE_PEEKUSR"},
    {PTRACE_POKETEXT, "PTRACE_POKETEXT"},
    {PTRACE_POKEDATA, "PTRACE_POKEDATA"},
    {PTRACE_POKEUSR, "PTRACE_POKEUSR"},
    {PTRACE_CONT, "PTRACE_CONT"},
    {PTRACE_KILL, "PTRACE_KILL"},
    {PTRACE_SINGLESTEP, "PTRACE_SINGLESTEP"},
    {PTRACE_GETREGS, "PTRACE_GETREGS"},
    {PTRACE_SETREGS, "PTRACE_SETREGS"},
    {PTRACE_GETFPREGS, "PTRACE_GETFPREGS"},
    {PTRACE_SETFPREGS, "PTRACE_SETFPREGS"},
    {PTRACE_ATTACH, "PTRACE_ATTACH"},
    {PTRACE_DETACH, "PTRACE_DETACH"},
    {PTRACE_SYSCALL, "PTRACE_SYSCALL"},
    {PTRACE_SETOPTIONS, "PTRACE_SETOPTIONS"},
    {PTRACE_GETEVENTMSG, "PTRACE_GETEVENTMSG"},
    {PTRACE_GETSIGINFO, "PTRACE_GETSIGINFO"},
    {PTRACE_SETSIGINFO, "PTRACE_SETSIGINFO"},
    {PTRACE_GETREGSET, "PTRACE_GETREGSET"},
    {PTRACE_SETREGSET, "PTRACE_SETREGSET"},
    {PTRACE_SEIZE, "PTRACE_SEIZE"},
    {PTRACE_INTERRUPT, "PTRACE_INTERRUPT"},
    {PTRACE_LISTEN, "PTRACE_LISTEN"},
    {PTRACE_PEEKSIGINFO, "PTRACE_PEEKSIGINFO"},
    {PTRACE_GETSIGMASK, "PTRACE_GETSIGMASK"},
    {PTRACE_SETSIGMASK, "PTRACE_SETSIGMASK"},
    {PTRACE_SECCOMP_GET_FILTER, "PTRACE_SECCOMP_GET_FILTER"},
    {PTRACE_SECCOMP_GET_METADATA, "PTRACE_SECCOMP_GET_METADATA"},
    {PTRACE_GET_SYSCALL_INFO, "PTRACE_GET_SYSCALL_INFO"},
    {PTRACE_GET_RSEQ_CONFIGURATION, "PTRACE_GET_RSEQ_CONFIGURATION"},
}};

constexpr std::array<named, 37> prctl_options = {{
    {PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"},
    {PR_GET_PDEATHSIG, "PR_GET_PDEATHSIG"},
    {PR_GET_DUMPABLE, "PR_GET_DUMPABLE"},
    {PR_SET_DUMPABLE, "PR_SET_DUMPABLE"},
    {PR_GET_KEEPCAPS, "PR_GET_KEEPCAPS"},
    {PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"},
    {PR_SET_NAME, "PR_SET_NAME"},
    {PR_GET_NAME, "PR_GET_NAME"},
    {PR_GET_SECCOMP, "PR_GET_SECCOMP"},
    {PR_SET_SECCOMP, "PR_SET_SECCOMP"},
    {PR_CAPBSET_READ, "PR_CAPBSET_READ"},
    {PR_CAPBSET_DROP, "PR_CAPBSET_DROP"},
    {PR_GET_TSC, "PR_GET_TSC"},
    {PR_SET_TSC, "PR_SET_TSC"},
    {PR_GET_SECUREBITS, "PR_GET_SECUREBITS"},
    {PR_SET_SECUREBITS, "PR_SET_SECUREBITS"},
    {PR_SET_TIMERSLACK, "PR_SET_TIMERSLACK"},
    {PR_GET_TIMERSLACK, "PR_GET_TIMERSLACK"},
    {PR_MCE_KILL, "PR_MCE_KILL"},
    {PR_MCE_KILL_GET, "PR_MCE_KILL_GET"},
    {PR_SET_MM, "PR_SET_MM"},
    {PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"},
    {PR_GET_CHILD_SUBREAPER, "PR_GET_CHILD_SUBREAPER"},
    {PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"},
    {PR_GET_NO_NEW_PRIVS, "PR_GET_NO_NEW_PRIVS"},
    {PR_GET_TID_ADDRESS, "PR_GET_TID_ADDRESS"},
    {PR_SET_THP_DISABLE, "PR_SET_THP_DISABLE"},
    {PR_GET_THP_DISABLE, "PR_GET_THP_DISABLE"},
    {PR_CAP_AMBIENT, "PR_CAP_AMBIENT"},
    {PR_GET_SPECULATION_CTRL, "PR_GET_SPECULATION_CTRL"},
    {PR_SET_SPECULATION_CTRL, "PR_SET_SPECULATION_CTRL"},
    {PR_SET_IO_FLUSHER, "PR_SET_IO_FLUSHER"},
    {PR_GET_IO_FLUSHER, "PR_GET_IO_FLUSHER"},
    {PR_SET_SYSCALL_USER_DISPATCH, "PR_SET_SYSCALL_USER_DISPATCH"},
    {PR_SCHED_CORE, "PR_SCHED_CORE"},
    {PR_SET_PTRACER, "PR_SET_PTRACER"},
    {PR_SET_VMA, "PR_SET_VMA"},
}};

constexpr std::array<named, 36> bpf_commands = {{
    {BPF_MAP_CREATE, "BPF_MAP_CREATE"},
    {BPF_MAP_LOOKUP_ELEM, "BPF_MAP_LOOKUP_ELEM"},
    {BPF_MAP_UPDATE_ELEM, "BPF_MAP_UPDATE_ELEM"},
    {BPF_MAP_DELETE_ELEM, "BPF_MAP_DELETE_ELEM"},
    {BPF_MAP_GET_NEXT_KEY, "BPF_MAP_GET_NEXT_KEY"},
    {BPF_PROG_LOAD, "BPF_PROG_LOAD"},
    {BPF_OBJ_PIN, "BPF_OBJ_PIN"},
    {BPF_OBJ_GET, "BPF_OBJ_GET"},
    {BPF_PROG_ATTACH, "BPF_PROG_ATTACH"},
    {BPF_PROG_DETACH, "BPF_PROG_DETACH"},
    {BPF_PROG_TEST_RUN, "BPF_PROG_TEST_RUN"},
    {BPF_PROG_GET_NEXT_ID, "BPF_PROG_GET_NEXT_ID"},
    {BPF_MAP_GET_NEXT_ID, "BPF_MAP_GET_NEXT_ID"},
    {BPF_PROG_GET_FD_BY_ID, "BPF_PROG_GET_FD_BY_ID"},
    {BPF_MAP_GET_FD_BY_ID, "BPF_MAP_GET_FD_BY_ID"},
    {BPF_OBJ_GET_INFO_BY_FD, "BPF_OBJ_GET_INFO_BY_FD"},
    {BPF_PROG_QUERY, "BPF_PROG_QUERY"},
    {BPF_RAW_TRACEPOINT_OPEN, "BPF_RAW_TRACEPOINT_OPEN"},
    {BPF_BTF_LOAD, "BPF_BTF_LOAD"},
    {BPF_BTF_GET_FD_BY_ID, "BPF_BTF_GET_FD_BY_ID"},
    {BPF_TASK_FD_QUERY, "BPF_TASK_FD_QUERY"},
    {BPF_MAP_LOOKUP_AND_DELETE_ELEM, "BPF_MAP_LOOKUP_AND_DELETE_ELEM"},
    {BPF_MAP_FREEZE, "BPF_MAP_FREEZE"},
    {BPF_BTF_GET_NEXT_ID, "BPF_BTF_GET_NEXT_ID"},
    {BPF_MAP_LOOKUP_BATCH, "BPF_MAP_LOOKUP_BATCH"},
    {BPF_MAP_LOOKUP_AND_DELETE_BATCH, "BPF_MAP_LOOKUP_AND_DELETE_BATCH"},
    {BPF_MAP_UPDATE_BATCH, "BPF_MAP_UPDATE_BATCH"},
    {BPF_MAP_DELETE_BATCH, "BPF_MAP_DELETE_BATCH"},
    {BPF_LINK_CREATE, "BPF_LINK_CREATE"},
    {BPF_LINK_UPDATE, "BPF_LINK_UPDATE"},
    {BPF_LINK_GET_FD_BY_ID, "BPF_LINK_GET_FD_BY_ID"},
    {BPF_LINK_GET_NEXT_ID, "BPF_LINK_GET_NEXT_ID"},
    {BPF_ENABLE_STATS, "BPF_ENABLE_STATS"},
    {BPF_ITER_CREATE, "BPF_ITER_CREATE"},
    {BPF_LINK_DETACH, "BPF_LINK_DETACH"},
    {BPF_PROG_BIND_MAP, "BPF_PROG_BIND_MAP"},
}};

constexpr std::array<named, 4> seccomp_operations = {{
    {SECCOMP_SET_MODE_STRICT, "SECCOMP_SET_MODE_STRICT"},
    {SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"},
    {SECCOMP_GET_ACTION_AVAIL, "SECCOMP_GET_ACTION_AVAIL"},
    {SECCOMP_GET_NOTIF_SIZES, "SECCOMP_GET_NOTIF_SIZES"},
}};

constexpr std::array<named, 20> socketcalls = {{
    {SYS_SOCKET, "SYS_SOCKET"},
    {SYS_BIND, "SYS_BIND"},
    {SYS_CONNECT, "SYS_CONNECT"},
    {SYS_LISTEN, "SYS_LISTEN"},
    {SYS_ACCEPT, "SYS_ACCEPT"},
    {SYS_GETSOCKNAME, "SYS_GETSOCKNAME"},
    {SYS_GETPEERNAME, "SYS_GETPEERNAME"},
    {SYS_SOCKETPAIR, "SYS_SOCKETPAIR"},
    {SYS_SEND, "SYS_SEND"},
    {SYS_RECV, "SYS_RECV"},
    {SYS_SENDTO, "SYS_SENDTO"},
    {SYS_RECVFROM, "SYS_RECVFROM"},
    {SYS_SHUTDOWN, "SYS_SHUTDOWN"},
    {SYS_SETSOCKOPT, "SYS_SETSOCKOPT"},
    {SYS_GETSOCKOPT, "SYS_GETSOCKOPT"},
    {SYS_SENDMSG, "SYS_SENDMSG"},
    {SYS_RECVMSG, "SYS_RECVMSG"},
    {SYS_ACCEPT4, "SYS_ACCEPT4"},
    {SYS_RECVMMSG, "SYS_RECVMMSG"},
    {SYS_SENDMMSG, "SYS_SENDMMSG"},
}};

constexpr std::array<named, 12> ipc_calls = {{
    {SEMOP, "SEMOP"},
    {SEMGET, "SEMGET"},
    {SEMCTL, "SEMCTL"},
    {SEMTIMEDOP, "SEMTIMEDOP"},
    {MSGSND, "MSGSND"},
    {MSGRCV, "MSGRCV"},
    {MSGGET, "MSGGET"},
    {MSGCTL, "MSGCTL"},
    {SHMAT, "SHMAT"},
    {SHMDT, "SHMDT"},
    {SHMGET, "SHMGET"},
    {SHMCTL, "SHMCTL"},
}};

constexpr std::uint64_t low_half = 0xffffffff;
constexpr std::uint64_t signal_mask = CSIGNAL;
constexpr std::uint64_t socket_type_mask = 0xf;
constexpr std::uint64_t mount_magic = 0xc0ed0000;  // of programs that are older than the flags
constexpr std::uint64_t mount_magic_mask = 0xffff0000;

/// Names of bits, with | between them.
class bits final {
public:
    explicit bits(std::uint64_t left) : left_(left) {}

    bits& add(const std::string& word) {
        text_ += (text_.empty() ? "" : "|") + word;
        return *this;
    }

    bits& take(std::span<const named> known) {
        for (const named& each : known) {
            if ((left_ & each.value) != each.value) continue;
            add(each.name);
            left_ &= ~each.value;
        }
        return *this;
    }

    /// Bits without a name are a number; no bit at all is @p none.
    [[nodiscard]] std::string words(const std::string& none = "0") {
        if (left_ != 0) add(hex(left_));
        return text_.empty() ? none : text_;
    }

private:
    std::uint64_t left_;
    std::string text_;
};

std::string name_in(std::span<const named> known, std::uint64_t number) {
    const auto found = std::ranges::find(known, number, &named::value);
    return found == known.end() ? hex(number) : found->name;
}

std::string integer_words(std::uint64_t number) { return std::to_string(static_cast<std::int32_t>(number)); }

std::string signal_words(std::uint64_t number) {
    const char* name = sigabbrev_np(static_cast<int>(number));
    return name != nullptr ? std::string("SIG") + name : integer_words(number);
}

constexpr std::array<const char*, 4> ways = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

constexpr std::array<named, 5> zeros = {{
    {static_cast<std::uint32_t>(AT_FDCWD), "AT_FDCWD"},
    {0, "NULL"},
    {F_OK, "F_OK"},
    {PROT_NONE, "PROT_NONE"},
    {mount_magic, "MS_MGC_VAL"},
}};

const std::array<std::span<const named>, 21> all_names = {
    zeros,          open_bits,       access_bits,    at_bits,      unlink_bits,        families,        socket_types,
    socket_bits,    clone_bits,      namespace_bits, mount_bits,   umount_bits,        protection_bits, map_bits,
    fcntl_commands, ptrace_requests, prctl_options,  bpf_commands, seccomp_operations, socketcalls,     ipc_calls,
};

std::optional<std::uint64_t> value_of(std::string_view name) {
    for (std::uint64_t way = 0; way < ways.size(); ++way)
        if (name == ways.at(way)) return way;
    for (const std::span<const named> each : all_names) {
        const auto found = std::ranges::find_if(each, [&](const named& one) { return name == one.name; });
        if (found != each.end()) return found->value;
    }
    for (int number = 1; name.starts_with("SIG") && number < NSIG; ++number)
        if (const char* const known = sigabbrev_np(number); known != nullptr && name.substr(3) == known)
            return static_cast<std::uint64_t>(number);
    return parse_number(std::string(name));
}

std::string open_words(std::uint64_t number) {
    return bits(number & ~std::uint64_t{O_ACCMODE}).add(ways.at(number & O_ACCMODE)).take(open_bits).words();
}

std::string socket_type_words(std::uint64_t number) {
    return bits(number & ~socket_type_mask)
        .add(name_in(socket_types, number & socket_type_mask))
        .take(socket_bits)
        .words();
}

std::string clone_words(std::uint64_t number) {
    bits found(number & ~signal_mask);
    found.take(clone_bits);
    const std::uint64_t by = number & signal_mask;
    if (by != 0) return found.add(signal_words(by)).words();
    return found.words();
}

std::string mount_words(std::uint64_t number) {
    if ((number & mount_magic_mask) != mount_magic) return bits(number).take(mount_bits).words();
    return bits(number & ~mount_magic_mask).add("MS_MGC_VAL").take(mount_bits).words();
}

}  // namespace

std::string argument_words(argument_kind kind, std::uint64_t number) {
    const std::uint64_t low = number & low_half;
    switch (kind) {
        case argument_kind::none: return "";
        case argument_kind::hex: return hex(number);
        case argument_kind::pointer: return number == 0 ? "NULL" : hex(number);
        case argument_kind::size: return std::to_string(number);
        case argument_kind::integer: return integer_words(number);
        case argument_kind::mode: return fmt::format("{:#03o}", low);
        case argument_kind::signal: return signal_words(number);
        case argument_kind::folder: return static_cast<int>(number) == AT_FDCWD ? "AT_FDCWD" : integer_words(number);
        case argument_kind::open_flags: return open_words(low);
        case argument_kind::access_flags: return bits(low).take(access_bits).words("F_OK");
        case argument_kind::at_flags: return bits(low).take(at_bits).words();
        case argument_kind::unlink_flags: return bits(low).take(unlink_bits).words();
        case argument_kind::socket_family: return name_in(families, low);
        case argument_kind::socket_type: return socket_type_words(low);
        case argument_kind::clone_flags: return clone_words(number);
        case argument_kind::namespaces: return bits(low).take(namespace_bits).words();
        case argument_kind::mount_flags: return mount_words(number);
        case argument_kind::umount_flags: return bits(low).take(umount_bits).words();
        case argument_kind::protection: return bits(number).take(protection_bits).words("PROT_NONE");
        case argument_kind::map_flags: return bits(number).take(map_bits).words();
        case argument_kind::fcntl_command: return name_in(fcntl_commands, low);
        case argument_kind::ptrace_request: return name_in(ptrace_requests, number);
        case argument_kind::prctl_option: return name_in(prctl_options, low);
        case argument_kind::bpf_command: return name_in(bpf_commands, low);
        case argument_kind::seccomp_operation: return name_in(seccomp_operations, low);
        case argument_kind::socketcall_operation: return name_in(socketcalls, low);
        case argument_kind::ipc_operation: return name_in(ipc_calls, low);
    }
    return hex(number);
}

std::optional<std::uint64_t> argument_value(std::string_view words) {
    std::uint64_t number = 0;
    for (;;) {
        const std::size_t end = std::min(words.find('|'), words.size());
        const auto part = value_of(words.substr(0, end));
        if (!part) return std::nullopt;
        number |= *part;
        if (end == words.size()) return number;
        words.remove_prefix(end + 1);
    }
}

bool creates_file(std::uint64_t open_flags) noexcept {
    constexpr std::uint64_t temporary = O_TMPFILE & ~O_DIRECTORY;
    return (open_flags & (O_CREAT | temporary)) != 0;
}

}  // namespace secmap::ctl
