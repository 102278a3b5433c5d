// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of secmap's subset of eBPF as a value, with the tables that it names and the lines that it comes from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <linux/bpf.h>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// Where instructions come from: the first of them, up to that of the next line.
struct source_line {
    std::uint32_t instruction = 0;
    std::string file;
    std::uint32_t line = 0;
    std::string text;  ///< the line itself, without the spaces around it; may be empty
};

enum class table_kind : std::uint8_t { bitmap, hash, bpf_map };

/// A table that a program names.
struct program_table {
    std::string name;
    table_kind kind = table_kind::hash;
    table_image contents;       ///< bitmap, hash: what it holds in the beginning
    std::filesystem::path pin;  ///< bpf_map: where the map is pinned; empty: nobody said so
};

struct ebpf_image {
    std::string name;    ///< of the function
    std::string source;  ///< the file that it was read from, for errors
    std::vector<bpf_insn> code;
    std::vector<program_table> tables;  ///< LD_IMM64 names them by their index
    std::vector<source_line> lines;     ///< ascending; empty: not known

    /// Where an instruction comes from, or nullptr.
    [[nodiscard]] const source_line* line_of(std::size_t instruction) const noexcept;
};

/// Reads an object file that clang has made of a filter in C (secmap/bpf.h). Whether the program is in the subset is
/// not asked: see ebpf_program. Errors name the file, and the line of the filter where there is one.
[[nodiscard]] result<ebpf_image> read_ebpf_object(const std::filesystem::path& file);

/// The same of its contents.
[[nodiscard]] result<ebpf_image> parse_ebpf_object(std::span<const std::byte> content, const std::string& source);

/// Lets the map that is pinned at @p pin take the place of the table @p name: a hash, or a map.
[[nodiscard]] result<void> set_map(ebpf_image& of, const std::string& name, const std::filesystem::path& pin);

}  // namespace secmap
