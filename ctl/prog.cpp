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

result<program_check> check(const program_options& options) {
    const auto program = filter_program::read(options.cbpf);
    if (!program) return program.error();
    return program_check{options.cbpf, program->code().size(), program->answers(), program->computes_answers(),
                         predict(*program)};
}

result<change_report> attach(const device& on, const policy& which, pid_t pid) {
    const auto whom = process::open(pid);
    if (!whom) return whom.error();
    auto threads = whom->attach(on, which);
    if (!threads) return std::move(threads).error();
    return change_report{change::attached, pid, which.id(), std::move(threads).value()};
}

result<program_load> load(const context& with, const load_options& options) {
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto made = create_policy(*opened, options.program, options.name);
    if (!made) return made.error();
    program_load report;
    report.source = options.program.cbpf;
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

// Whether what a file has is a valid program is told beside it.
result<program_dump> read_dump(const context& with, const dump_options& options) {
    program_dump report;
    if (options.policy == 0) {
        auto code = read_filter_code(options.program.cbpf);
        if (!code) return std::move(code).error();
        report.source = options.program.cbpf;
        report.code = std::move(code).value();
        return report;
    }
    const auto opened = device::open(with.device);
    if (!opened) return opened.error();
    const auto which = policy::open(*opened, options.policy);
    if (!which) return which.error();
    const auto program = which->filter(*opened);
    if (!program) return program.error();
    report.source = "policy " + std::to_string(options.policy);
    report.code.assign(program->code().begin(), program->code().end());
    return report;
}

result<program_dump> dump(const context& with, const dump_options& options) {
    auto report = read_dump(with, options);
    if (!report) return report;
    const auto program = filter_program::create(report->code, report->source);
    if (program)
        report->allowed = predict(*program);
    else
        report->refused = program.error();
    if (options.output == "-") return report;
    std::ofstream file(options.output, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(report->code.data()),
               static_cast<std::streamsize>(report->code.size() * sizeof(sock_filter)));
    file.close();
    if (!file) return error{errno, "write " + options.output, std::strerror(errno), ""};
    report->written_to = options.output;
    return report;
}

result<program_test> test(const test_options& options) {
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

// The group that names the program: one of what is in it.
CLI::App* add_source(CLI::App& to, program_options& options) {
    CLI::App* group = to.add_option_group("program", "Which program, one of");
    add_program_options(*group, options);
    group->require_option(1);
    return group;
}

void add_check(CLI::App& prog, registry& to) {
    CLI::App* command =
        prog.add_subcommand("check", "Would a program be taken? If not, the instruction and the reason");
    auto options = std::make_shared<program_options>();
    add_source(*command, *options);
    command->callback(
        [&to, options] { to.chosen = [options](const context&) { return to_outcome(check(*options)); }; });
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
    command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(dump(with, *options)); }; });
}

void add_test(CLI::App& prog, registry& to) {
    CLI::App* command = prog.add_subcommand("test", "Say what a program answers to one system call");
    auto options = std::make_shared<test_options>();
    add_source(*command, options->program);
    add_call_options(*command, options->call);
    command->callback([&to, options] {
        check_call_options(options->call);
        to.chosen = [options](const context&) { return to_outcome(test(*options)); };
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
