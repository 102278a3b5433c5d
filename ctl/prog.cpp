// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl prog check|load|dump|test: policies that are programs.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include <secmap/device.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy.hpp>
#include <secmap/process.hpp>

#include "call_options.hpp"
#include "command.hpp"
#include "program_options.hpp"
#include "validators.hpp"
#include "words.hpp"

namespace secmap::ctl {

namespace {

struct load_options {
    program_options program;
    std::string name;
    pid_t pid = 0;  ///< 0: nobody's
};

struct dump_options {
    program_options program;
    std::uint32_t policy = 0;
    std::string output = "-";
};

struct test_options {
    program_options program;
    call_options call;
};

allowed_numbers predict(const filter_program& program) {
    allowed_numbers found;
    for (const abi each : all_abis) found.at(static_cast<std::size_t>(each)) = program.predicted_allowed(each);
    return found;
}

allowed_numbers predict(const ebpf_program& program) {
    allowed_numbers found;
    for (const abi each : all_abis) found.at(static_cast<std::size_t>(each)) = program.predicted_allowed(each);
    return found;
}

outcome check_object(const program_options& options) {
    auto image = read_object(options);
    if (!image) return failure{std::move(image).error()};
    const auto program = ebpf_program::create(std::move(image).value());
    if (!program) return failure{program.error()};
    return value(object_check{program->image(), program->facts(), predict(*program)});
}

result<program_check> check_cbpf(const program_options& options) {
    const auto program = filter_program::read(options.cbpf);
    if (!program) return program.error();
    return program_check{options.cbpf, program->code().size(), program->answers(), program->computes_answers(),
                         predict(*program)};
}

outcome check(const program_options& options) {
    return options.object.empty() ? to_outcome(check_cbpf(options)) : check_object(options);
}

result<change_report> attach(const device& on, const policy& which, pid_t pid) {
    const auto whom = process::open(pid);
    if (!whom) return whom.error();
    auto threads = whom->attach(on, attachment_of(on, which));
    if (!threads) return std::move(threads).error();
    return change_report{change::attached, pid, "", "", which.id(), std::move(threads).value(), {}, in_force::now};
}

result<program_load> load(const context& with, const load_options& options) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto made = create_policy(*opened, options.program, options.name);
    if (!made) return made.error();
    program_load report;
    report.source = options.program.file();
    if (options.pid != 0) {
        auto attached = attach(*opened, *made, options.pid);
        if (!attached) return std::move(attached).error();
        report.attached = std::move(attached).value();
    }
    auto info = made->info(*opened);
    if (!info) return std::move(info).error();
    report.policy = std::move(info).value();
    return report;
}

// The instructions of either kind, where that was asked for.
template <typename Report, typename Instruction>
outcome show_or_write(Report report, const std::vector<Instruction>& code, const std::string& output) {
    if (output == "-") return value(std::move(report));
    std::ofstream file(output, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(code.data()),
               static_cast<std::streamsize>(code.size() * sizeof(Instruction)));
    file.close();
    if (!file) return failure{{errno, "write " + output, std::strerror(errno), ""}};
    report.written_to = output;
    return value(std::move(report));
}

// Whether what a file has is a valid program is told beside it.
outcome dump_code(std::vector<sock_filter> code, const std::string& source, const std::string& output) {
    program_dump report;
    report.source = source;
    report.code = code;
    const auto program = filter_program::create(std::move(code), source);
    if (program)
        report.allowed = predict(*program);
    else
        report.refused = program.error();
    const std::vector<sock_filter> written = report.code;
    return show_or_write(std::move(report), written, output);
}

outcome dump_object(const dump_options& options) {
    auto image = read_object(options.program);
    if (!image) return failure{std::move(image).error()};
    object_dump report;
    report.image = *image;
    const auto program = ebpf_program::create(std::move(image).value());
    if (program)
        report.allowed = predict(*program);
    else
        report.refused = program.error();
    const std::vector<bpf_insn> written = report.image.code;
    return show_or_write(std::move(report), written, options.output);
}

outcome dump_policy(const context& with, const dump_options& options) {
    const auto opened = device::open(with.device);
    if (!opened) return failure{opened.error()};
    const auto which = policy::open(*opened, options.policy);
    if (!which) return failure{which.error()};
    auto info = which->info(*opened);
    if (!info) return failure{std::move(info).error()};
    const std::string source = "policy " + std::to_string(options.policy);
    if (info->kind != SECMAP_POLICY_EBPF) {
        const auto program = which->filter(*opened);
        if (!program) return failure{program.error()};
        return dump_code({program->code().begin(), program->code().end()}, source, options.output);
    }
    const auto code = which->code(*opened);
    if (!code) return failure{code.error()};
    object_dump report;
    report.image.name = info->name;
    report.image.source = source;
    report.image.code = *code;
    report.policy = std::move(info).value();
    return show_or_write(std::move(report), *code, options.output);
}

outcome dump(const context& with, const dump_options& options) {
    if (options.policy != 0) return dump_policy(with, options);
    if (!options.program.object.empty()) return dump_object(options);
    auto code = read_filter_code(options.program.cbpf);
    if (!code) return failure{std::move(code).error()};
    return dump_code(std::move(code).value(), options.program.cbpf, options.output);
}

outcome test_object(const test_options& options) {
    auto call = to_call(options.call);
    if (!call) return failure{std::move(call).error()};
    auto image = read_object(options.program);
    if (!image) return failure{std::move(image).error()};
    auto program = ebpf_program::create(std::move(image).value());
    if (!program) return failure{std::move(program).error()};
    if (auto opened = program->open_maps(); !opened) return failure{std::move(opened).error()};
    object_test report;
    report.image = program->image();
    report.action = program->judge(to_data(*call)).action;
    report.whatever_arguments = program->predict(call->abi, call->nr).has_value();
    report.call = std::move(call).value();
    return value(std::move(report));
}

result<program_test> test_cbpf(const test_options& options) {
    auto call = to_call(options.call);
    if (!call) return std::move(call).error();
    const auto program = filter_program::read(options.program.cbpf);
    if (!program) return program.error();
    const seccomp_data data = to_data(*call);
    program_test report;
    report.source = options.program.cbpf;
    report.action = program->judge(data).action;
    report.instruction = program->deciding_instruction(data);
    report.whatever_arguments = program->predict(call->abi, call->nr).has_value();
    report.call = std::move(call).value();
    return report;
}

outcome test(const test_options& options) {
    return options.program.object.empty() ? to_outcome(test_cbpf(options)) : test_object(options);
}

// The group that names the program: one of what is in it.
CLI::App* add_source(CLI::App& to, program_options& options) {
    CLI::App* group = to.add_option_group("program", "Which program, one of");
    add_object_options(to, *group, "object", options);
    add_program_options(*group, options);
    group->require_option(1);
    return group;
}

void add_check(CLI::App& prog, registry& to) {
    CLI::App* command =
        prog.add_subcommand("check", "Would a program be taken? If not, the instruction and the reason");
    auto options = std::make_shared<program_options>();
    add_source(*command, *options);
    command->callback([&to, options] { to.chosen = [options](const context&) { return check(*options); }; });
}

void add_load(CLI::App& prog, registry& to) {
    CLI::App* command = prog.add_subcommand("load", "Have the kernel take a program, and put it on a running process");
    auto options = std::make_shared<load_options>();
    add_source(*command, options->program);
    command->add_option("--name", options->name, "Name of the policy; without it the file's")->type_name("NAME");
    command->add_option("--pid", options->pid, "A process, all its threads; without it the policy goes at once")
        ->check(number_up_to(highest_pid))
        ->type_name("PID");
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(load(with, *options)); }; });
}

