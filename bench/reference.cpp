// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reference.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <linux/audit.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "apart.hpp"

namespace secmap::bench {

namespace {

using nlohmann::json;

constexpr std::uint32_t x32_bit = 1U << 30;

struct filter_release {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};
struct file_close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

template <typename Value>
const Value& look_up(const std::map<std::string, Value>& table, const std::string& name) {
    const auto found = table.find(name);
    if (found == table.end()) throw std::invalid_argument("unknown: " + name);
    return found->second;
}

std::uint32_t action_of(const std::string& name, std::uint32_t data) {
    static const std::map<std::string, std::uint32_t> plain = {
        {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
        {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
        {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
        {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
        {"SCMP_ACT_LOG", SCMP_ACT_LOG},
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    };
    if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(data);
    if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(data);
    return look_up(plain, name);
}

scmp_compare operator_of(const std::string& name) {
    static const std::map<std::string, scmp_compare> operators = {
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };
    return look_up(operators, name);
}

/// Those of other machines are left out: libseccomp would only add branches that no call here takes.
std::vector<std::uint32_t> architectures_of(const json& document) {
    static const std::map<std::string, std::uint32_t> known = {
        {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64}, {"SCMP_ARCH_X32", SCMP_ARCH_X32}, {"SCMP_ARCH_X86", SCMP_ARCH_X86}};
    std::vector<std::string> names;
    if (document.contains("architectures"))
        for (const json& name : document["architectures"]) names.push_back(name);
    if (document.contains("archMap"))
        for (const json& entry : document["archMap"]) {
            if (entry["architecture"] != "SCMP_ARCH_X86_64") continue;
            names.push_back(entry["architecture"]);
            for (const json& name : entry["subArchitectures"]) names.push_back(name);
            break;
        }
    std::vector<std::uint32_t> found;
    for (const std::string& name : names)
        if (known.contains(name)) found.push_back(known.at(name));
    return found;
}

bool contains(const json& list, const std::string& wanted) {
    return std::find(list.begin(), list.end(), json(wanted)) != list.end();
}

bool kernel_at_least(const std::string& version, const circumstances& here) {
    unsigned major = 0;
    unsigned minor = 0;
    if (std::sscanf(version.c_str(), "%u.%u", &major, &minor) != 2) throw std::invalid_argument("version " + version);
    return here.kernel_major != major ? here.kernel_major > major : here.kernel_minor >= minor;
}

/// As moby's setupSeccomp() decides it.
bool applies(const json& entry, const circumstances& here) {
    const auto& caps = here.capabilities;
    const auto has = [&](const json& name) { return std::find(caps.begin(), caps.end(), name) != caps.end(); };
    const json none = json::object();
    const json& without = entry.contains("excludes") && !entry["excludes"].is_null() ? entry["excludes"] : none;
    const json& with = entry.contains("includes") && !entry["includes"].is_null() ? entry["includes"] : none;
    const auto list = [](const json& from, const char* name) { return from.value(name, json::array()); };
    if (contains(list(without, "arches"), "amd64")) return false;
    for (const json& name : list(without, "caps"))
        if (has(name)) return false;
    if (without.contains("minKernel") && kernel_at_least(without["minKernel"], here)) return false;
    if (!list(with, "arches").empty() && !contains(list(with, "arches"), "amd64")) return false;
    for (const json& name : list(with, "caps"))
        if (!has(name)) return false;
    return !with.contains("minKernel") || kernel_at_least(with["minKernel"], here);
}

std::vector<scmp_arg_cmp> conditions_of(const json& entry) {
    std::vector<scmp_arg_cmp> made;
    if (!entry.contains("args") || entry["args"].is_null()) return made;
    for (const json& arg : entry["args"])
        made.push_back({arg["index"], operator_of(arg["op"]), arg["value"], arg.value("valueTwo", std::uint64_t{0})});
    return made;
}

/// As runc's matchCall() decides it: an index that occurs twice makes each condition a rule of its own.
std::vector<std::vector<scmp_arg_cmp>> split(const std::vector<scmp_arg_cmp>& conditions) {
    std::array<unsigned, 6> count = {};
    bool twice = false;
    for (const scmp_arg_cmp& at : conditions) twice = ++count.at(at.arg) > 1 || twice;
    if (!twice) return {conditions};
    std::vector<std::vector<scmp_arg_cmp>> each;
    for (const scmp_arg_cmp& at : conditions) each.push_back({at});
    return each;
}

}  // namespace

reference::reference(std::string_view text, const circumstances& here) {
    // What libseccomp takes for an action must not depend on the kernel of this machine.
    if (seccomp_api_set(6) != 0) throw std::runtime_error("libseccomp has no API level 6");
    const json document = json::parse(text);
    default_action_ = action_of(document["defaultAction"], document.value("defaultErrnoRet", 1U));
    architectures_ = architectures_of(document);
    for (const json& entry : document.value("syscalls", json::array())) {
        if (!applies(entry, here)) continue;
        const std::uint32_t action = action_of(entry["action"], entry.value("errnoRet", 1U));
        std::vector<std::string> names;
        if (entry.contains("name")) names.push_back(entry["name"]);
        for (const json& name : entry.value("names", json::array())) names.push_back(name);
        for (const std::string& name : names) rules_.push_back({name, action, conditions_of(entry)});
    }
    find_last_numbers();
}

/// libseccomp runs in a process of its own, as some rules make it loop or crash.
std::vector<sock_filter> reference::program(number_search search) const {
    constexpr unsigned seconds = 3;
    constexpr char refused = 'r';
    constexpr char failed = 'f';
    constexpr char done = 'd';
    const auto answer = detail::run_apart(
        [&]() -> std::string {
            try {
                const auto code = compile(search);
                return done +
                       std::string(reinterpret_cast<const char*>(code.data()), code.size() * sizeof(sock_filter));
            } catch (const refused_by_libseccomp& refusal) {
                return refused + std::string(refusal.what());
            } catch (const std::exception& failure) {
                return failed + std::string(failure.what());
            }
        },
        seconds);
    if (!answer || answer->empty()) throw lost_by_libseccomp("libseccomp did not come to an end");
    if (answer->front() == refused) throw refused_by_libseccomp(answer->substr(1));
    if (answer->front() == failed) throw std::runtime_error(answer->substr(1));
    std::vector<sock_filter> code((answer->size() - 1) / sizeof(sock_filter));
    std::memcpy(code.data(), answer->data() + 1, code.size() * sizeof(sock_filter));
    return code;
}

std::vector<sock_filter> reference::compile(number_search search) const {
    const std::unique_ptr<void, filter_release> filter(seccomp_init(default_action_));
    if (!filter) throw std::runtime_error("seccomp_init failed");
    if (const int failure =
            seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, static_cast<std::uint32_t>(search)))
        throw std::runtime_error(fmt::format("seccomp_attr_set: {}", std::strerror(-failure)));
    for (const std::uint32_t arch : architectures_) {
        const int failure = seccomp_arch_add(filter.get(), arch);
        if (failure != 0 && failure != -EEXIST) throw std::runtime_error("seccomp_arch_add failed");
    }
    for (const reference_rule& rule : rules_) {
        if (rule.action == default_action_) continue;
        const int number = seccomp_syscall_resolve_name(rule.name.c_str());
        if (number == __NR_SCMP_ERROR) continue;
        for (const auto& args : split(rule.args)) {
            const auto count = static_cast<unsigned>(args.size());
            if (const int failure = seccomp_rule_add_array(filter.get(), rule.action, number, count, args.data()))
                throw refused_by_libseccomp(fmt::format("{}: {}", rule.name, std::strerror(-failure)));
        }
    }
    const std::unique_ptr<std::FILE, file_close> file(std::tmpfile());
    if (!file) throw std::runtime_error("no temporary file");
    if (seccomp_export_bpf(filter.get(), fileno(file.get())) != 0)
        throw std::runtime_error("seccomp_export_bpf failed");
    std::vector<sock_filter> code(static_cast<std::size_t>(::lseek(fileno(file.get()), 0, SEEK_END)) /
                                  sizeof(sock_filter));
    std::rewind(file.get());
    if (std::fread(code.data(), sizeof(sock_filter), code.size(), file.get()) != code.size())
        throw std::runtime_error("cannot read the program back");
    return code;
}

void reference::find_last_numbers() {
    switch (default_action_ & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ALLOW:
        case SECCOMP_RET_LOG:
        case SECCOMP_RET_TRACE: return;
        default: break;
    }
    if (default_action_ == SCMP_ACT_ERRNO(ENOSYS)) return;
    for (const std::uint32_t arch : architectures_) {
        int last = 0;
        for (const reference_rule& rule : rules_)
            last = std::max(last, seccomp_syscall_resolve_name_arch(arch, rule.name.c_str()));
        if (last == 0) continue;
        auto& place = arch == SCMP_ARCH_X86 ? last_i386_ : arch == SCMP_ARCH_X32 ? last_x32_ : last_x86_64_;
        place = static_cast<std::uint32_t>(last);
    }
}

std::optional<std::uint32_t> reference::stub(const seccomp_data& call) const {
    const auto number = static_cast<std::uint32_t>(call.nr);
    const auto& last = call.arch == AUDIT_ARCH_I386 ? last_i386_ : (number & x32_bit) != 0 ? last_x32_ : last_x86_64_;
    if (call.arch != AUDIT_ARCH_I386 && call.arch != AUDIT_ARCH_X86_64) return std::nullopt;
    if (!last || number <= *last) return std::nullopt;
    return SCMP_ACT_ERRNO(ENOSYS);
}

}  // namespace secmap::bench
