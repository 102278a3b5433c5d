// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_parts.hpp"

#include <cstring>
#include <string>

#include <linux/seccomp.h>

#include <secmap/names.hpp>

#include "words.hpp"

namespace secmap::ctl {

using nlohmann::ordered_json;

ordered_json error_json(const error& of) {
    ordered_json json = {{"errno", of.number}, {"operation", of.operation}, {"text", of.text}, {"hint", of.hint}};
    const char* name = of.number != 0 ? strerrorname_np(of.number) : nullptr;
    if (name) json["errno_name"] = name;
    return json;
}

ordered_json action_json(std::uint32_t action) {
    const std::uint32_t data = action & SECCOMP_RET_DATA;
    ordered_json json = {{"name", action_name(action)}, {"value", action}};
    if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
        const char* name = strerrorname_np(static_cast<int>(data));
        json["errno"] = data;
        if (name) json["errno_name"] = name;
    } else if (data != 0) {
        json["data"] = data;
    }
    return json;
}

ordered_json call_json(abi on, std::uint32_t nr) {
    ordered_json json = {{"nr", nr}};
    const std::string name = call_name(on, nr);
    if (!name.starts_with('#')) json["name"] = name;
    return json;
}

ordered_json call_facts_json(const call_facts& of) {
    ordered_json json = call_json(of.abi, of.nr);
    json["abi"] = abi_name(of.abi);
    json["args"] = hex_list({of.args.begin(), of.args.end()});
    json["given"] = ordered_json::array();
    for (const int each : of.given) json["given"].push_back(each);
    return json;
}

ordered_json hex_list(const std::vector<std::uint64_t>& numbers) {
    auto list = ordered_json::array();
    for (const std::uint64_t each : numbers) list.push_back(hex(each));
    return list;
}

}  // namespace secmap::ctl
