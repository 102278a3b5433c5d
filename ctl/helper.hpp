// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that answers requests: lines to its standard input, lines from its standard output.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/types.h>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap::ctl {

/// A running one. It ignores SIGINT and SIGQUIT, as what a shell has put in the background does: what a terminal sends is
/// for the supervised program.
class helper final {
public:
    [[nodiscard]] static result<helper> start(const std::string& program);

    helper(helper&& other) noexcept;
    helper& operator=(helper&& other) = delete;
    helper(const helper&) = delete;
    helper& operator=(const helper&) = delete;
    /// Closes its standard input, waits for a moment, then kills it.
    ~helper();

    [[nodiscard]] const std::string& program() const noexcept { return program_; }

    /// Queues a line; never blocks.
    void write_line(const std::string& line);

    /// What to wait for: room for what is queued, and lines.
    [[nodiscard]] pollfd writing() const noexcept;
    [[nodiscard]] pollfd reading() const noexcept;

    /// Writes what there is room for. Fails where it does not read, or has ended.
    [[nodiscard]] result<void> write_queued();

    /// Whole lines that have come. Fails where no further ones will.
    [[nodiscard]] result<std::vector<std::string>> read_lines();

private:
    helper(std::string program, pid_t pid, descriptor input, descriptor output);
    [[nodiscard]] error ended();
    void end();

    std::string program_;
    pid_t pid_;  ///< 0: it has been waited for
    descriptor input_;
    descriptor output_;
    std::string queued_;
    std::string begun_;  ///< of a line
};

}  // namespace secmap::ctl
