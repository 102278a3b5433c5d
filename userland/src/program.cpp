// SPDX-License-Identifier: LGPL-2.1-or-later
#include "program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <secmap/descriptor.hpp>
#include <secmap/names.hpp>

namespace secmap::detail {

namespace {

struct filter_release {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};
using filter_handle = std::unique_ptr<void, filter_release>;

error failed(const char* what, int number) {
    return error{number, "compile profile", std::string(what) + ": " + std::strerror(number), ""};
}

scmp_compare operator_of(comparison op) noexcept {
    switch (op) {
        case comparison::ne: return SCMP_CMP_NE;
        case comparison::lt: return SCMP_CMP_LT;
        case comparison::le: return SCMP_CMP_LE;
        case comparison::gt: return SCMP_CMP_GT;
        case comparison::ge: return SCMP_CMP_GE;
        case comparison::masked_eq: return SCMP_CMP_MASKED_EQ;
        default: return SCMP_CMP_EQ;
    }
}

/// Actions by the number that stands for them, from 1 on: errno 0 could be mistaken for an action without data.
std::uint32_t number_of(std::vector<std::uint32_t>& actions, std::uint32_t action) {
    auto at = std::find(actions.begin() + 1, actions.end(), action);
    if (at == actions.end()) at = actions.insert(actions.end(), action);
    return static_cast<std::uint32_t>(at - actions.begin());
}

int add_rule(void* filter, std::uint32_t action, int number, const std::vector<profile_arg>& args) {
    std::vector<scmp_arg_cmp> conditions;
    conditions.reserve(args.size());
    for (const profile_arg& arg : args)
        conditions.push_back({arg.index, operator_of(arg.op), arg.value, arg.value_two});
    return seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(conditions.size()), conditions.data());
}

result<std::vector<sock_filter>> export_code(void* filter) {
    descriptor file(::memfd_create("secmap-program", MFD_CLOEXEC));
    if (file.number() < 0) return failed("make a file in memory", errno);
    if (const int failure = seccomp_export_bpf(filter, file.number()); failure < 0)
        return failed("libseccomp makes no program of it", -failure);
    struct stat facts = {};
    if (::fstat(file.number(), &facts) != 0) return failed("read libseccomp's program", errno);
    std::vector<sock_filter> code(static_cast<std::size_t>(facts.st_size) / sizeof(sock_filter));
    const std::size_t bytes = code.size() * sizeof(sock_filter);
    if (::pread(file.number(), code.data(), bytes, 0) != static_cast<ssize_t>(bytes))
        return failed("read libseccomp's program", EIO);
    return code;
}

}  // namespace

std::uint32_t program::action_of(std::uint32_t returned) const noexcept {
    const std::uint32_t index = returned & SECCOMP_RET_DATA;
    const bool placeholder = (returned & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    return placeholder && index < actions.size() ? actions[index] : returned;
}

std::vector<std::vector<profile_arg>> conjunctions(const profile_entry& entry) {
    std::array<unsigned, 6> count = {};
    for (const profile_arg& arg : entry.args) ++count.at(arg.index);
    if (std::all_of(count.begin(), count.end(), [](unsigned n) { return n < 2; })) return {entry.args};
    std::vector<std::vector<profile_arg>> each;
    for (const profile_arg& arg : entry.args) each.push_back({arg});
    return each;
}

result<program> program_builder::build() {
    program made;
    made.actions = {0};
    const auto stand_in = [&](std::uint32_t action) { return SCMP_ACT_ERRNO(number_of(made.actions, action)); };
    const filter_handle filter(seccomp_init(stand_in(profile_.default_action)));
    if (!filter) return failed("start libseccomp", ENOMEM);
    for (const abi which : profile_.abis) {
        const std::uint32_t arch = which == abi::i386  ? SCMP_ARCH_X86
                                   : which == abi::x32 ? SCMP_ARCH_X32
                                                       : SCMP_ARCH_X86_64;
        const int failure = seccomp_arch_add(filter.get(), arch);
        if (failure < 0 && failure != -EEXIST) return failed("add an ABI", -failure);
    }
    for (std::size_t index = 0; index < profile_.entries.size(); ++index) {
        const profile_entry& entry = profile_.entries[index];
        if (entry.action == profile_.default_action) continue;
        const std::uint32_t action = stand_in(entry.action);
        for (const std::string& name : entry.names) {
            if (!call_exists(name)) continue;
            const int number = seccomp_syscall_resolve_name(name.c_str());
            for (const auto& args : conjunctions(entry)) {
                const int failure = add_rule(filter.get(), action, number, args);
                if (failure == 0) continue;
                refused_ = {index, name, -failure};
                return failed(name.c_str(), -failure);
            }
        }
    }
    auto code = export_code(filter.get());
    if (!code) return std::move(code).error();
    made.code = std::move(*code);
    return made;
}

}  // namespace secmap::detail
