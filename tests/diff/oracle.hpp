// SPDX-License-Identifier: LGPL-2.1-or-later
// Decisions that were written down by somebody else: a folder with profiles/NAME.json and a table cases.tsv.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <linux/seccomp.h>

namespace secmap::diff {

struct oracle_case {
    std::size_t line = 0;
    seccomp_data call = {};
    std::uint32_t action = 0;
};

struct oracle_profile {
    std::string name;
    std::filesystem::path file;
    std::vector<oracle_case> cases;
};

/// Throws std::runtime_error with the line that is wrong.
[[nodiscard]] std::vector<oracle_profile> read_oracle(const std::filesystem::path& folder);

}  // namespace secmap::diff
