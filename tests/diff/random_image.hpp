// SPDX-License-Identifier: LGPL-2.1-or-later
// Policies that no profile becomes: any operator, width, mask and table, sections that are missing.
#pragma once

#include <cstdint>
#include <random>

#include <linux/seccomp.h>

#include <secmap/policy_image.hpp>

namespace secmap::diff {

class random_image final {
public:
    /// The same one for the same seed.
    explicit random_image(std::uint64_t seed);

    [[nodiscard]] const policy_image& image() const noexcept { return image_; }

    /// A call near what its rules say.
    [[nodiscard]] seccomp_data call();

private:
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    [[nodiscard]] std::uint64_t value();
    [[nodiscard]] std::uint32_t action();
    [[nodiscard]] condition one_condition();
    [[nodiscard]] table_image one_table();
    [[nodiscard]] abi_section one_section(abi which);

    std::mt19937_64 random_;
    policy_image image_;
};

}  // namespace secmap::diff
