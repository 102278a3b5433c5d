// SPDX-License-Identifier: LGPL-2.1-or-later
// What is timed, in the task that carries the filter.
#pragma once

#include <cstdint>
#include <vector>

#include <secmap/listener.hpp>
#include <secmap/result.hpp>

namespace secmap::bench {

/// Makes the call with each of @p first as its first argument and 0 as the others; what the last one returned. The same
/// few instructions a turn besides the call, whatever the call is.
std::int64_t repeat_call(std::int64_t number, const std::vector<std::uint64_t>& first) noexcept;

/// Each: how many of @p times failed.
[[nodiscard]] unsigned repeat_fork(unsigned times) noexcept;
[[nodiscard]] unsigned repeat_thread(unsigned times) noexcept;

/// Answers every call with @p value, until nobody is left who could ask.
void answer_all(const listener& at, std::int64_t value) noexcept;

}  // namespace secmap::bench
