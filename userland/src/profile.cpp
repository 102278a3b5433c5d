// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/profile.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include <sys/stat.h>

#include "document.hpp"
#include "profile_reader.hpp"

namespace secmap {

namespace {

/// At most one byte more than a document may have, so that a larger one is seen to be larger.
std::string read_some(std::istream& input) {
    std::string text;
    std::string piece(std::size_t{1} << 16, '\0');
    while (input && text.size() <= detail::document_bytes_max) {
        input.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        text.append(piece, 0, static_cast<std::size_t>(input.gcount()));
    }
    return text;
}

error cannot_read(const std::filesystem::path& file, int number) {
    return error{number, "read profile", file.string() + ": " + std::strerror(number), ""};
}

}  // namespace

result<profile> read_profile(const std::filesystem::path& file, const profile_host& host) {
    if (file == "-") return parse_profile(read_some(std::cin), "standard input", host);
    struct stat facts = {};
    if (::stat(file.c_str(), &facts) != 0) return cannot_read(file, errno);
    if (S_ISDIR(facts.st_mode)) return cannot_read(file, EISDIR);
    errno = 0;
    std::ifstream input(file, std::ios::binary);
    if (!input) return cannot_read(file, errno != 0 ? errno : EIO);
    const std::string text = read_some(input);
    if (input.bad()) return cannot_read(file, EIO);
    return parse_profile(text, file.string(), host);
}

result<profile> parse_profile(std::string_view text, std::string file, const profile_host& host) {
    auto document = detail::parse_document(text, file);
    if (!document) return std::move(document).error();
    return detail::profile_reader(std::move(file), host).read(*document);
}

}  // namespace secmap
