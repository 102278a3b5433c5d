// SPDX-License-Identifier: LGPL-2.1-or-later
// What the BTF of an object says about its tables, and its .BTF.ext about source lines. Not installed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bpf/btf.h>

#include <secmap/ebpf_image.hpp>
#include <secmap/result.hpp>

namespace secmap::detail {

/// The section of tables; secmap/bpf.h puts them there.
inline constexpr std::string_view table_section = ".maps";

struct btf_free_call {
    void operator()(btf* types) const noexcept { btf__free(types); }
};
using btf_handle = std::unique_ptr<btf, btf_free_call>;

/// A handle without a BTF if these bytes are none.
[[nodiscard]] btf_handle read_btf(std::span<const std::byte> bytes);

/// A table as its declaration says, with the contents that stand in @p initial, the bytes of the variable.
[[nodiscard]] result<program_table> read_table(const btf& types, const std::string& name,
                                               std::span<const std::byte> initial, const std::string& source);

/// What .BTF.ext says about one section of code.
struct line_facts {
    std::vector<source_line> lines;             ///< ascending
    std::vector<std::uint32_t> field_accesses;  ///< instructions that CO-RE would change
};
[[nodiscard]] result<line_facts> read_lines(const btf& types, std::span<const std::byte> extension,
                                            std::string_view section, const std::string& source);

}  // namespace secmap::detail
