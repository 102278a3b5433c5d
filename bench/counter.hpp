// SPDX-License-Identifier: LGPL-2.1-or-later
// The time stamp counter, and the clock.
#pragma once

#include <cstdint>
#include <ctime>

namespace secmap::bench {

[[nodiscard]] inline std::uint64_t read_counter() noexcept {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32U | low;
}

[[nodiscard]] inline std::uint64_t read_clock() noexcept {
    constexpr std::uint64_t nanoseconds = 1'000'000'000;
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * nanoseconds + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace secmap::bench
