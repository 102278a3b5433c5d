// SPDX-License-Identifier: LGPL-2.1-or-later
// The options that say which system call is meant; every command that asks about one has the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <linux/seccomp.h>
#include <CLI/CLI.hpp>

#include <secmap/result.hpp>

#include "value.hpp"

namespace secmap::ctl {

/// As they were given.
struct call_options {
    std::string call;
    std::string abi = "x86_64";
    std::vector<std::string> args;
};

enum class call_needed : std::uint8_t { always, to_ask_about_one };

/// Adds --call, --abi and --arg.
void add_call_options(CLI::App& to, call_options& options, call_needed needed = call_needed::always);

/// Throws CLI::ValidationError where an argument is given twice: for the command's callback.
void check_call_options(const call_options& options);

/// Numbers and names. An error says what there is no such call of.
[[nodiscard]] result<call_facts> to_call(const call_options& options);

/// As a filter sees it.
[[nodiscard]] seccomp_data to_data(const call_facts& from);

/// And back; no argument counts as given.
[[nodiscard]] call_facts to_facts(const seccomp_data& from);

}  // namespace secmap::ctl
