// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/names.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <secmap/secmap.h>

namespace secmap {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000U;
constexpr std::uint32_t i386_socketcall = 102;
constexpr std::uint32_t i386_ipc = 117;

constexpr std::array<std::string_view, 3> abi_names = {"x86_64", "x32", "i386"};

std::uint32_t architecture(abi which) noexcept {
    switch (which) {
        case abi::x32: return SCMP_ARCH_X32;
        case abi::i386: return SCMP_ARCH_X86;
        default: return SCMP_ARCH_X86_64;
    }
}

struct c_string_free {
    void operator()(char* text) const noexcept { std::free(text); }
};

std::string resolve(abi which, std::uint32_t number) {
    const std::uint32_t bit = which == abi::x32 ? x32_bit : 0;
    const std::unique_ptr<char, c_string_free> name(
        seccomp_syscall_resolve_num_arch(architecture(which), static_cast<int>(number | bit)));
    return name ? std::string(name.get()) : std::string();
}

using number_map = std::map<std::string, std::uint32_t, std::less<>>;

/// Names to the numbers that really exist: libseccomp answers pseudo numbers for the multiplexed calls of i386.
const number_map& numbers_of(abi which) {
    static const auto tables = [] {
        std::array<number_map, 3> made;
        for (std::size_t index = 0; index < made.size(); ++index)
            for (std::uint32_t number = 0; number < SECMAP_NR_MAX; ++number) {
                const std::string name = resolve(static_cast<abi>(index), number);
                if (!name.empty()) made[index].emplace(name, number);
            }
        return made;
    }();
    return tables[static_cast<std::size_t>(which)];
}

std::string errno_text(std::uint32_t number) {
    const char* name = strerrorname_np(static_cast<int>(number));
    return name ? fmt::format("{} {}", number, name) : fmt::format("{}", number);
}

}  // namespace

std::string_view abi_name(abi which) noexcept { return abi_names[static_cast<std::size_t>(which)]; }

std::optional<abi> abi_from_name(std::string_view name) noexcept {
    for (std::size_t index = 0; index < abi_names.size(); ++index)
        if (abi_names[index] == name) return static_cast<abi>(index);
    return std::nullopt;
}

std::string_view comparison_name(comparison op) noexcept {
    static constexpr std::array<std::string_view, 9> names = {"==", "!=", "<", "<=", ">", ">=", "&==", "in", "not in"};
    return names[static_cast<std::size_t>(op)];
}

std::string action_text(std::uint32_t action) {
    const std::uint32_t data = action & SECCOMP_RET_DATA;
    switch (action & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_KILL_PROCESS: return "KILL_PROCESS";
        case SECCOMP_RET_KILL_THREAD: return "KILL_THREAD";
        case SECCOMP_RET_TRAP: return data ? fmt::format("TRAP({})", data) : "TRAP";
        case SECCOMP_RET_ERRNO: return fmt::format("ERRNO({})", errno_text(data));
        case SECCOMP_RET_USER_NOTIF: return "NOTIFY";
        case SECCOMP_RET_TRACE: return fmt::format("TRACE({})", data);
        case SECCOMP_RET_LOG: return "LOG";
        case SECCOMP_RET_ALLOW: return "ALLOW";
        default: return fmt::format("{:#x}", action);
    }
}

std::optional<std::uint32_t> errno_from_name(std::string_view name) noexcept {
    if (name == "EWOULDBLOCK") return EAGAIN;
    if (name == "EDEADLOCK") return EDEADLK;
    if (name == "ENOTSUP") return EOPNOTSUPP;
    for (int number = 1; number < 512; ++number) {
        const char* known = strerrorname_np(number);
        if (known != nullptr && name == known) return static_cast<std::uint32_t>(number);
    }
    return std::nullopt;
}

std::optional<std::uint32_t> call_number(abi which, const std::string& name) {
    const auto& numbers = numbers_of(which);
    const auto found = numbers.find(name);
    if (found == numbers.end()) return std::nullopt;
    return found->second;
}

std::optional<std::uint32_t> named_number(abi which, const std::string& name) {
    if (name.find('\0') != std::string::npos) return std::nullopt;
    const int number = seccomp_syscall_resolve_name_arch(architecture(which), name.c_str());
    if (number < 0) return std::nullopt;
    return static_cast<std::uint32_t>(number) & ~x32_bit;
}

std::string call_name(abi which, std::uint32_t number) {
    const std::string name = number < SECMAP_NR_MAX ? resolve(which, number) : std::string();
    return name.empty() ? fmt::format("#{}", number) : name;
}

bool call_exists(const std::string& name) {
    // A name with a NUL in it would be cut short.
    if (name.find('\0') != std::string::npos) return false;
    return seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

std::vector<call_route> call_routes(abi which, const std::string& name) {
    std::vector<call_route> routes;
    if (!call_exists(name)) return routes;
    if (const auto number = call_number(which, name)) routes.push_back({*number, std::nullopt});
    if (which != abi::i386) return routes;
    // libseccomp's pseudo numbers: -100 - operation of socketcall, -200 - operation of ipc.
    const int pseudo = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name.c_str());
    if (pseudo <= -100 && pseudo > -200)
        routes.push_back({i386_socketcall, static_cast<std::uint32_t>(-pseudo - 100)});
    else if (pseudo <= -200 && pseudo > -300)
        routes.push_back({i386_ipc, static_cast<std::uint32_t>(-pseudo - 200)});
    return routes;
}

}  // namespace secmap
