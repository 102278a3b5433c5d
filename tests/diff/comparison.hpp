// SPDX-License-Identifier: LGPL-2.1-or-later
// One profile, compiled by libsecmap for each of its engines and by libseccomp, and asked about the same calls.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <linux/seccomp.h>

#include <secmap/device.hpp>
#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy.hpp>
#include <secmap/profile.hpp>
#include <secmap/simulator.hpp>

#include "../../bench/reference.hpp"

namespace secmap::diff {

using bench::circumstances;
using bench::reference;

/// What was counted.
struct tally {
    std::uint64_t compared = 0;
    std::uint64_t explained = 0;  ///< differ, and docs/differences.md says why
    std::uint64_t different = 0;
    std::vector<std::string> shown;  ///< the first differences

    void add(const tally& other);
};

/// A profile under test.
struct subject {
    std::string name;
    std::string text;
    circumstances here;
    unknown_calls unknown = unknown_calls::as_default;
};

/// Answers a batch of calls.
using judge = std::function<std::vector<std::uint32_t>(std::span<const seccomp_data>)>;

class comparison final {
public:
    /// Compiles with both. Throws std::runtime_error where only one of them refuses, or either fails.
    explicit comparison(const subject& of);

    /// Did both refuse it? Then there is nothing to compare.
    [[nodiscard]] const std::optional<std::string>& refused() const noexcept { return refused_; }

    /// Did libseccomp loop or crash? Then nobody can say what is right.
    [[nodiscard]] bool lost() const noexcept { return lost_; }

    /// Why there is no program of it: one sentence for each kind.
    [[nodiscard]] const std::vector<std::string>& too_long() const noexcept { return too_long_; }

    /// Asks the policies in the kernel from now on, instead of running them here.
    void use(const device& on);

    /// All edges, and @p count random calls; and the numbers that each engine allows without looking at arguments.
    [[nodiscard]] tally run(std::uint64_t count, std::uint64_t seed);

    /// What libseccomp's program with its tree, behind runc's stub if that was asked for, says.
    [[nodiscard]] std::uint32_t expected(const seccomp_data& call) const;

    /// What libsecmap's policy says.
    [[nodiscard]] std::vector<std::uint32_t> answers(std::span<const seccomp_data> calls) const { return ours_(calls); }

    [[nodiscard]] const reference& by_libseccomp() const noexcept { return reference_; }
    [[nodiscard]] const policy_image& image() const noexcept { return image_; }

private:
    /// An engine that runs programs.
    struct engine {
        std::string name;
        judge ask;
        std::function<std::vector<std::uint32_t>(abi)> allowed;
        std::optional<policy> in_kernel;
    };

    void add_programs();
    void compare(std::span<const seccomp_data> calls, tally& into) const;
    void compare(const engine& with, std::span<const seccomp_data> calls, const std::vector<std::uint32_t>& wanted,
                 tally& into) const;
    void compare_allowed(const engine& with, tally& into) const;
    [[nodiscard]] bool is_explained(const seccomp_data& call) const;
    [[nodiscard]] bool forgets_to_load(const seccomp_data& call) const;

    reference reference_;
    unknown_calls unknown_;
    std::optional<std::string> refused_;
    bool lost_ = false;
    std::vector<sock_filter> linear_;
    std::vector<sock_filter> tree_;
    policy_image image_;
    std::optional<simulator> simulator_;
    std::optional<ebpf_program> ebpf_;
    std::optional<filter_program> cbpf_;
    std::optional<policy> policy_;
    judge ours_;
    std::vector<engine> engines_;
    std::vector<std::string> too_long_;
};

}  // namespace secmap::diff
