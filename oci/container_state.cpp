// SPDX-License-Identifier: LGPL-2.1-or-later
#include "container_state.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <limits>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <secmap/secmap.h>

namespace secmap::oci {

namespace {

using json = nlohmann::json;

constexpr auto stage_hint = "name the hook in the stage createRuntime, as hooks.d/secmap.json does";

error refuse(std::string text) {
    return error{0, "read the state of the container", "standard input: " + std::move(text),
                 "runtimes write it there: see \"State\" in the OCI runtime specification"};
}

result<std::string> read_text(const json& from, const char* name) {
    const auto found = from.find(name);
    if (found == from.end()) return refuse(fmt::format("\"{}\" is missing", name));
    if (!found->is_string()) return refuse(fmt::format("\"{}\" must be a string", name));
    return found->get<std::string>();
}

result<pid_t> read_pid(const json& from) {
    const auto found = from.find("pid");
    if (found == from.end()) return refuse("\"pid\" is missing");
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max());
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > largest)
        return refuse("\"pid\" must be the id of a process");
    return found->get<pid_t>();
}

result<annotations> read_annotations(const json& from) {
    const auto found = from.find("annotations");
    annotations read;
    if (found == from.end() || found->is_null()) return read;
    if (!found->is_object()) return refuse("\"annotations\" must be an object");
    for (const auto& [name, value] : found->items()) {
        if (!value.is_string()) return refuse(fmt::format("the annotation \"{}\" must be a string", name));
        read.emplace(name, value.get<std::string>());
    }
    return read;
}

}  // namespace

result<container_state> parse_state(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return refuse(text.empty() ? "nothing was written" : "not valid JSON");
    if (!document.is_object()) return refuse("must be an object");
    auto id = read_text(document, "id");
    if (!id) return std::move(id).error();
    auto bundle = read_text(document, "bundle");
    if (!bundle) return std::move(bundle).error();
    auto status = read_text(document, "status");
    if (!status) return std::move(status).error();
    const auto pid = read_pid(document);
    if (!pid) return pid.error();
    auto annotated = read_annotations(document);
    if (!annotated) return std::move(annotated).error();
    return container_state{std::move(id).value(), std::move(status).value(), *pid, std::move(bundle).value(),
                           std::move(annotated).value()};
}

result<void> check_stage(const container_state& of) {
    const std::string operation = "look at the container";
    if (of.status == "running" || of.status == "stopped")
        return error{0, operation, "it is " + of.status + ": its program has begun without the filter", stage_hint};
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self", failed);
    if (of.pid < 1 || self != std::to_string(getpid()))
        return error{0, operation, "the hook runs in the container's namespaces, where its process cannot be named",
                     stage_hint};
    return {};
}

std::string object_name(std::string_view prefix, std::string_view id) {
    std::string name = fmt::format("{}{}", prefix, id);
    const auto unfit = [](unsigned char each) {
        return each > 127 || (std::isalnum(each) == 0 && each != '_' && each != '.' && each != '-');
    };
    std::ranges::replace_if(name, unfit, '_');
    if (name.size() >= SECMAP_NAME_LEN) name.resize(SECMAP_NAME_LEN - 1);
    return name;
}

}  // namespace secmap::oci
