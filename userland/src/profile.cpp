// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/profile.hpp>

#include <utility>

#include "document.hpp"
#include "profile_reader.hpp"

namespace secmap {

result<profile> read_profile(const std::filesystem::path& file, const profile_host& host) {
    const auto text = detail::read_document(file);
    if (!text) return text.error();
    return parse_profile(*text, file == "-" ? "standard input" : file.string(), host);
}

result<profile> parse_profile(std::string_view text, std::string file, const profile_host& host) {
    auto document = detail::parse_document(text, file);
    if (!document) return std::move(document).error();
    return detail::profile_reader(std::move(file), host).read(*document);
}

}  // namespace secmap
