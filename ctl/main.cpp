// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl: reads the command line, runs the command that it names, prints what came out.
#include <cerrno>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "execution.hpp"
#include "format.hpp"

namespace {

using namespace secmap::ctl;

constexpr std::string_view about =
    "secmapctl: hold programs to system-call policies that are maps.\n"
    "Objects and commands are described in secmapctl(8).";

int exit_with(status of) { return static_cast<int>(of); }

// Errors go to standard error in either format: standard output may be a program's, or a pipe's.
int report(const failure& of, format wanted) {
    std::cerr << print(of.error, wanted);
    return exit_with(of.status);
}

// Of an answer that could be written.
int report_rest(const value& of, format wanted) {
    const auto* compared = std::get_if<diff_report>(&of);
    if (compared && !compared->abis.empty()) return exit_with(status::differs);
    const auto* changed = std::get_if<change_report>(&of);
    if (changed && changed->incomplete) return report(failure{*changed->incomplete}, wanted);
    return exit_with(status::success);
}

int report(const value& of, format wanted) {
    std::cout << print(of, wanted) << std::flush;
    if (std::cout) return report_rest(of, wanted);
    const bool compared = std::holds_alternative<diff_report>(of);
    return report(failure{{errno, "write the answer", "standard output does not take it", ""},
                          compared ? status::cannot_compare : status::failure},
                  wanted);
}

int report(const program_end& of, format /*wanted*/) { return end_as(of); }

// Groups of options are nameless subcommands to the parser.
bool is_command(const CLI::App* of) { return !of->get_name().empty(); }

// The parser names what is missing; where something is misspelt, that is named instead.
std::string usage_text(const CLI::App& parser, const CLI::App& chosen, const CLI::ParseError& error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError)) return error.what();
    const bool no_command = !chosen.get_subcommands(is_command).empty();
    for (const std::string& each : parser.remaining(true)) {
        if (each == "--") break;
        if (each.starts_with('-') && each != "-") return "there is no option '" + each + "'";
        if (no_command) return "there is no command '" + each + "'";
    }
    return no_command ? "a command is missing" : error.what();
}

int report_usage(const CLI::App& parser, const CLI::ParseError& error, format wanted) {
    const CLI::App* chosen = &parser;
    std::string name = parser.get_name();
    while (!chosen->get_subcommands().empty()) {
        chosen = chosen->get_subcommands().front();
        name += " " + chosen->get_name();
    }
    return report(failure{{EINVAL, "command line", usage_text(parser, *chosen, error), "see '" + name + " --help'"},
                          status::usage},
                  wanted);
}

void add_common_options(CLI::App& to, context& with) {
    const auto decided_before = [](std::int64_t) {};  // by wanted_format()
    to.add_flag("-j,--json", decided_before, "Answer in JSON, errors too");
    to.add_flag("-p,--pretty", decided_before, "Answer in JSON with line breaks");
    to.add_option("--device", with.device, "The module's device")
        ->envname("SECMAP_DEVICE")
        ->capture_default_str()
        ->type_name("PATH");
    to.set_version_flag("-V,--version", "secmapctl " SECMAP_VERSION, "Show the version");
}

void add_objects(registry& to) {
    add_run(to);
    add_notify(to);
    add_attach(to);
    add_detach(to);
    add_policy(to);
    add_prog(to);
    add_table(to);
    add_task(to);
    add_stats(to);
    add_explain(to);
    add_learn(to);
    add_monitor(to);
    add_bench(to);
    add_feature(to);
    add_version(to);
}

// In the help of every command.
void word_help(CLI::App& of) {
    of.get_formatter()->label("SUBCOMMAND", "COMMAND");
    of.get_formatter()->label("REQUIRED", "(required)");
    for (CLI::App* each : of.get_subcommands(is_command)) {
        each->group("Commands");
        each->footer("Every command takes the options of 'secmapctl --help', too.");
        word_help(*each);
    }
}

}  // namespace

// What throws here is out of memory: then there is nothing better than to end.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
    const format wanted = wanted_format({argv + 1, argv + argc});
    CLI::App parser{std::string(about), "secmapctl"};
    context with{SECMAP_DEVICE, wanted};
    registry commands{parser, {}};
    parser.require_subcommand(1);
    parser.fallthrough();
    add_common_options(parser, with);
    add_objects(commands);
    word_help(parser);
    try {
        parser.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return parser.exit(asked);
    } catch (const CLI::ParseError& error) {
        return report_usage(parser, error, wanted);
    }
    const outcome done = commands.chosen(with);
    return std::visit([wanted](const auto& what) { return report(what, wanted); }, done);
}
