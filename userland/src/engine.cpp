// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/engine.hpp>

#include <utility>

#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/program_compiler.hpp>

namespace secmap {

namespace {

result<policy> create_ebpf(const device& on, const policy_image& image) {
    auto compiled = compile_ebpf(image);
    if (!compiled) return std::move(compiled).error();
    const auto program = ebpf_program::create(std::move(compiled).value());
    if (!program) return program.error();
    return policy::create(on, *program, image.name);
}

result<policy> create_cbpf(const device& on, const policy_image& image) {
    const auto program = compile_cbpf(image);
    if (!program) return program.error();
    return policy::create(on, *program, image.name);
}

}  // namespace

result<policy> create_policy(const device& on, const policy_image& image, engine by) {
    switch (by) {
        case engine::ebpf: return create_ebpf(on, image);
        case engine::cbpf: return create_cbpf(on, image);
        case engine::maps: break;
    }
    return policy::create(on, image);
}

}  // namespace secmap
