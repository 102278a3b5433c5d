// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/program_compiler.hpp>
#include <secmap/task.hpp>

#include "reference.hpp"

namespace secmap::bench {

namespace {

constexpr std::array<std::string_view, all_engines.size()> names = {"none", "stock", "stock_tree",
                                                                    "maps", "ebpf",  "cbpf"};

using code = std::vector<sock_filter>;

error failure(const std::string& operation) { return {errno, operation, std::strerror(errno), ""}; }

const std::string& text_of(const scenario& of, const filter_source& from) {
    return of.profile.empty() ? from.profile : of.profile;
}

std::string name_of(const scenario& of, const filter_source& from) {
    return of.profile.empty() ? from.profile_name : of.label();
}

result<int> load(code& program, unsigned flags) {
    sock_fprog loaded = {static_cast<unsigned short>(program.size()), program.data()};
    // So that mitigations do not colour figures.
    flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    const long done = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &loaded);
    if (done < 0) return failure("load the seccomp filter");
    return static_cast<int>(done);
}

// libsecmap accepts the profile before: the reader of reference.cpp takes that for granted.
result<code> compile_anew(const scenario& of, const filter_source& from, number_search search) {
    const auto read = parse_profile(text_of(of, from), name_of(of, from), from.host);
    if (!read) return read.error();
    try {
        const reference made(text_of(of, from),
                             {from.host.capabilities, from.host.kernel_major, from.host.kernel_minor});
        return made.program(search);
    } catch (const std::exception& caught) {
        return error{0, "compile the filter", fmt::format("{}: libseccomp: {}", name_of(of, from), caught.what()), ""};
    }
}

// libseccomp takes its time, and scenarios share profiles; the host is the same for all.
result<code> compile_stock(const scenario& of, const filter_source& from, number_search search) {
    static std::map<std::pair<std::string, number_search>, code> compiled;
    if (of.members.size() >= BPF_MAXINSNS)
        return error{0, "compile the filter",
                     fmt::format("not expressible: {} values need more than the {} instructions of a program",
                                 of.members.size(), BPF_MAXINSNS),
                     ""};
    const auto known = compiled.find({text_of(of, from), search});
    if (known != compiled.end()) return known->second;
    auto made = compile_anew(of, from, search);
    if (made) compiled.emplace(std::pair(text_of(of, from), search), *made);
    return made;
}

result<filter_maker> prepare_stock(const scenario& of, const filter_source& from, number_search search) {
    auto compiled = compile_stock(of, from, search);
    if (!compiled) return compiled.error();
    const auto sizes = listener::ask_sizes();
    if (!sizes) return sizes.error();
    auto program = std::make_shared<code>(std::move(*compiled));
    const filter made = {[program]() -> result<void> {
                             const auto done = load(*program, 0);
                             return done ? result<void>() : result<void>(done.error());
                         },
                         [program, records = *sizes]() -> result<listener> {
                             const auto file = load(*program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
                             if (!file) return file.error();
                             return listener::adopt(descriptor(*file), records);
                         },
                         {}};
    return filter_maker([made]() -> result<filter> { return made; });
}

filter filter_of(const device& on, policy made) {
    auto held = std::make_shared<policy>(std::move(made));
    return {[&on, held]() -> result<void> {
                const auto depth = attach_self(on, *held);
                return depth ? result<void>() : result<void>(depth.error());
            },
            [&on, held] { return attach_with_listener(on, *held); }, held};
}

// Of what policy::create() takes.
template <typename Content, typename... More>
filter_maker maker_of(const device& on, Content content, More... more) {
    auto held = std::make_shared<Content>(std::move(content));
    return [&on, held, more...]() -> result<filter> {
        auto made = policy::create(on, *held, more...);
        if (!made) return std::move(made).error();
        return filter_of(on, std::move(*made));
    };
}

result<filter_maker> prepare_cbpf(const scenario& of, const filter_source& from) {
    auto compiled = compile_stock(of, from, number_search::tree);
    if (!compiled) return compiled.error();
    auto checked = filter_program::create(std::move(*compiled), name_of(of, from));
    if (!checked) return checked.error();
    return maker_of(*from.module, std::move(*checked), std::string("bench"));
}

result<filter_maker> prepare_ebpf(const scenario& of, const filter_source& from) {
    const auto image = image_of(of, from);
    if (!image) return image.error();
    auto compiled = compile_ebpf(*image);
    if (!compiled) return compiled.error();
    auto checked = ebpf_program::create(std::move(*compiled));
    if (!checked) return checked.error();
    return maker_of(*from.module, std::move(*checked), std::string("bench"));
}

result<filter_maker> prepare_maps(const scenario& of, const filter_source& from) {
    auto image = image_of(of, from);
    if (!image) return image.error();
    return maker_of(*from.module, std::move(*image));
}

// One call, allowed if its first argument is a member.
policy_image large_set(const scenario& of) {
    constexpr std::uint32_t deny = SECCOMP_RET_ERRNO | EPERM;
    policy_image made{"bench", SECCOMP_RET_KILL_THREAD, {}, {}};
    abi_section section;
    section.default_action = deny;
    condition member;
    member.op = comparison::in;
    member.mask = ~std::uint64_t{0};
    section.rules.push_back({static_cast<std::uint32_t>(of.call.number), SECCOMP_RET_ALLOW, {member}, ""});
    made.sections.push_back(section);
    made.tables.push_back({false, static_cast<std::uint32_t>(of.members.size()), of.members, {}});
    return made;
}

}  // namespace

std::string_view engine_name(engine which) noexcept { return names.at(static_cast<std::size_t>(which)); }

std::optional<engine> engine_from_name(std::string_view name) noexcept {
    for (const engine each : all_engines)
        if (engine_name(each) == name) return each;
    return std::nullopt;
}

bool is_secmap(engine which) noexcept {
    return which == engine::maps || which == engine::ebpf || which == engine::cbpf;
}

bool is_stock(engine which) noexcept { return which == engine::stock || which == engine::stock_tree; }

bool has_tables(engine which) noexcept { return which == engine::maps || which == engine::ebpf; }

result<filter_maker> prepare(engine which, const scenario& of, const filter_source& from) {
    if (is_secmap(which) && from.module == nullptr)
        return error{ENODEV, "prepare " + std::string(engine_name(which)), "the module's device is not open", ""};
    switch (which) {
        case engine::stock: return prepare_stock(of, from, number_search::linear);
        case engine::stock_tree: return prepare_stock(of, from, number_search::tree);
        case engine::maps: return prepare_maps(of, from);
        case engine::ebpf: return prepare_ebpf(of, from);
        case engine::cbpf: return prepare_cbpf(of, from);
        case engine::none: break;
    }
    return filter_maker([]() -> result<filter> { return filter{[] { return result<void>(); }, {}, {}}; });
}

result<policy_image> image_of(const scenario& of, const filter_source& from) {
    if (!of.members.empty()) return large_set(of);
    const auto read = parse_profile(text_of(of, from), name_of(of, from), from.host);
    if (!read) return read.error();
    auto compiled = compile(*read, {"bench", unknown_calls::as_default, overlap_policy::as_libseccomp});
    if (!compiled) return compiled.error();
    return std::move(compiled->image);
}

}  // namespace secmap::bench
