// SPDX-License-Identifier: LGPL-2.1-or-later
#include "program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <secmap/call_arguments.hpp>
#include <secmap/descriptor.hpp>
#include <secmap/names.hpp>

#include "apart.hpp"

namespace secmap::detail {

namespace {

struct filter_release {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};
using filter_handle = std::unique_ptr<void, filter_release>;

/// libseccomp 2.5.4 has rules that it loops over, or that corrupt its memory: see docs/differences.md. The profiles that
/// people use take a few hundredths of a second.
constexpr unsigned seconds_most = 10;

error failed(const profile& from, const char* what, int number) {
    return error{number, "compile profile", from.file + ": " + what + ": " + std::strerror(number), ""};
}

std::uint32_t architecture(abi which) noexcept {
    switch (which) {
        case abi::i386: return SCMP_ARCH_X86;
        case abi::x32: return SCMP_ARCH_X32;
        default: return SCMP_ARCH_X86_64;
    }
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

/// A call of seccomp_rule_add_array(), prepared.
struct prepared_rule {
    std::size_t entry = 0;
    const std::string* name = nullptr;
    std::uint32_t action = 0;
    int number = 0;
    std::vector<scmp_arg_cmp> conditions;
};

std::vector<scmp_arg_cmp> prepare(const std::vector<profile_arg>& args) {
    std::vector<scmp_arg_cmp> conditions;
    conditions.reserve(args.size());
    for (const profile_arg& arg : args)
        conditions.push_back({arg.index, operator_of(arg.op), arg.value, arg.value_two});
    return conditions;
}

/// An int that is written with its sign in the upper half is meant without it.
std::vector<profile_arg> without_signs(std::vector<profile_arg> args, abi which, const std::string& name) {
    for (profile_arg& arg : args) {
        if (!is_narrow(which, name, arg.index)) continue;
        std::uint64_t& value = arg.op == comparison::masked_eq ? arg.value_two : arg.value;
        value = without_sign(value);
    }
    return args;
}

/// What the process that runs libseccomp reports, followed by the program.
struct report {
    enum class outcome : std::uint32_t { done, rule_refused, failed };
    outcome came_to = outcome::failed;
    std::uint32_t rule = 0;
    int number = 0;  ///< errno
};

std::string text_of(const report& from) { return {reinterpret_cast<const char*>(&from), sizeof(from)}; }

/// The exported program, or an errno.
int export_code(void* filter, std::string& code) {
    const descriptor file(::memfd_create("secmap-program", MFD_CLOEXEC));
    if (file.number() < 0) return errno;
    if (const int failure = seccomp_export_bpf(filter, file.number()); failure < 0) return -failure;
    struct stat facts = {};
    if (::fstat(file.number(), &facts) != 0) return errno;
    code.resize(static_cast<std::size_t>(facts.st_size));
    const bool whole = ::pread(file.number(), code.data(), code.size(), 0) == static_cast<ssize_t>(code.size());
    return whole ? 0 : EIO;
}

/// Everything that libseccomp does.
std::string run_libseccomp(abi which, std::uint32_t default_action, const std::vector<prepared_rule>& rules) {
    report made;
    made.number = ENOMEM;
    const filter_handle filter(seccomp_init(default_action));
    if (!filter) return text_of(made);
    if (which != abi::x86_64) {
        made.number = -seccomp_arch_add(filter.get(), architecture(which));
        if (made.number == 0) made.number = -seccomp_arch_remove(filter.get(), architecture(abi::x86_64));
        if (made.number != 0) return text_of(made);
    }
    for (const prepared_rule& rule : rules) {
        const auto count = static_cast<unsigned>(rule.conditions.size());
        const int failure =
            seccomp_rule_add_array(filter.get(), rule.action, rule.number, count, rule.conditions.data());
        if (failure == 0) continue;
        made = {report::outcome::rule_refused, static_cast<std::uint32_t>(&rule - rules.data()), -failure};
        return text_of(made);
    }
    std::string code;
    made.number = export_code(filter.get(), code);
    if (made.number == 0) made.came_to = report::outcome::done;
    return text_of(made) + code;
}

}  // namespace

std::uint32_t program::action_of(std::uint32_t returned) const noexcept {
    const std::uint32_t index = returned & SECCOMP_RET_DATA;
    const bool placeholder = (returned & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    return placeholder && index < actions.size() ? actions[index] : returned;
}

bool is_narrow(abi which, const std::string& name, std::uint32_t index) {
    return which == abi::x86_64 && argument_width(which, name, static_cast<std::uint8_t>(index)) <= 32;
}

std::vector<std::vector<profile_arg>> conjunctions(const profile_entry& entry) {
    std::array<unsigned, 6> count = {};
    for (const profile_arg& arg : entry.args) ++count.at(arg.index);
    if (std::all_of(count.begin(), count.end(), [](unsigned n) { return n < 2; })) return {entry.args};
    std::vector<std::vector<profile_arg>> each;
    for (const profile_arg& arg : entry.args) each.push_back({arg});
    return each;
}

result<program> program_builder::build(abi which) {
    program made;
    made.actions = {0};
    const auto stand_in = [&](std::uint32_t action) { return SCMP_ACT_ERRNO(number_of(made.actions, action)); };
    const std::uint32_t default_action = stand_in(profile_.default_action);
    std::vector<prepared_rule> rules;
    for (std::size_t index = 0; index < profile_.entries.size(); ++index) {
        const profile_entry& entry = profile_.entries[index];
        if (entry.action == profile_.default_action) continue;
        const std::uint32_t action = stand_in(entry.action);
        for (const std::string& name : entry.names) {
            if (!call_exists(name)) continue;
            const int number = seccomp_syscall_resolve_name(name.c_str());
            for (auto& args : conjunctions(entry)) {
                if (widths_ == argument_widths::as_kernel) args = without_signs(std::move(args), which, name);
                rules.push_back({index, &name, action, number, prepare(args)});
            }
        }
    }
    const auto text = run_apart([&] { return run_libseccomp(which, default_action, rules); }, seconds_most);
    if (!text || text->size() < sizeof(report))
        return error{0, "compile profile", profile_.file + ": libseccomp did not come to an end with these rules",
                     "some rules of one call overlap in a way that it does not survive; runc would fail too"};
    report said;
    std::memcpy(&said, text->data(), sizeof(said));
    if (said.came_to == report::outcome::rule_refused) {
        refused_ = {rules[said.rule].entry, *rules[said.rule].name, said.number};
        return failed(profile_, "libseccomp refuses a rule", said.number);
    }
    if (said.came_to != report::outcome::done) return failed(profile_, "libseccomp makes no program", said.number);
    made.code.resize((text->size() - sizeof(report)) / sizeof(sock_filter));
    std::memcpy(made.code.data(), text->data() + sizeof(report), made.code.size() * sizeof(sock_filter));
    return made;
}

}  // namespace secmap::detail
