// SPDX-License-Identifier: LGPL-2.1-or-later
#include "annotations.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace secmap::oci {

namespace {

constexpr std::string_view ours = "org.secmap.";
constexpr std::string_view attach = "org.secmap.attach";
constexpr std::string_view profile = "org.secmap.profile";
constexpr std::string_view engine_name = "org.secmap.engine";
constexpr std::string_view log = "org.secmap.log";

template <typename Value>
struct word {
    std::string_view text;
    Value value;
};

constexpr std::array truths = {word<bool>{"true", true}, word<bool>{"false", false}};
constexpr std::array engines = {word<engine>{"maps", engine::maps}, word<engine>{"ebpf", engine::ebpf},
                                word<engine>{"cbpf", engine::cbpf}};

error refuse(std::string_view name, std::string_view reason, std::string_view hint) {
    return error{0, "read the annotations", fmt::format("{}: {}", name, reason), std::string(hint)};
}

/// One of these words, the first one without the annotation.
template <typename Words>
auto read_word(const annotations& from, std::string_view name, const Words& words) -> result<decltype(words[0].value)> {
    const auto found = from.find(std::string(name));
    if (found == from.end()) return words[0].value;
    std::string known;
    for (const auto& each : words) {
        if (each.text == found->second) return each.value;
        known += fmt::format("{}{}", known.empty() ? "" : ", ", each.text);
    }
    return refuse(name, fmt::format("unknown value \"{}\"", found->second), "one of " + known);
}

result<std::optional<std::filesystem::path>> read_profile_path(const annotations& from) {
    const auto found = from.find(std::string(profile));
    if (found == from.end()) return std::optional<std::filesystem::path>();
    std::filesystem::path path = found->second;
    if (path.is_absolute()) return std::optional(std::move(path));
    return refuse(profile, fmt::format("\"{}\" is not an absolute path", found->second),
                  "it names a file of the host: write it from / on");
}

std::optional<error> find_unknown(const annotations& from) {
    constexpr std::array known = {attach, profile, engine_name, log};
    for (const auto& [name, value] : from) {
        if (!name.starts_with(ours)) continue;
        bool found = false;
        for (const std::string_view each : known) found = found || each == name;
        if (!found) return refuse(name, "unknown", fmt::format("known are {}", fmt::join(known, ", ")));
    }
    return std::nullopt;
}

bool asks_anything(const annotations& from) {
    const auto next = from.lower_bound(std::string(ours));
    return next != from.end() && next->first.starts_with(ours);
}

}  // namespace

result<std::optional<request>> read_request(const annotations& from) {
    if (!asks_anything(from)) return std::optional<request>();
    if (auto unknown = find_unknown(from)) return *std::move(unknown);
    if (!from.contains(std::string(attach)))
        return refuse(attach, "is missing beside the others that begin with org.secmap.",
                      "true: the container is held; false: it is not");
    const auto wanted = read_word(from, attach, truths);
    if (!wanted) return wanted.error();
    auto path = read_profile_path(from);
    if (!path) return std::move(path).error();
    const auto by = read_word(from, engine_name, engines);
    if (!by) return by.error();
    // Not logged unless it is asked for.
    const auto logs = from.contains(std::string(log)) ? read_word(from, log, truths) : result<bool>(false);
    if (!logs) return logs.error();
    if (!*wanted) return std::optional<request>();
    return std::optional(request{std::move(path).value(), *by, *logs});
}

}  // namespace secmap::oci
