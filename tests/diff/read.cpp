// SPDX-License-Identifier: LGPL-2.1-or-later
// secmap-read: what the reader makes of profiles, as JSON lines; and of what is left of them when bytes are hurt.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <secmap/names.hpp>
#include <secmap/profile.hpp>

namespace secmap::diff {

namespace {

using nlohmann::json;

struct options {
    std::vector<std::string> files;
    profile_host host;
    bool compiled = false;
    bool refuse_overlap = false;
    std::uint64_t mutations = 0;
    std::uint64_t seed = 1;
};

json describe(const profile& from) {
    json made;
    made["default"] = action_text(from.default_action);
    made["notes"] = from.notes;
    made["abis"] = json::array();
    for (const abi which : from.abis) made["abis"].push_back(abi_name(which));
    made["entries"] = json::array();
    for (const profile_entry& entry : from.entries)
        made["entries"].push_back({{"path", entry.path},
                                   {"names", entry.names},
                                   {"action", action_text(entry.action)},
                                   {"args", entry.args.size()}});
    return made;
}

json describe(const compiled_profile& from) {
    json made;
    made["notes"] = from.notes;
    made["tables"] = json::array();
    for (const table_image& table : from.image.tables) made["tables"].push_back(table.keys);
    for (const abi_section& section : from.image.sections) {
        json& to = made["sections"][std::string(abi_name(section.abi))];
        to["default"] = action_text(section.default_action);
        if (section.newer_from) to["newer_from"] = *section.newer_from;
        to["allow"] = section.allow;
        to["rules"] = json::array();
        for (const rule& each : section.rules) {
            std::string text;
            for (const condition& at : each.conditions) {
                if (!text.empty()) text += " && ";
                text += fmt::format("arg{}{} {} ", at.arg, at.width == 32 ? ".low" : "", comparison_name(at.op));
                const bool set = at.op == comparison::in || at.op == comparison::not_in;
                text += set ? fmt::format("table {}", at.table) : fmt::format("{:#x}", at.value);
                if (at.op == comparison::masked_eq) text += fmt::format(" mask {:#x}", at.mask);
            }
            to["rules"].push_back({{"call", call_name(section.abi, each.nr)},
                                   {"if", text},
                                   {"then", action_text(each.action)},
                                   {"from", each.origin}});
        }
    }
    return made;
}

json read_one(const std::string& file, const options& wanted) {
    const auto read = read_profile(file, wanted.host);
    if (!read) return {{"error", read.error().message()}};
    if (!wanted.compiled) return describe(*read);
    const auto overlap = wanted.refuse_overlap ? overlap_policy::refuse : overlap_policy::as_libseccomp;
    const auto compiled = compile(*read, {"", unknown_calls::as_default, overlap});
    if (!compiled) return {{"error", compiled.error().message()}};
    return describe(*compiled);
}

/// Cuts the text off, or changes some bytes, or takes some out.
std::string hurt(std::string text, std::mt19937_64& random) {
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    if (below(3) == 0) text.resize(below(text.size() + 1));
    for (std::size_t i = 0, count = below(4); i < count && !text.empty(); ++i) {
        const std::size_t at = below(text.size());
        switch (below(4)) {
            case 0: text.erase(at, below(40)); break;
            case 1: text.insert(at, text.substr(below(text.size()), below(40))); break;
            case 2: text[at] = "{}[]\",:0-9.e\\u"[below(14)]; break;
            default: text[at] = static_cast<char>(random()); break;
        }
    }
    return text;
}

int mutate(const options& wanted) {
    std::mt19937_64 random(wanted.seed);
    std::uint64_t taken = 0;
    std::uint64_t refused = 0;
    for (const std::string& file : wanted.files) {
        std::ifstream input(file, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
        for (std::uint64_t i = 0; i < wanted.mutations; ++i) {
            const auto read = parse_profile(hurt(text, random), file, wanted.host);
            if (read && i % 16 == 0) static_cast<void>(compile(*read, {}));
            if (!read && read.error().message().find(file) == std::string::npos)
                throw std::runtime_error("an error does not name the file: " + read.error().message());
            ++(read ? taken : refused);
        }
    }
    fmt::print("seed {}: {} taken, {} refused\n", wanted.seed, taken, refused);
    return EXIT_SUCCESS;
}

int run(const options& wanted) {
    if (wanted.mutations != 0) return mutate(wanted);
    for (const std::string& file : wanted.files)
        std::cout << read_one(file, wanted).dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
    return EXIT_SUCCESS;
}

}  // namespace

}  // namespace secmap::diff

int main(int argc, char** argv) {
    secmap::diff::options wanted;
    CLI::App app("Prints what the reader makes of profiles, one JSON value a line.");
    app.add_option("files", wanted.files, "Profiles")->required();
    app.add_option("--capability", wanted.host.capabilities, "A capability that the container has");
    app.add_option("--arch", wanted.host.arch, "Go's name of the machine");
    app.add_option("--kernel-major", wanted.host.kernel_major);
    app.add_option("--kernel-minor", wanted.host.kernel_minor);
    app.add_flag("--compiled", wanted.compiled, "What the compiler makes of them");
    app.add_flag("--refuse-overlap", wanted.refuse_overlap, "Refuse rules that contradict each other");
    app.add_option("--mutations", wanted.mutations, "Read each so often with random damage");
    app.add_option("--seed", wanted.seed, "Where randomness begins")->envname("SECMAP_SEED");
    CLI11_PARSE(app, argc, argv);
    try {
        return secmap::diff::run(wanted);
    } catch (const std::exception& failure) {
        fmt::print(stderr, "secmap-read: {}\n", failure.what());
        return EXIT_FAILURE;
    }
}
