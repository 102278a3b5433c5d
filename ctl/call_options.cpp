// SPDX-License-Identifier: LGPL-2.1-or-later
#include "call_options.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <linux/audit.h>

#include <secmap/names.hpp>

#include "number.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000;

// "2=0x241"
struct named_argument {
    std::uint8_t index;
    std::uint64_t value;
};

std::optional<named_argument> parse_argument(const std::string& text) {
    if (text.size() < 3 || text[0] < '0' || text[0] > '5' || text[1] != '=') return std::nullopt;
    const auto value = parse_number(text.substr(2));
    if (!value) return std::nullopt;
    return named_argument{static_cast<std::uint8_t>(text[0] - '0'), *value};
}

std::string check_argument(const std::string& text) {
    return parse_argument(text) ? "" : "'" + text + "' is not INDEX=VALUE with an index from 0 to 5 and a number";
}

}  // namespace

void add_call_options(CLI::App& to, call_options& options) {
    to.add_option("--call", options.call, "The system call")->required()->type_name("NAME|NUMBER");
    to.add_option("--abi", options.abi, "How it is made")
        ->check(one_of({"x86_64", "x32", "i386"}))
        ->type_name("x86_64|x32|i386");
    to.add_option("--arg", options.args, "An argument, 0 to 5; those that are not given count as 0")
        ->check(CLI::Validator(check_argument, "", "argument"))
        ->allow_extra_args(false)
        ->type_name("INDEX=VALUE");
}

void check_call_options(const call_options& options) {
    std::string seen;
    for (const std::string& each : options.args) {
        if (seen.find(each.front()) != std::string::npos)
            throw CLI::ValidationError("--arg", "argument " + each.substr(0, 1) + " is given twice");
        seen += each.front();
    }
}

result<call_facts> to_call(const call_options& options) {
    const std::string operation = "look up the call";
    call_facts call;
    call.abi = abi_from_name(options.abi).value_or(abi::x86_64);
    const auto as_number = parse_number(options.call);
    const auto by_name = as_number ? std::nullopt : call_number(call.abi, options.call);
    if (as_number && *as_number > UINT32_MAX)
        return error{EINVAL, operation, "system-call number " + options.call + " has more than 32 bits", ""};
    if (!as_number && !by_name)
        return error{EINVAL, operation, "there is no system call '" + options.call + "' on " + options.abi,
                     "name another --abi, or give the number"};
    call.nr = as_number ? static_cast<std::uint32_t>(*as_number) : *by_name;
    call.name = call_name(call.abi, call.nr);
    if (call.name.starts_with('#')) call.name.clear();
    for (const std::string& each : options.args) {
        const auto argument = parse_argument(each);
        call.args.at(argument->index) = argument->value;
        call.given.push_back(argument->index);
    }
    std::ranges::sort(call.given);
    return call;
}

seccomp_data to_data(const call_facts& from) {
    seccomp_data data = {};
    data.nr = static_cast<int>(from.abi == abi::x32 ? from.nr | x32_bit : from.nr);
    data.arch = from.abi == abi::i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    std::ranges::copy(from.args, data.args);
    return data;
}

call_facts to_facts(const seccomp_data& from) {
    const auto number = static_cast<std::uint32_t>(from.nr);
    call_facts made;
    if (from.arch == AUDIT_ARCH_I386)
        made.abi = abi::i386;
    else if (number & x32_bit)
        made.abi = abi::x32;
    made.nr = made.abi == abi::x32 ? number & ~x32_bit : number;
    made.name = call_name(made.abi, made.nr);
    if (made.name.starts_with('#')) made.name.clear();
    std::ranges::copy(from.args, made.args.begin());
    return made;
}

}  // namespace secmap::ctl
