// SPDX-License-Identifier: LGPL-2.1-or-later
// Where `notify` says what it sees while a program runs: the program's standard output is its own.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

#include "format.hpp"

namespace secmap::ctl {

class request_log final {
public:
    /// "": standard error. Else a file, written anew.
    [[nodiscard]] static result<request_log> open(const std::string& path, format wanted);

    /// To the file. The first that it does not take is complained about; the program is served all the same.
    void write(const request_report& what);

    /// To standard error.
    void complain(const error& what) const;

private:
    request_log(std::string path, std::optional<descriptor> file, format wanted)
        : path_(std::move(path)), file_(std::move(file)), format_(wanted) {}
    std::string path_;
    std::optional<descriptor> file_;
    format format_;
    bool failed_ = false;
};

}  // namespace secmap::ctl
