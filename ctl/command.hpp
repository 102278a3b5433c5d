// SPDX-License-Identifier: LGPL-2.1-or-later
// What every command is: options on a parser, and a function that computes a value or fails.
#pragma once

#include <filesystem>
#include <functional>
#include <variant>

#include <CLI/CLI.hpp>

#include <secmap/result.hpp>

#include "format.hpp"
#include "value.hpp"

namespace secmap::ctl {

/// Statuses of the tool itself; `run` and `notify` end with their program's, or with env(1)'s, and `policy diff` with
/// those of diff(1).
enum class status : int {
    success = 0,
    failure = 1,
    differs = 1,
    usage = 2,
    cannot_compare = 2,
    cannot_execute = 126,
    not_found = 127
};

/// An error that ends the tool.
struct failure {
    secmap::error error;
    ctl::status status = status::failure;
};

/// The tool ends as a program has ended.
struct program_end {
    int wait_status = 0;  ///< of waitpid()
};

using outcome = std::variant<value, failure, program_end>;

/// What holds for every command.
struct context {
    std::filesystem::path device;
    ctl::format format = ctl::format::text;  ///< for what is said while a command works
};

using computation = std::function<outcome(const context&)>;

/// The parser, and the command that it chose.
struct registry {
    CLI::App& app;
    computation chosen;
};

// One for each object; each adds its commands to the parser.
void add_attach(registry& to);
void add_bench(registry& to);
void add_detach(registry& to);
void add_explain(registry& to);
void add_feature(registry& to);
void add_learn(registry& to);
void add_monitor(registry& to);
void add_notify(registry& to);
void add_policy(registry& to);
void add_prog(registry& to);
void add_run(registry& to);
void add_stats(registry& to);
void add_table(registry& to);
void add_task(registry& to);
void add_version(registry& to);

// Commands of `policy` that have files of their own.
void add_policy_change(CLI::App& policy, registry& to);
void add_policy_diff(CLI::App& policy, registry& to);

/// The value, or the error as a failure with status 1.
template <typename T>
[[nodiscard]] outcome to_outcome(result<T> from) {
    if (!from) return failure{std::move(from).error()};
    return value(std::move(from).value());
}

}  // namespace secmap::ctl
