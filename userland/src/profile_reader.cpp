// SPDX-License-Identifier: LGPL-2.1-or-later
#include "profile_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sys/utsname.h>

#include <secmap/names.hpp>

#include "document.hpp"

namespace secmap::detail {

namespace {

constexpr std::uint32_t errno_max = 4095;
constexpr std::uint32_t errno_restart_first = 512;
constexpr std::uint32_t errno_restart_last = 516;
constexpr std::uint32_t arg_count = 6;
constexpr std::uint32_t errno_missing = 1;  // EPERM

template <typename Value>
struct named {
    std::string_view name;
    Value value;
};

constexpr std::array actions = {
    named<std::uint32_t>{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
    named<std::uint32_t>{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
    named<std::uint32_t>{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
    named<std::uint32_t>{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
    named<std::uint32_t>{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
    named<std::uint32_t>{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
    named<std::uint32_t>{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
    named<std::uint32_t>{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
    named<std::uint32_t>{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
};

constexpr std::array operators = {
    named<comparison>{"SCMP_CMP_EQ", comparison::eq},
    named<comparison>{"SCMP_CMP_NE", comparison::ne},
    named<comparison>{"SCMP_CMP_LT", comparison::lt},
    named<comparison>{"SCMP_CMP_LE", comparison::le},
    named<comparison>{"SCMP_CMP_GT", comparison::gt},
    named<comparison>{"SCMP_CMP_GE", comparison::ge},
    named<comparison>{"SCMP_CMP_MASKED_EQ", comparison::masked_eq},
};

constexpr std::array architectures = {
    named<abi>{"SCMP_ARCH_NATIVE", abi::x86_64},
    named<abi>{"SCMP_ARCH_X86_64", abi::x86_64},
    named<abi>{"SCMP_ARCH_X32", abi::x32},
    named<abi>{"SCMP_ARCH_X86", abi::i386},
};

/// Those of other machines: no call of theirs arrives here.
constexpr std::array<std::string_view, 20> other_architectures = {
    "SCMP_ARCH_ARM",     "SCMP_ARCH_AARCH64",     "SCMP_ARCH_MIPS",        "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64",    "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",       "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_RISCV64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",        "SCMP_ARCH_SH",     "SCMP_ARCH_SHEB",
};

/// Go's name of the native machine, and the profile's.
constexpr std::array natives = {
    named<std::string_view>{"amd64", "SCMP_ARCH_X86_64"},
    named<std::string_view>{"arm64", "SCMP_ARCH_AARCH64"},
    named<std::string_view>{"mips64", "SCMP_ARCH_MIPS64"},
    named<std::string_view>{"mips64n32", "SCMP_ARCH_MIPS64N32"},
    named<std::string_view>{"mipsel64", "SCMP_ARCH_MIPSEL64"},
    named<std::string_view>{"mipsel64n32", "SCMP_ARCH_MIPSEL64N32"},
    named<std::string_view>{"s390x", "SCMP_ARCH_S390X"},
};

template <typename Table>
auto find_name(const Table& table, std::string_view name) {
    const auto at = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.name == name; });
    return at == table.end() ? nullptr : &*at;
}

template <typename Table>
std::string all_names(const Table& table) {
    std::string names;
    for (const auto& entry : table) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
    return names;
}

/// As Go's readers compare the keys of a document.
bool same_but_for_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Text of a document in a message: short, and without what a terminal would obey.
std::string quote(std::string_view text) {
    constexpr std::size_t longest = 64;
    std::string shown = "\"";
    for (const char c : text.substr(0, longest)) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            shown += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
            shown += c;
    }
    return shown + (text.size() > longest ? "…\"" : "\"");
}

struct kernel_version {
    unsigned major = 0;
    unsigned minor = 0;
};

/// "4.8", and nothing else.
std::optional<kernel_version> parse_version(std::string_view text) {
    kernel_version version;
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, version.major);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, version.minor);
    if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
    return version;
}

kernel_version running_kernel() {
    utsname facts = {};
    if (::uname(&facts) != 0) return {};
    const std::string_view release(facts.release);
    const auto end = release.find_first_not_of("0123456789.");
    const std::string_view digits = release.substr(0, end);
    const auto dot = digits.find('.', digits.find('.') + 1);
    return parse_version(digits.substr(0, dot)).value_or(kernel_version{});
}

}  // namespace

/// What "includes" or "excludes" of an entry ask for.
struct profile_reader::filter {
    std::vector<std::string> caps;
    std::vector<std::string> arches;
    std::optional<kernel_version> kernel;
};

profile_reader::profile_reader(std::string file, const profile_host& host) : host_(host) {
    made_.file = std::move(file);
    if (host_.kernel_major != 0 || host_.kernel_minor != 0) return;
    const kernel_version running = running_kernel();
    host_.kernel_major = running.major;
    host_.kernel_minor = running.minor;
}

result<profile> profile_reader::read(const json& document) {
    const object root{document, ""};
    if (!is_object(root)) return *fault_;
    known_members(root, {"defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags",
                         "listenerPath", "listenerMetadata", "syscalls", "comment"});
    read_defaults(root);
    read_flags(root);
    read_abis(root);
    if (const json* entries = list(root, "syscalls"))
        for (std::size_t index = 0; index < entries->size() && !fault_; ++index)
            read_entry({(*entries)[index], pointer_to("/syscalls", index)});
    if (fault_) return *fault_;
    return std::move(made_);
}

void profile_reader::refuse(std::string_view place, std::string_view reason, std::string_view hint) {
    if (!fault_) fault_ = document_error(made_.file, place, reason, hint);
}

void profile_reader::note(std::string_view place, std::string_view reason) {
    made_.notes.push_back(fmt::format("{}: {}", place, reason));
}

bool profile_reader::is_object(const object& at) {
    if (at.value.is_object()) return true;
    refuse(at.place, fmt::format("must be an object, not {}", at.value.type_name()));
    return false;
}

void profile_reader::known_members(const object& at, std::initializer_list<std::string_view> names) {
    for (const auto& [name, value] : at.value.items()) {
        if (std::find(names.begin(), names.end(), name) != names.end()) continue;
        const std::string key = name;
        const auto meant = std::find_if(names.begin(), names.end(),
                                        [&](std::string_view known) { return same_but_for_case(known, key); });
        const std::string place = pointer_to(at.place, key);
        if (meant != names.end())
            refuse(place, fmt::format("unknown, but for its case \"{}\"", *meant),
                   "some readers take it for that, others ignore it: write it as it is meant");
        else
            note(place, "unknown, ignored");
    }
}

/// Nothing if it is missing or null: readers in Go make no difference.
const nlohmann::json* profile_reader::member(const object& at, std::string_view name) {
    const auto found = at.value.find(name);
    if (found == at.value.end() || found->is_null()) return nullptr;
    return &*found;
}

const nlohmann::json* profile_reader::list(const object& at, std::string_view name) {
    const json* value = member(at, name);
    if (value == nullptr || value->is_array()) return value;
    refuse(pointer_to(at.place, name), fmt::format("must be an array, not {}", value->type_name()));
    return nullptr;
}

std::string profile_reader::text(const object& at, std::string_view name) {
    const json* value = member(at, name);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    refuse(pointer_to(at.place, name), fmt::format("must be a string, not {}", value->type_name()));
    return {};
}

std::string profile_reader::required_text(const object& at, std::string_view name) {
    if (member(at, name) == nullptr) refuse(at.place, fmt::format("\"{}\" is missing", name));
    return text(at, name);
}

std::vector<std::string> profile_reader::texts(const object& at, std::string_view name) {
    std::vector<std::string> found;
    const json* values = list(at, name);
    if (values == nullptr) return found;
    for (std::size_t index = 0; index < values->size(); ++index) {
        const json& value = (*values)[index];
        if (value.is_string())
            found.push_back(value.get<std::string>());
        else
            refuse(pointer_to(pointer_to(at.place, name), index),
                   fmt::format("must be a string, not {}", value.type_name()));
    }
    return found;
}

std::optional<std::uint64_t> profile_reader::number(const object& at, std::string_view name, std::uint64_t largest) {
    const json* value = member(at, name);
    if (value == nullptr) return std::nullopt;
    const std::string place = pointer_to(at.place, name);
    if (!value->is_number()) {
        refuse(place, fmt::format("must be a number, not {}", value->type_name()));
    } else if (value->is_number_float()) {
        refuse(place, "must be a whole number of at most 64 bits", "write it without point and exponent");
    } else if (!value->is_number_unsigned()) {
        refuse(place, "must not be negative", "comparisons are unsigned; write -1 as 18446744073709551615");
    } else if (value->get<std::uint64_t>() > largest) {
        refuse(place, fmt::format("is {}, and may be at most {}", value->get<std::uint64_t>(), largest));
    } else {
        return value->get<std::uint64_t>();
    }
    return std::nullopt;
}

std::uint64_t profile_reader::required_number(const object& at, std::string_view name, std::uint64_t largest) {
    if (member(at, name) == nullptr) refuse(at.place, fmt::format("\"{}\" is missing", name));
    return number(at, name, largest).value_or(0);
}

void profile_reader::read_defaults(const object& root) {
    const auto action = read_action(root, "defaultAction", "defaultErrnoRet", "defaultErrno");
    if (!action) return;
    made_.default_action = *action;
    if ((*action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
        refuse("/defaultAction", "SCMP_ACT_NOTIFY cannot be the default action",
               "the supervisor could not be told about the listener; name the calls");
}

void profile_reader::read_flags(const object& root) {
    const auto flags = texts(root, "flags");
    for (std::size_t index = 0; index < flags.size(); ++index) {
        const std::string place = pointer_to("/flags", index);
        if (flags[index] == "SECCOMP_FILTER_FLAG_LOG")
            note(place, "SECCOMP_FILTER_FLAG_LOG has no effect here: no call is written to the audit log");
        else if (flags[index] != "SECCOMP_FILTER_FLAG_TSYNC" && flags[index] != "SECCOMP_FILTER_FLAG_SPEC_ALLOW" &&
                 flags[index] != "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")
            refuse(place, fmt::format("unknown flag {}", quote(flags[index])));
    }
    const std::string path = text(root, "listenerPath");
    text(root, "listenerMetadata");
    text(root, "comment");
    if (!path.empty()) note("/listenerPath", "ignored: no listener is handed over");
}

void profile_reader::read_abis(const object& root) {
    made_.abis = {abi::x86_64};
    const auto names = texts(root, "architectures");
    const json* map = list(root, "archMap");
    if (!names.empty() && map != nullptr && !map->empty()) {
        refuse("", "both \"architectures\" and \"archMap\" are given", "keep one of the two");
        return;
    }
    for (std::size_t index = 0; index < names.size(); ++index)
        add_abi(names[index], pointer_to("/architectures", index));
    if (map != nullptr) read_arch_map(root);
}

void profile_reader::read_arch_map(const object& root) {
    const json& map = *list(root, "archMap");
    const auto* const native = find_name(natives, host_.arch);
    bool found = false;
    for (std::size_t index = 0; index < map.size() && !fault_; ++index) {
        const object at{map[index], pointer_to("/archMap", index)};
        if (!is_object(at)) return;
        known_members(at, {"architecture", "subArchitectures"});
        const std::string name = required_text(at, "architecture");
        const auto subs = texts(at, "subArchitectures");
        if (fault_) return;
        // The first entry for this machine counts; the others are only checked.
        const bool here = !found && native != nullptr && name == native->value;
        const auto take = here ? &profile_reader::add_abi : &profile_reader::check_abi;
        (this->*take)(name, pointer_to(at.place, "architecture"));
        for (std::size_t sub = 0; sub < subs.size(); ++sub)
            (this->*take)(subs[sub], pointer_to(pointer_to(at.place, "subArchitectures"), sub));
        found = found || here;
    }
}

void profile_reader::check_abi(const std::string& name, const std::string& place) {
    if (find_name(architectures, name) != nullptr) return;
    if (std::find(other_architectures.begin(), other_architectures.end(), name) != other_architectures.end()) return;
    refuse(place, fmt::format("unknown architecture {}", quote(name)), "on this machine: " + all_names(architectures));
}

void profile_reader::add_abi(const std::string& name, const std::string& place) {
    check_abi(name, place);
    if (fault_) return;
    const auto* const known = find_name(architectures, name);
    if (known == nullptr) {
        note(place, fmt::format("{} is another machine's, ignored", name));
        return;
    }
    const auto add = [&](std::vector<abi>& abis) {
        if (std::find(abis.begin(), abis.end(), known->value) == abis.end()) abis.push_back(known->value);
    };
    add(made_.abis);
    add(made_.listed);
}

void profile_reader::read_entry(const object& at) {
    if (!is_object(at)) return;
    known_members(at, {"name", "names", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"});
    profile_entry entry;
    entry.path = at.place;
    entry.names = read_names(at);
    const auto action = read_action(at, "action", "errnoRet", "errno");
    text(at, "comment");
    if (const json* args = list(at, "args"))
        for (std::size_t index = 0; index < args->size() && !fault_; ++index)
            entry.args.push_back(read_arg({(*args)[index], pointer_to(at.place + "/args", index)}));
    const bool wanted = applies(at);
    if (fault_ || !action || !wanted) return;
    entry.action = *action;
    const bool notify = (*action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
    if (notify && std::find(entry.names.begin(), entry.names.end(), "write") != entry.names.end()) {
        refuse(at.place, "SCMP_ACT_NOTIFY cannot be used for write",
               "the listener is handed over with write; name the calls that the supervisor needs to see");
        return;
    }
    made_.entries.push_back(std::move(entry));
}

std::vector<std::string> profile_reader::read_names(const object& at) {
    const std::string single = text(at, "name");
    auto names = texts(at, "names");
    if (!single.empty() && !names.empty())
        refuse(at.place, "both \"name\" and \"names\" are given", "keep one of the two");
    if (!single.empty()) names.push_back(single);
    if (names.empty()) refuse(at.place, "no call is named", "give \"names\"");
    for (const std::string& name : names)
        if (name.empty()) refuse(at.place, "an empty string is not the name of a call");
    return names;
}

std::optional<std::uint32_t> profile_reader::read_action(const object& at, std::string_view name_of_action,
                                                         std::string_view name_of_number,
                                                         std::string_view name_of_errno) {
    const std::string name = required_text(at, name_of_action);
    if (fault_) return std::nullopt;
    const auto* const known = find_name(actions, name);
    if (known == nullptr) {
        refuse(pointer_to(at.place, name_of_action), fmt::format("unknown action {}", quote(name)),
               "known are " + all_names(actions));
        return std::nullopt;
    }
    const std::uint32_t data = read_data(at, known->value, name_of_number, name_of_errno);
    if (fault_) return std::nullopt;
    return known->value | data;
}

/// The errno of ERRNO, the message of TRACE; other actions have none, whatever stands there.
std::uint32_t profile_reader::read_data(const object& at, std::uint32_t action, std::string_view name_of_number,
                                        std::string_view name_of_errno) {
    const std::uint32_t largest = action == SECCOMP_RET_ERRNO ? errno_max : std::uint32_t{SECCOMP_RET_DATA};
    const auto value = number(at, name_of_number, largest);
    std::uint32_t data = static_cast<std::uint32_t>(value.value_or(errno_missing));
    std::string place = pointer_to(at.place, name_of_number);
    // The name wins over the number, as podman has it. It may be a number in quotes.
    if (const std::string name = text(at, name_of_errno); !name.empty()) {
        place = pointer_to(at.place, name_of_errno);
        const auto known = errno_from_name(name);
        std::uint32_t digits = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), digits);
        const bool numeric = parsed.ec == std::errc() && parsed.ptr == name.data() + name.size();
        if (!known && !numeric)
            refuse(place, fmt::format("unknown errno {}", quote(name)), "a name as in errno(3), or a number");
        else if (!known && digits > largest)
            refuse(place, fmt::format("is {}, and may be at most {}", digits, largest));
        data = known.value_or(digits);
        if (value && *value != data && action == SECCOMP_RET_ERRNO)
            note(place, fmt::format("{} contradicts \"{}\", and wins", quote(name), name_of_number));
    }
    if (action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_TRACE) return 0;
    if (action == SECCOMP_RET_ERRNO && data >= errno_restart_first && data <= errno_restart_last)
        refuse(place, fmt::format("errno {} makes the kernel restart the call, and is refused", data),
               "512 to 516 are the kernel's own; no program knows them");
    return data;
}

profile_arg profile_reader::read_arg(const object& at) {
    profile_arg arg;
    if (!is_object(at)) return arg;
    known_members(at, {"index", "value", "valueTwo", "op"});
    arg.index = static_cast<std::uint32_t>(required_number(at, "index", arg_count - 1));
    arg.value = required_number(at, "value", UINT64_MAX);
    arg.value_two = number(at, "valueTwo", UINT64_MAX).value_or(0);
    const std::string name = required_text(at, "op");
    if (fault_) return arg;
    const auto* const known = find_name(operators, name);
    if (known != nullptr)
        arg.op = known->value;
    else
        refuse(pointer_to(at.place, "op"), fmt::format("unknown operator {}", quote(name)),
               "known are " + all_names(operators));
    return arg;
}

profile_reader::filter profile_reader::read_filter(const object& at, std::string_view name) {
    filter made;
    const json* value = member(at, name);
    if (value == nullptr) return made;
    const object inside{*value, pointer_to(at.place, name)};
    if (!is_object(inside)) return made;
    known_members(inside, {"caps", "arches", "minKernel"});
    made.caps = texts(inside, "caps");
    made.arches = texts(inside, "arches");
    const std::string version = text(inside, "minKernel");
    if (version.empty()) return made;
    made.kernel = parse_version(version);
    if (!made.kernel)
        refuse(pointer_to(inside.place, "minKernel"), fmt::format("{} is not a kernel version", quote(version)),
               "write two numbers, as in \"4.8\"");
    return made;
}

bool profile_reader::has_capability(const std::string& name) const {
    return std::find(host_.capabilities.begin(), host_.capabilities.end(), name) != host_.capabilities.end();
}

bool profile_reader::applies(const object& at) {
    const filter includes = read_filter(at, "includes");
    const filter excludes = read_filter(at, "excludes");
    const auto here = [&](const std::vector<std::string>& arches) {
        return std::find(arches.begin(), arches.end(), host_.arch) != arches.end();
    };
    const auto has = [&](const std::string& name) { return has_capability(name); };
    const auto new_enough = [&](const kernel_version& wanted) {
        return std::pair(host_.kernel_major, host_.kernel_minor) >= std::pair(wanted.major, wanted.minor);
    };
    if (here(excludes.arches)) return false;
    if (std::any_of(excludes.caps.begin(), excludes.caps.end(), has)) return false;
    if (excludes.kernel && new_enough(*excludes.kernel)) return false;
    if (!includes.arches.empty() && !here(includes.arches)) return false;
    if (!std::all_of(includes.caps.begin(), includes.caps.end(), has)) return false;
    return !includes.kernel || new_enough(*includes.kernel);
}

}  // namespace secmap::detail
