// SPDX-License-Identifier: LGPL-2.1-or-later
#include "document.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <istream>
#include <optional>
#include <set>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>

namespace secmap::detail {

namespace {

using json = nlohmann::json;

/// Reads events only: finds the first fault that a document of values would hide, and where it is.
class checker final : public json::json_sax_t {
public:
    explicit checker(std::string_view file) : file_(file) {}

    [[nodiscard]] const std::optional<error>& fault() const noexcept { return fault_; }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool string(string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }
    bool start_object(std::size_t) override { return open(false); }
    bool start_array(std::size_t) override { return open(true); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        level& now = levels_.back();
        now.key = name;
        if (now.keys.insert(name).second) return true;
        return refuse("this key is given twice", "keep one of the two: readers disagree about which one counts");
    }

    bool parse_error(std::size_t position, const std::string& token, const json::exception& cause) override {
        const std::string what = cause.what();
        const bool cut = what.find("unexpected end of input") != std::string::npos ||
                         what.find("missing closing quote") != std::string::npos;
        if (cut) return refuse("the document ends too early", "is the file complete?");
        if (what.find("UTF-8") != std::string::npos)
            return refuse(fmt::format("not valid UTF-8 at byte {}", position), "profiles are UTF-8");
        if (cause.id == 406) return refuse(fmt::format("the number {} is too large", token), "");
        return refuse(fmt::format("not valid JSON at byte {}", position), "");
    }

private:
    struct level {
        bool array = false;
        std::size_t index = 0;  ///< arrays: of the value that comes next
        std::string key;        ///< objects: of the value that comes next
        std::set<std::string> keys;
    };

    bool value() {
        if (!levels_.empty() && levels_.back().array) ++levels_.back().index;
        return true;
    }

    bool open(bool array) {
        if (levels_.size() == document_depth_max)
            return refuse(fmt::format("nested deeper than {} levels", document_depth_max), "no profile needs that");
        levels_.push_back({array, 0, {}, {}});
        return true;
    }

    bool close() {
        levels_.pop_back();
        return value();
    }

    bool refuse(std::string_view reason, std::string_view hint) {
        std::string place;
        for (const level& at : levels_) {
            if (at.array)
                place = pointer_to(place, at.index);
            else if (!at.key.empty() || !at.keys.empty())
                place = pointer_to(place, at.key);
        }
        fault_ = document_error(file_, place, reason, hint);
        return false;
    }

    std::string_view file_;
    std::vector<level> levels_;
    std::optional<error> fault_;
};

/// At most one byte more than a document may have, so that a larger one is seen to be larger.
std::string read_some(std::istream& input) {
    std::string text;
    std::string piece(std::size_t{1} << 16, '\0');
    while (input && text.size() <= document_bytes_max) {
        input.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        text.append(piece, 0, static_cast<std::size_t>(input.gcount()));
    }
    return text;
}

error cannot_read(const std::filesystem::path& file, int number) {
    return error{number, "read profile", file.string() + ": " + std::strerror(number), ""};
}

}  // namespace

error document_error(std::string_view file, std::string_view place, std::string_view reason, std::string_view hint) {
    std::string text(file);
    if (!place.empty()) text += fmt::format(": {}", place);
    text += fmt::format(": {}", reason);
    return error{0, "read profile", text, std::string(hint)};
}

std::string pointer_to(std::string_view place, std::string_view member) {
    std::string pointer = fmt::format("{}/", place);
    for (const char c : member) {
        if (c == '~')
            pointer += "~0";
        else if (c == '/')
            pointer += "~1";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            pointer += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            pointer += c;
    }
    return pointer;
}

std::string pointer_to(std::string_view place, std::size_t index) { return fmt::format("{}/{}", place, index); }

result<std::string> read_document(const std::filesystem::path& file) {
    if (file == "-") return read_some(std::cin);
    struct stat facts = {};
    if (::stat(file.c_str(), &facts) != 0) return cannot_read(file, errno);
    if (S_ISDIR(facts.st_mode)) return cannot_read(file, EISDIR);
    errno = 0;
    std::ifstream input(file, std::ios::binary);
    if (!input) return cannot_read(file, errno != 0 ? errno : EIO);
    std::string text = read_some(input);
    if (input.bad()) return cannot_read(file, EIO);
    return text;
}

result<json> parse_document(std::string_view text, std::string_view file) {
    if (text.size() > document_bytes_max)
        return document_error(file, "", fmt::format("larger than {} MiB", document_bytes_max >> 20),
                              "no profile is that large");
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        return document_error(file, "", "the document is empty", "is the file complete?");
    checker events(file);
    if (!json::sax_parse(text.begin(), text.end(), &events)) {
        if (events.fault()) return *events.fault();
        return document_error(file, "", "not valid JSON", "");
    }
    return json::parse(text.begin(), text.end(), nullptr, false);
}

}  // namespace secmap::detail
