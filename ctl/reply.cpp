// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reply.hpp"

#include <cerrno>
#include <limits>

#include <nlohmann/json.hpp>

#include <secmap/names.hpp>

#include "answer_rules.hpp"
#include "number.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::json;

constexpr std::size_t shown = 80;

error nonsense(const std::string& line) {
    return {EBADMSG, "read a reply", "this is not a JSON object with the id of a request: " + excerpt(line), ""};
}

// Numbers of 64 bits may be strings, as they are in a request.
std::optional<std::int64_t> to_integer(const json& of) {
    if (of.is_string()) {
        const auto number = parse_number(of.get<std::string>());
        return number ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
    }
    if (of.is_number_unsigned() && of.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
        return std::nullopt;
    return of.is_number_integer() ? std::optional(of.get<std::int64_t>()) : std::nullopt;
}

std::optional<answer> to_errno(const json& of) {
    std::optional<std::int64_t> number;
    if (of.is_string()) number = errno_from_name(of.get<std::string>());
    if (of.is_number_integer()) number = to_integer(of);
    if (!number || !is_errno(*number)) return std::nullopt;
    return answer{answer::kind::fails, *number};
}

std::optional<answer> to_answer(const json& of) {
    if (of.size() != 2) return std::nullopt;  // the id, and what becomes of it
    if (of.contains("errno")) return to_errno(of["errno"]);
    if (of.contains("continue") && of["continue"] == true) return answer{answer::kind::is_made, 0};
    if (!of.contains("value")) return std::nullopt;
    const auto number = to_integer(of["value"]);
    if (!number) return std::nullopt;
    return answer{answer::kind::returns, *number};
}

}  // namespace

std::string excerpt(const std::string& line) {
    return printable(line.substr(0, shown)) + (line.size() > shown ? "..." : "");
}

result<reply> parse_reply(const std::string& line) {
    const json document = json::parse(line, nullptr, false);
    if (!document.is_object() || !document.contains("id") || !document["id"].is_string()) return nonsense(line);
    const auto id = parse_number(document["id"].get<std::string>());
    if (!id) return nonsense(line);
    return reply{*id, to_answer(document)};
}

}  // namespace secmap::ctl
