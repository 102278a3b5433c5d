// SPDX-License-Identifier: LGPL-2.1-or-later
#include "table_json.hpp"

#include "json_parts.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

ordered_json table_json(const table_info& of) {
    return {{"id", of.id},
            {"name", of.name},
            {"type", of.bitmap ? "bitmap" : "hash"},
            {"max_entries", of.max_entries},
            {"entries", of.entries},
            {"policies", of.policies},
            {"sealed", of.sealed},
            {"uid", of.uid},
            {"bytes", of.bytes}};
}

}  // namespace

ordered_json table_list_json(const table_list& of) {
    auto list = ordered_json::array();
    for (const table_info& each : of.tables) list.push_back(table_json(each));
    return list;
}

ordered_json table_facts_json(const table_facts& of) {
    ordered_json json = table_json(of.table);
    json["keys"] = hex_list(of.contents.keys);
    json["values"] = hex_list(of.contents.values);
    return json;
}

ordered_json table_update_json(const table_update_report& of) {
    return {{"table", of.table.id},         {"table_name", of.table.name}, {"entries", of.done.entries},
            {"policies", of.done.policies}, {"tasks", of.done.tasks},      {"stacks", of.done.stacks}};
}

ordered_json table_seal_json(const table_seal_report& of) {
    return {{"table", of.table.id}, {"table_name", of.table.name}};
}

}  // namespace secmap::ctl