void add_dump(CLI::App& prog, registry& to) {
    CLI::App* command = prog.add_subcommand("dump", "Disassemble a program, valid or not, or that of a policy");
    auto options = std::make_shared<dump_options>();
    add_source(*command, options->program)
        ->add_option("--policy", options->policy, "The program of a policy in the kernel")
        ->check(number_up_to(highest_id))
        ->type_name("ID");
    command->add_option("--output", options->output, "Write it there as --cbpf takes it; - shows it")
        ->type_name("FILE");
    command->callback([&to, options] { to.chosen = [options](const context& with) { return dump(with, *options); }; });
}

void add_test(CLI::App& prog, registry& to) {
    CLI::App* command = prog.add_subcommand("test", "Say what a program answers to one system call");
    auto options = std::make_shared<test_options>();
    add_source(*command, options->program);
    add_call_options(*command, options->call);
    command->callback([&to, options] {
        check_call_options(options->call);
        to.chosen = [options](const context&) { return test(*options); };
    });
}

}  // namespace

void add_prog(registry& to) {
    CLI::App* prog = to.app.add_subcommand("prog", "Programs: check, load, disassemble and ask them");
    prog->require_subcommand(1);
    add_check(*prog, to);
    add_load(*prog, to);
    add_dump(*prog, to);
    add_test(*prog, to);
}

}  // namespace secmap::ctl
