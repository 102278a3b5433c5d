// SPDX-License-Identifier: LGPL-2.1-or-later
// A JSON document that was checked while it was read. Not installed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <secmap/result.hpp>

namespace secmap::detail {

inline constexpr std::size_t document_bytes_max = std::size_t{16} << 20;
inline constexpr std::size_t document_depth_max = 64;

/// An error at a place of a document: "FILE: PLACE: REASON". The place is a JSON pointer; empty: the whole document.
[[nodiscard]] error document_error(std::string_view file, std::string_view place, std::string_view reason,
                                   std::string_view hint);

/// Appends a member name to a JSON pointer, escaped as RFC 6901 says.
[[nodiscard]] std::string pointer_to(std::string_view place, std::string_view member);
[[nodiscard]] std::string pointer_to(std::string_view place, std::size_t index);

/// The text of a file ("-": standard input), or one byte more than a document may have.
[[nodiscard]] result<std::string> read_document(const std::filesystem::path& file);

/// Parses. Refused: what is not JSON or not UTF-8, a key given twice, nesting deeper than document_depth_max, more
/// than document_bytes_max bytes. Numbers that are not whole or do not fit stay what they are, for the reader to refuse.
[[nodiscard]] result<nlohmann::json> parse_document(std::string_view text, std::string_view file);

}  // namespace secmap::detail
