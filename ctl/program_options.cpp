// SPDX-License-Identifier: LGPL-2.1-or-later
#include "program_options.hpp"

#include "words.hpp"

namespace secmap::ctl {

namespace {

std::string check_map(const std::string& text) {
    const std::size_t equal = text.find('=');
    const bool good = equal != std::string::npos && equal != 0 && equal + 1 != text.size();
    return good ? "" : "'" + text + "' is not NAME=PATH";
}

result<policy> create_policy_of_object(const device& on, const program_options& options, const std::string& name) {
    auto image = read_object(options);
    if (!image) return std::move(image).error();
    const auto program = ebpf_program::create(std::move(image).value());
    if (!program) return program.error();
    return policy::create(on, *program, name.empty() ? policy_name(options.object) : name);
}

}  // namespace

CLI::Option* add_program_options(CLI::App& to, program_options& options) {
    return to
        .add_option("--cbpf", options.cbpf,
                    "Classic BPF: an array of struct sock_filter, as seccomp_export_bpf(3) writes it; - for standard "
                    "input")
        ->type_name("FILE");
}

CLI::Option* add_object_options(CLI::App& command, CLI::App& to, const std::string& name, program_options& options) {
    auto* object =
        to.add_option(name, options.object, "An object file that clang made of a filter in C; - for standard input")
            ->type_name("FILE");
    command.add_option("--map", options.maps, "The BPF map that is pinned there is this table of the object")
        ->check(CLI::Validator(check_map, "", "map"))
        ->allow_extra_args(false)
        ->type_name("NAME=PATH");
    return object;
}

result<ebpf_image> read_object(const program_options& options) {
    auto image = read_ebpf_object(options.object);
    if (!image) return image;
    for (const std::string& each : options.maps) {
        const std::size_t equal = each.find('=');
        if (auto set = set_map(*image, each.substr(0, equal), each.substr(equal + 1)); !set)
            return std::move(set).error();
    }
    return image;
}

result<policy> create_policy(const device& on, const program_options& options, const std::string& name) {
    if (!options.object.empty()) return create_policy_of_object(on, options, name);
    const auto program = filter_program::read(options.cbpf);
    if (!program) return program.error();
    return policy::create(on, *program, name.empty() ? policy_name(options.cbpf) : name);
}

}  // namespace secmap::ctl
