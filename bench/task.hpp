// SPDX-License-Identifier: LGPL-2.1-or-later
// A task that puts a filter on itself and does what is measured.
#pragma once

#include <cstdint>
#include <memory>

#include <secmap/result.hpp>

#include "engine.hpp"
#include "scenario.hpp"

namespace secmap::bench {

/// What the measuring task reads beside the time stamp counter.
enum class clocks : std::uint8_t {
    counter,      ///< nothing: in a guest whose counter counts instructions, or where the clock is a system call
    counter_raw,  ///< CLOCK_MONOTONIC_RAW, which the vDSO reads without a system call
};

/// How a task measures.
struct pace {
    unsigned times = 1;   ///< of what is measured, in one pass
    unsigned passes = 1;  ///< the one with the fewest ticks counts
    clocks read = clocks::counter_raw;
};

/// Of one pass.
struct sample {
    double ticks = 0;        ///< of the time stamp counter, for one time
    double nanoseconds = 0;  ///< 0: the clock was not read
    std::int64_t returned = 0;
};

/// What one task shall do.
struct task_order {
    const scenario& what;
    const call_pattern& call;
    const filter_maker& made_by;
    const filter* made;  ///< nullptr for scenarios that make it themselves
    const device* module;
    pace how;
};

/// Measures in tasks of their own: a filter cannot be taken off. A task needs no call that a filter could deny to hand
/// over what it measured: that goes to shared memory, and it ends by an illegal instruction, of which nobody is told.
class task_runner final {
public:
    [[nodiscard]] static result<task_runner> create();

    /// Forks, measures, waits.
    [[nodiscard]] result<sample> run(const task_order& order) const;

private:
    struct shared;
    struct unmap {
        void operator()(shared* memory) const noexcept;
    };
    explicit task_runner(std::unique_ptr<shared, unmap> memory) noexcept : memory_(std::move(memory)) {}
    std::unique_ptr<shared, unmap> memory_;
};

}  // namespace secmap::bench
