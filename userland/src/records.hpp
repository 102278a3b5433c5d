// SPDX-License-Identifier: LGPL-2.1-or-later
// A policy image as the records of secmap.h, nested arrays and all. Not installed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <secmap/secmap.h>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap::detail {

/// Copies a name into a record. The module says which letters it takes; the length is decided here.
[[nodiscard]] result<void> set_name(std::span<char, SECMAP_NAME_LEN> into, const std::string& name,
                                    const std::string& operation);

/// Keeps the arrays that its records point to: it must outlive the call and does not move.
class policy_records final {
public:
    /// @p image must outlive nothing: everything is copied.
    explicit policy_records(const policy_image& image);
    policy_records(const policy_records&) = delete;
    policy_records& operator=(const policy_records&) = delete;

    [[nodiscard]] std::span<secmap_abi> sections() noexcept { return sections_; }

private:
    struct arrays {
        std::vector<std::uint64_t> allow;
        std::vector<secmap_rule> rules;
        std::vector<secmap_cond> conditions;
    };
    void add(const abi_section& section);

    std::vector<arrays> arrays_;
    std::vector<secmap_abi> sections_;
};

}  // namespace secmap::detail
