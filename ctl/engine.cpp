// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.hpp"

#include <utility>

#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/program_compiler.hpp>

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

}  // namespace

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
    if (engine == "ebpf") {
        const auto program = to_ebpf(image);
        if (!program) return program.error();
        return policy::create(on, *program, image.name);
    }
    if (engine == "cbpf") {
        const auto program = compile_cbpf(image);
        if (!program) return program.error();
        return policy::create(on, *program, image.name);
    }
    return policy::create(on, image);
}

std::vector<program_size> program_sizes(const policy_image& of) {
    return {size_of(to_ebpf(of)), size_of(compile_cbpf(of))};
}

}  // namespace secmap::ctl
