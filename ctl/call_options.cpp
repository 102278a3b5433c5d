// SPDX-License-Identifier: LGPL-2.1-or-later
#include "call_options.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/audit.h>

#include <secmap/call_arguments.hpp>
#include <secmap/names.hpp>

#include "constants.hpp"
#include "number.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000;

// "2=0x241", "flags=O_RDWR|O_CREAT"
struct named_argument {
    std::string which;
    std::uint64_t value;
};

bool is_index(const std::string& text) { return text.size() == 1 && text[0] >= '0' && text[0] <= '5'; }

bool is_name(const std::string& text) {
    const auto may_be_in_it = [](unsigned char each) { return std::isalnum(each) != 0 || each == '_'; };
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
           std::ranges::all_of(text, may_be_in_it);
}

std::optional<named_argument> parse_argument(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string which = text.substr(0, equals);
    if (equals == std::string::npos || !(is_index(which) || is_name(which))) return std::nullopt;
    const auto value = argument_value(text.substr(equals + 1));
    if (!value) return std::nullopt;
    return named_argument{which, *value};
}

std::string check_argument(const std::string& text) {
    return parse_argument(text) ? ""
                                : "'" + text +
                                      "' is not INDEX=VALUE with an index from 0 to 5, or the argument's name, and a "
                                      "number, or names of constants with | between them";
}

// As the kernel's source calls it: with its leading _, or without.
result<std::uint8_t> index_of(const call_facts& call, const std::string& which) {
    if (is_index(which)) return static_cast<std::uint8_t>(which[0] - '0');
    const auto known = call_arguments(call.abi, call.name);
    std::vector<std::string_view> names;
    for (const call_argument& each : known) {
        const std::string_view plain = each.name.substr(std::min(each.name.find_first_not_of('_'), each.name.size()));
        if (each.name == which || plain == which) return static_cast<std::uint8_t>(&each - known.data());
        names.push_back(plain);
    }
    return error{EINVAL, "look up the call", fmt::format("{} has no argument '{}'", call.name, which),
                 names.empty() ? "name it by its index, 0 to 5" : fmt::format("it has {}", fmt::join(names, ", "))};
}

}  // namespace

void add_call_options(CLI::App& to, call_options& options, call_needed needed) {
    to.add_option("--call", options.call, "The system call")
        ->required(needed == call_needed::always)
        ->type_name("NAME|NUMBER");
    to.add_option("--abi", options.abi, "How it is made")
        ->check(one_of({"x86_64", "x32", "i386"}))
        ->type_name("x86_64|x32|i386");
    to.add_option(
          "--arg", options.args,
          "An argument, by index or name, as a number or by names of constants; those that are not given count as 0")
        ->check(CLI::Validator(check_argument, "", "argument"))
        ->allow_extra_args(false)
        ->type_name("INDEX|NAME=VALUE");
}

void check_call_options(const call_options& options) {
    std::vector<std::string> seen;
    for (const std::string& each : options.args) {
        const std::string which = each.substr(0, each.find('='));
        if (std::ranges::count(seen, which) != 0)
            throw CLI::ValidationError("--arg", "argument " + which + " is given twice");
        seen.push_back(which);
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
        const auto index = index_of(call, argument->which);
        if (!index) return index.error();
        if (std::ranges::count(call.given, *index) != 0)
            return error{EINVAL, operation, fmt::format("argument {} is given twice", *index), ""};
        call.args.at(*index) = argument->value;
        call.given.push_back(*index);
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
