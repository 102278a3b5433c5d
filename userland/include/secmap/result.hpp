// SPDX-License-Identifier: LGPL-2.1-or-later
// The one way in which something of libsecmap fails.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace secmap {

/// What went wrong: the thing, the cause, the next step.
struct error {
    int number = 0;         ///< errno, 0 where the cause is not a system call's
    std::string operation;  ///< what was tried: "read profile", "attach to thread 42"
    std::string text;       ///< the cause, with file and place in it where there is one
    std::string hint;       ///< what to do about it; may be empty

    /// "operation: text (hint)", one line.
    [[nodiscard]] std::string message() const;
};

/// A value or an error. Asking for the one that is not there is a programming error.
template <typename T>
class [[nodiscard]] result final {
public:
    result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    result(secmap::error failure) : content_(std::in_place_index<1>, std::move(failure)) {}

    [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    [[nodiscard]] T& value() & { return std::get<0>(content_); }
    [[nodiscard]] const T& value() const& { return std::get<0>(content_); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(content_)); }
    [[nodiscard]] const secmap::error& error() const& { return std::get<1>(content_); }
    [[nodiscard]] secmap::error&& error() && { return std::get<1>(std::move(content_)); }

    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    std::variant<T, secmap::error> content_;
};

/// Success without a value.
template <>
class [[nodiscard]] result<void> final {
public:
    result() = default;
    result(secmap::error failure) : failure_(std::move(failure)) {}

    [[nodiscard]] bool ok() const noexcept { return !failure_.has_value(); }
    explicit operator bool() const noexcept { return ok(); }
    [[nodiscard]] const secmap::error& error() const& { return *failure_; }
    [[nodiscard]] secmap::error&& error() && { return *std::move(failure_); }

private:
    std::optional<secmap::error> failure_;
};

}  // namespace secmap
