// SPDX-License-Identifier: LGPL-2.1-or-later
// The part that compilers to programs share: from a policy to questions in an order. Not installed.
//
// Programs only jump forward, so they are written from their end: what is jumped to is there already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

#include "call_words.hpp"

namespace secmap::detail {

/// An instruction, counted from the end of the program.
struct label {
    std::size_t at = 0;
    std::optional<std::uint32_t> loads;  ///< the field that it loads; who holds that may go to the next one instead

    bool operator==(const label& other) const noexcept { return at == other.at; }
};

/// One kind of program. Each function puts a question, or an answer, in front of what is there.
class code_writer {
public:
    virtual ~code_writer() = default;

    [[nodiscard]] virtual label answer(std::uint32_t action) = 0;

    /// About the value that was loaded last.
    [[nodiscard]] virtual label is_equal(std::uint32_t value, label yes, label no) = 0;
    [[nodiscard]] virtual label is_at_least(std::uint32_t value, label yes, label no) = 0;

    /// Of the ABI @p which.
    [[nodiscard]] virtual label holds(abi which, const condition& asked, label yes, label no) = 0;

    /// Is the call's number among these? Nothing: there is no shorter way than to ask for each.
    [[nodiscard]] virtual std::optional<label> is_among(abi which, const std::vector<std::uint32_t>& numbers, label yes,
                                                        label no) = 0;

    /// The beginning: @p x86_64 and @p i386 ask about the number.
    virtual void begin(label x86_64, label i386, label foreign) = 0;
};

/// Where values lead, from @ref first on up to the next one.
struct cell {
    std::uint32_t first = 0;
    label to;
};

/// Adds a cell behind the others, unless it leads where the last one does.
void add_cell(std::vector<cell>& to, const cell& next);

/// Finds the cell of the value that was loaded last. The first one begins at 0, neighbours lead elsewhere.
[[nodiscard]] label search(code_writer& by, std::span<const cell> cells);

/// Writes a whole policy.
void write_policy(code_writer& by, const policy_image& policy);

/// The refusal of a program of @p length instructions.
[[nodiscard]] error too_long(const std::string& kind, const policy_image& policy, std::size_t length);

}  // namespace secmap::detail
