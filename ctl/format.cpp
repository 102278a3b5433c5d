// SPDX-License-Identifier: LGPL-2.1-or-later
#include "format.hpp"

#include "json.hpp"
#include "text.hpp"

namespace secmap::ctl {

namespace {

json_style style_of(format wanted) { return wanted == format::pretty_json ? json_style::pretty : json_style::compact; }

}  // namespace

format wanted_format(const std::vector<std::string_view>& arguments) {
    format wanted = format::text;
    for (const std::string_view each : arguments) {
        if (each == "--") break;
        if (each == "-p" || each == "--pretty" || each == "-jp" || each == "-pj") return format::pretty_json;
        if (each == "-j" || each == "--json") wanted = format::json;
    }
    return wanted;
}

std::string print(const value& of, format wanted) {
    return wanted == format::text ? to_text(of) : to_json(of, style_of(wanted)) + "\n";
}

std::string print(const error& of, format wanted) {
    return wanted == format::text ? "secmapctl: " + of.message() + "\n" : to_json(of, style_of(wanted)) + "\n";
}

}  // namespace secmap::ctl
