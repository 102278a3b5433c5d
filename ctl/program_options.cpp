// SPDX-License-Identifier: LGPL-2.1-or-later
#include "program_options.hpp"

#include "words.hpp"

namespace secmap::ctl {

CLI::Option* add_program_options(CLI::App& to, program_options& options) {
    return to
        .add_option("--cbpf", options.cbpf,
                    "Classic BPF: an array of struct sock_filter, as seccomp_export_bpf(3) writes it; - for standard "
                    "input")
        ->type_name("FILE");
}

result<policy> create_policy(const device& on, const program_options& options, const std::string& name) {
    const auto program = filter_program::read(options.cbpf);
    if (!program) return program.error();
    return policy::create(on, *program, name.empty() ? policy_name(options.cbpf) : name);
}

}  // namespace secmap::ctl
