// SPDX-License-Identifier: LGPL-2.1-or-later
// Does a comparison hold?
#pragma once

#include <cstdint>
#include <optional>

#include <secmap/policy_image.hpp>

namespace secmap::detail {

/// Of what is @p seen of an argument, cut to the condition's width. Memberships cannot be told without
/// their tables: nothing.
[[nodiscard]] inline std::optional<bool> compares(const condition& at, std::uint64_t seen) noexcept {
    switch (at.op) {
        case comparison::eq: return seen == at.value;
        case comparison::ne: return seen != at.value;
        case comparison::lt: return seen < at.value;
        case comparison::le: return seen <= at.value;
        case comparison::gt: return seen > at.value;
        case comparison::ge: return seen >= at.value;
        case comparison::masked_eq: return (seen & at.mask) == (at.value & at.mask);
        case comparison::in:
        case comparison::not_in: break;
    }
    return std::nullopt;
}

}  // namespace secmap::detail
