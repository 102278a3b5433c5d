// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/bundle.hpp>

#include <cerrno>
#include <utility>

#include <nlohmann/json.hpp>

#include "document.hpp"
#include "profile_reader.hpp"

namespace secmap {

namespace {

using json = nlohmann::json;

result<json> read_config(const std::filesystem::path& config) {
    const auto text = detail::read_document(config);
    if (!text) return text.error();
    return detail::parse_document(*text, config.string());
}

/// A value in a document, or null if that, or what it is in, is not there.
const json& value_at(const json& document, const json::json_pointer& place) {
    static const json nothing;
    return document.contains(place) ? document[place] : nothing;
}

}  // namespace

result<profile> read_bundle_profile(const std::filesystem::path& config, const profile_host& host) {
    const auto document = read_config(config);
    if (!document) return document.error();
    const json& section = value_at(*document, json::json_pointer("/linux/seccomp"));
    if (section.is_null()) {
        error missing = detail::document_error(config.string(), "/linux/seccomp", "is missing", "");
        missing.number = ENOENT;
        return missing;
    }
    return detail::profile_reader(config.string() + ": /linux/seccomp", host).read(section);
}

result<std::vector<std::string>> read_bundle_capabilities(const std::filesystem::path& config) {
    const std::string place = "/process/capabilities/bounding";
    const auto document = read_config(config);
    if (!document) return document.error();
    std::vector<std::string> names;
    const json& listed = value_at(*document, json::json_pointer(place));
    if (listed.is_null()) return names;
    if (!listed.is_array()) return detail::document_error(config.string(), place, "must be an array", "");
    for (const json& each : listed) {
        if (!each.is_string())
            return detail::document_error(config.string(), detail::pointer_to(place, names.size()), "must be a string",
                                          "");
        names.push_back(each.get<std::string>());
    }
    return names;
}

}  // namespace secmap
