// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oracle.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <linux/audit.h>

namespace secmap::diff {

namespace {

std::uint32_t action_of(const std::string& text) {
    static const std::map<std::string, std::uint32_t> plain = {
        {"ALLOW", SECCOMP_RET_ALLOW},      {"LOG", SECCOMP_RET_LOG},
        {"KILL", SECCOMP_RET_KILL_THREAD}, {"KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
        {"TRAP", SECCOMP_RET_TRAP},
    };
    if (const auto found = plain.find(text); found != plain.end()) return found->second;
    const auto open = text.find('(');
    if (open == std::string::npos) throw std::invalid_argument("action " + text);
    const auto data = static_cast<std::uint32_t>(std::stoul(text.substr(open + 1)));
    if (text.starts_with("ERRNO")) return SECCOMP_RET_ERRNO | data;
    if (text.starts_with("TRACE")) return SECCOMP_RET_TRACE | data;
    throw std::invalid_argument("action " + text);
}

std::uint64_t number_of(const std::string& text) { return text == "N" ? 0 : std::stoull(text, nullptr, 0); }

oracle_case parse(std::istringstream& fields, std::size_t line) {
    oracle_case made;
    made.line = line;
    std::string field;
    fields >> field;
    made.call.nr = static_cast<int>(std::stol(field, nullptr, 0));
    made.call.arch = AUDIT_ARCH_X86_64;
    for (auto& arg : made.call.args) {
        fields >> field;
        arg = number_of(field);
    }
    fields >> field;
    made.action = action_of(field);
    return made;
}

}  // namespace

std::vector<oracle_profile> read_oracle(const std::filesystem::path& folder) {
    std::ifstream table(folder / "cases.tsv");
    if (!table) throw std::runtime_error((folder / "cases.tsv").string() + ": cannot be read");
    std::map<std::string, oracle_profile> profiles;
    std::string text;
    for (std::size_t line = 1; std::getline(table, text); ++line) {
        if (text.empty() || text.front() == '#') continue;
        std::istringstream fields(text);
        std::string name;
        fields >> name;
        oracle_profile& profile = profiles[name];
        profile.name = name;
        profile.file = folder / "profiles" / (name + ".json");
        try {
            profile.cases.push_back(parse(fields, line));
        } catch (const std::exception& wrong) {
            throw std::runtime_error(fmt::format("cases.tsv:{}: {}", line, wrong.what()));
        }
    }
    std::vector<oracle_profile> made;
    for (auto& [name, profile] : profiles) made.push_back(std::move(profile));
    return made;
}

}  // namespace secmap::diff
