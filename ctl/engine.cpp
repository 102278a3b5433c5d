// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.hpp"

#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <secmap/secmap.h>
#include <secmap/ebpf_program.hpp>
#include <secmap/engine.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/names.hpp>
#include <secmap/program_compiler.hpp>
#include <secmap/simulator.hpp>

#include "validators.hpp"

namespace secmap::ctl {

namespace {

result<ebpf_program> to_ebpf(const policy_image& from) {
    auto image = compile_ebpf(from);
    if (!image) return std::move(image).error();
    return ebpf_program::create(std::move(image).value());
}

program_size size_of(const result<ebpf_program>& made) {
    if (!made) return {"ebpf", 0, 0, made.error()};
    return {"ebpf", made->image().code.size(), made->image().tables.size(), {}};
}

program_size size_of(const result<filter_program>& made) {
    if (!made) return {"cbpf", 0, 0, made.error()};
    return {"cbpf", made->code().size(), 0, {}};
}

std::string difference(std::string_view what, std::uint64_t there, std::uint64_t here) {
    return there == here ? "" : fmt::format("it has {} {}, the profile {}", there, what, here);
}

std::string difference(std::string_view what, std::uint32_t there, std::uint32_t here, const char* /*of an action*/) {
    return there == here
               ? ""
               : fmt::format("{} is {} in it, and {} in the profile", what, action_text(there), action_text(here));
}

std::size_t conditions_of(const abi_section& section) {
    std::size_t count = 0;
    for (const rule& each : section.rules) count += each.conditions.size();
    return count;
}

std::string other_section(const section_info& there, const abi_section& here, std::size_t allowed) {
    const std::string_view name = abi_name(here.abi);
    for (std::string each :
         {difference(fmt::format("numbers of {} that are allowed", name), there.allowed, allowed),
          difference(fmt::format("rules for {}", name), there.rules, here.rules.size()),
          difference(fmt::format("conditions for {}", name), there.conditions, conditions_of(here)),
          difference(fmt::format("the default of {}", name), there.default_action, here.default_action, "")})
        if (!each.empty()) return each;
    return "";
}

result<std::string> other_maps(const policy_info& there, const policy_image& here) {
    const auto model = simulator::create(here);
    if (!model) return model.error();
    std::uint32_t abis = 0;
    for (const abi_section& each : here.sections) abis |= 1U << static_cast<unsigned>(each.abi);
    if (abis != there.abis) return std::string("they are not for the same ABIs");
    for (const abi_section& each : here.sections)
        if (auto other = other_section(there.sections.at(static_cast<std::size_t>(each.abi)), each,
                                       model->allowed_count(each.abi));
            !other.empty())
            return other;
    std::string other = difference("tables", there.tables, here.tables.size());
    return other.empty() ? difference("the action for other ABIs", there.foreign_action, here.foreign_action, "")
                         : other;
}

template <typename Instruction>
std::string other_code(std::span<const Instruction> there, std::span<const Instruction> here) {
    if (there.size() != here.size()) return difference("instructions", there.size(), here.size());
    const bool same = std::memcmp(there.data(), here.data(), here.size() * sizeof(Instruction)) == 0;
    return same ? "" : "its instructions are not those that the profile becomes";
}

}  // namespace

result<std::string> other_shape(const device& on, const policy& which, const policy_info& info,
                                const policy_image& image) {
    if (info.kind == SECMAP_POLICY_CBPF) {
        const auto there = which.filter(on);
        const auto here = compile_cbpf(image);
        if (!there) return there.error();
        return here ? other_code<sock_filter>(there->code(), here->code()) : here.error().text;
    }
    if (info.kind == SECMAP_POLICY_EBPF) {
        const auto there = which.code(on);
        const auto here = to_ebpf(image);
        if (!there) return there.error();
        return here ? other_code<bpf_insn>(*there, here->image().code) : here.error().text;
    }
    return other_maps(info, image);
}

void add_engine_option(CLI::App& to, profile_options& options, CLI::Option* profile) {
    to.add_option("--engine", options.engine, "What runs the profile: maps, or a program that decides the same")
        ->check(one_of({"maps", "ebpf", "cbpf"}))
        ->type_name("maps|ebpf|cbpf")
        ->needs(profile);
}

result<policy> create_policy(const device& on, const profile_options& options) {
    const auto loaded = load(options);
    if (!loaded) return loaded.error();
    return create_policy(on, loaded->image, options.engine);
}

result<policy> create_policy(const device& on, const policy_image& image, const std::string& engine) {
    const secmap::engine by = engine == "ebpf"   ? secmap::engine::ebpf
                              : engine == "cbpf" ? secmap::engine::cbpf
                                                 : secmap::engine::maps;
    return secmap::create_policy(on, image, by);
}

std::vector<program_size> program_sizes(const policy_image& of) {
    return {size_of(to_ebpf(of)), size_of(compile_cbpf(of))};
}

}  // namespace secmap::ctl
