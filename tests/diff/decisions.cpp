// SPDX-License-Identifier: LGPL-2.1-or-later
// secmap-decisions: calls and what libseccomp decides for them, for tests that ask somebody else.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <secmap/names.hpp>

#include "calls.hpp"
#include "comparison.hpp"

namespace secmap::diff {

namespace {

/// One record of the output, in the machine's byte order.
struct record {
    seccomp_data call;
    std::uint32_t action;  ///< SECCOMP_RET_* with its data
    std::uint32_t pad;
};
static_assert(sizeof(record) == sizeof(seccomp_data) + 8);

struct options {
    std::string profile;
    std::uint64_t calls = 4096;
    std::uint64_t seed = 1;
    std::vector<std::string> capabilities;
    bool enosys = false;
    bool text = false;
    std::string verdicts;
};

std::string read_all(std::istream& input) {
    return {std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
}

void write(const record& each, const options& wanted) {
    if (wanted.text)
        fmt::print("{:#x}\t{}\t{:#x}\t{:#x}\t{:#x}\t{:#x}\t{:#x}\t{:#x}\t{}\n", each.call.arch, each.call.nr,
                   each.call.args[0], each.call.args[1], each.call.args[2], each.call.args[3], each.call.args[4],
                   each.call.args[5], action_text(each.action));
    else
        std::cout.write(reinterpret_cast<const char*>(&each), sizeof(each));
}

int generate(const options& wanted) {
    std::ifstream input(wanted.profile, std::ios::binary);
    if (!input) throw std::runtime_error(wanted.profile + ": cannot be read");
    const comparison of({wanted.profile,
                         read_all(input),
                         {wanted.capabilities, 6, 1},
                         wanted.enosys ? unknown_calls::enosys : unknown_calls::as_default});
    if (of.lost()) throw std::runtime_error(wanted.profile + ": libseccomp did not come to an end");
    if (of.refused()) throw std::runtime_error(*of.refused());
    interesting_calls source(of.by_libseccomp(), wanted.seed);
    constexpr std::size_t edges_most = 1000;
    const auto put = [&](const seccomp_data& call) { write({call, of.expected(call), 0}, wanted); };
    source.edges(edges_most, put);
    for (std::uint64_t i = 0; i < wanted.calls; ++i) put(source.next());
    return EXIT_SUCCESS;
}

/// Compares struct secmap_verdict records of a file with the decisions on the standard input.
int compare(const options& wanted) {
    std::ifstream file(wanted.verdicts, std::ios::binary);
    const std::string verdicts = read_all(file);
    const std::string decisions = read_all(std::cin);
    const std::size_t count = decisions.size() / sizeof(record);
    if (verdicts.size() / sizeof(secmap_verdict) != count)
        throw std::runtime_error(
            fmt::format("{} verdicts for {} decisions", verdicts.size() / sizeof(secmap_verdict), count));
    std::size_t different = 0;
    for (std::size_t i = 0; i < count; ++i) {
        record wanted_one = {};
        secmap_verdict given = {};
        std::memcpy(&wanted_one, decisions.data() + i * sizeof(record), sizeof(record));
        std::memcpy(&given, verdicts.data() + i * sizeof(given), sizeof(given));
        if (given.action == wanted_one.action) continue;
        if (++different <= 10)
            fmt::print("arch {:#x} nr {}: {}, expected {}\n", wanted_one.call.arch, wanted_one.call.nr,
                       action_text(given.action), action_text(wanted_one.action));
    }
    fmt::print("{} calls compared, {} different\n", count, different);
    return different == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

}  // namespace secmap::diff

int main(int argc, char** argv) {
    secmap::diff::options wanted;
    CLI::App app(
        "Writes calls and libseccomp's decisions: struct seccomp_data, __u32 action, __u32 0; or compares "
        "verdicts with them.");
    app.add_option("--profile", wanted.profile, "The profile");
    app.add_option("--calls", wanted.calls, "Random calls, besides the edges");
    app.add_option("--seed", wanted.seed, "Where randomness begins")->envname("SECMAP_SEED");
    app.add_option("--capability", wanted.capabilities, "A capability that the container has");
    app.add_flag("--enosys", wanted.enosys, "With runc's ENOSYS for calls that are newer than the profile");
    app.add_flag("--text", wanted.text, "A line for each call instead of a record");
    app.add_option("--verdicts", wanted.verdicts, "Compare these struct secmap_verdict with decisions from stdin");
    CLI11_PARSE(app, argc, argv);
    try {
        return wanted.verdicts.empty() ? secmap::diff::generate(wanted) : secmap::diff::compare(wanted);
    } catch (const std::exception& failure) {
        fmt::print(stderr, "secmap-decisions: {}\n", failure.what());
        return EXIT_FAILURE;
    }
}
