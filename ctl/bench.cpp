// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl bench: what filters cost on this machine.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../bench/counter.hpp"
#include "../bench/html.hpp"
#include "../bench/measurement.hpp"
#include "../bench/report.hpp"
#include "bench_text.hpp"
#include "capability.hpp"
#include "command.hpp"
#include "number.hpp"
#include "validators.hpp"

namespace secmap::ctl {

namespace {

constexpr const char* podman_profile = "/usr/share/containers/seccomp.json";
constexpr std::uint64_t rounds_max = 10000;
constexpr std::uint64_t calls_max = 1000000;

struct bench_options {
    std::vector<std::string> scenarios;
    std::vector<std::string> engines;
    std::uint64_t rounds = 0;  ///< 0: not given
    std::uint64_t calls = 0;
    std::string cpu;
    std::string profile = podman_profile;
    std::string html;
    std::string output;
    bool instructions = false;
};

error failed(int number, std::string operation, std::string text, std::string hint = {}) {
    return {number, std::move(operation), std::move(text), std::move(hint)};
}

std::string check_scenario(const std::string& name) {
    const auto known = bench::scenario_names();
    if (std::ranges::find(known, name) != known.end()) return "";
    return fmt::format("'{}' is not one of {}", name, fmt::join(known, ", "));
}

std::string check_cpu(const std::string& text) {
    const auto number = parse_number(text);
    return number && *number < CPU_SETSIZE ? "" : fmt::format("'{}' is not the number of a processor", text);
}

std::vector<std::string> engine_words() {
    std::vector<std::string> words;
    for (const bench::engine each : bench::all_engines) words.emplace_back(bench::engine_name(each));
    return words;
}

// Without the option the last one that we may run on: the first often serves the machine's interrupts.
result<unsigned> pin(const std::string& wanted) {
    cpu_set_t allowed = {};
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return failed(errno, "ask which processors there are", std::strerror(errno));
    unsigned chosen = 0;
    for (unsigned each = 0; each < CPU_SETSIZE; ++each)
        if (CPU_ISSET(each, &allowed)) chosen = each;
    if (!wanted.empty()) chosen = static_cast<unsigned>(*parse_number(wanted));
    if (!CPU_ISSET(chosen, &allowed))
        return failed(EINVAL, fmt::format("measure on processor {}", chosen), "this process may not run there",
                      "'taskset -cp $$' shows where it may");
    cpu_set_t only = {};
    CPU_SET(chosen, &only);
    if (sched_setaffinity(0, sizeof(only), &only) != 0)
        return failed(errno, fmt::format("measure on processor {}", chosen), std::strerror(errno));
    return chosen;
}

// Meanwhile the processor comes up to its speed.
double counter_frequency() {
    constexpr std::uint64_t spin = 200'000'000;
    constexpr double nanoseconds = 1e9;
    const std::uint64_t clock_begin = bench::read_clock();
    const std::uint64_t begin = bench::read_counter();
    std::uint64_t gone = 0;
    while (gone < spin) gone = bench::read_clock() - clock_begin;
    return static_cast<double>(bench::read_counter() - begin) * nanoseconds / static_cast<double>(gone);
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm broken = {};
    gmtime_r(&now, &broken);
    std::array<char, 32> text = {};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &broken);
    return text.data();
}

// Nothing of it with JSON, unless somebody looks on.
class progress_line final {
public:
    explicit progress_line(format wanted) : shown_(isatty(STDERR_FILENO) != 0), silent_(wanted != format::text) {}
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line() {
        if (shown_ && told_) std::cerr << "\r\x1b[K" << std::flush;
    }

    void tell(const bench::progress& of) {
        if (!shown_ && silent_) return;
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < (shown_ ? often : seldom)) return;
        last_ = now;
        told_ = true;
        const std::string line =
            fmt::format("secmapctl: {} of {}, {}; {} s left", of.index, of.count, of.label, of.left.count());
        std::cerr << (shown_ ? "\r\x1b[K" : "") << line << (shown_ ? "" : "\n") << std::flush;
    }

private:
    static constexpr std::chrono::milliseconds often{200};
    static constexpr std::chrono::milliseconds seldom{20000};
    bool shown_;
    bool silent_;
    bool told_ = false;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// A file that is written at the end, and is known to be writable in the beginning.
class output_file final {
public:
    static result<output_file> open(const std::filesystem::path& path) {
        output_file made(path);
        errno = 0;
        made.stream_.open(path, std::ios::binary | std::ios::trunc);
        if (!made.stream_) return made.failure(errno);
        return made;
    }

    result<void> write(const std::string& text) {
        errno = 0;
        stream_ << text << std::flush;
        if (!stream_) return failure(errno);
        return {};
    }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    explicit output_file(std::filesystem::path path) : path_(std::move(path)) {}
    [[nodiscard]] error failure(int number) const {
        return failed(number, "write " + path_.string(), std::strerror(number != 0 ? number : EIO));
    }
    std::filesystem::path path_;
    std::ofstream stream_;
};

// What is written beside the answer.
struct outputs {
    std::vector<output_file> html;
    std::vector<output_file> text;
    std::vector<output_file> json;
};

result<void> add_output(std::vector<output_file>& to, const std::filesystem::path& path) {
    auto file = output_file::open(path);
    if (!file) return file.error();
    to.push_back(std::move(*file));
    return {};
}

result<outputs> open_outputs(const bench_options& options) {
    outputs made;
    if (!options.html.empty())
        if (auto added = add_output(made.html, options.html); !added) return added.error();
    if (options.output.empty()) return made;
    const std::filesystem::path folder = options.output;
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (problem) return failed(problem.value(), "make the folder " + folder.string(), problem.message());
    for (auto [list, name] :
         {std::pair(&made.html, "bench.html"), {&made.text, "bench.txt"}, {&made.json, "bench.json"}})
        if (auto added = add_output(*list, folder / name); !added) return added.error();
    return made;
}

result<void> write_outputs(outputs& to, const bench_result& of) {
    for (output_file& each : to.html)
        if (auto done = each.write(bench::to_html(*of.found)); !done) return done;
    for (output_file& each : to.text)
        if (auto done = each.write(print(value(of), format::text)); !done) return done;
    for (output_file& each : to.json)
        if (auto done = each.write(print(value(of), format::json)); !done) return done;
    return {};
}

std::vector<bench::scenario> wanted_scenarios(const bench_options& options) {
    std::vector<bench::scenario> found = bench::all_scenarios();
    if (options.scenarios.empty()) return found;
    std::erase_if(found, [&](const bench::scenario& each) {
        return std::ranges::find(options.scenarios, each.name) == options.scenarios.end();
    });
    return found;
}

// In their order; what is added is always to the same without a filter.
std::vector<bench::engine> wanted_engines(const bench_options& options) {
    std::vector<bench::engine> found(bench::all_engines.begin(), bench::all_engines.end());
    if (options.engines.empty()) return found;
    std::erase_if(found, [&](bench::engine each) {
        return each != bench::engine::none &&
               std::ranges::find(options.engines, bench::engine_name(each)) == options.engines.end();
    });
    return found;
}

bool needs_profile(const std::vector<bench::scenario>& of) {
    return std::ranges::any_of(of, [](const auto& each) { return each.profile.empty() && each.members.empty(); });
}

// As libseccomp sees it in tests/diff: the kernel that a profile asks for is there.
profile_host measured_host() {
    constexpr unsigned major = 6;
    constexpr unsigned minor = 1;
    return {container_capabilities(), "amd64", major, minor};
}

result<std::string> read_text(const std::string& file) {
    const auto checked = read_profile(file, measured_host());
    if (!checked) {
        error why = checked.error();
        if (why.number == ENOENT) why.hint = "name a profile by --profile, or scenarios that need none by --scenario";
        return why;
    }
    const auto compiled = compile(*checked, {"bench", unknown_calls::as_default, overlap_policy::as_libseccomp});
    if (!compiled) return compiled.error();
    std::ifstream stream(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

// Without the module the rest is measured, unless nothing else was asked for.
result<void> drop_unavailable(std::vector<bench::engine>& engines, bench::report& into, const error& why) {
    for (const bench::engine each : engines)
        if (bench::is_secmap(each)) into.unavailable.push_back({each, why});
    std::erase_if(engines, bench::is_secmap);
    if (engines.size() == 1 && !into.unavailable.empty()) return why;
    return {};
}

result<bench_result> measure(const context& with, const bench_options& options) {
    auto written = open_outputs(options);
    if (!written) return written.error();
    auto into = std::make_shared<bench::report>();
    bench::plan plan;
    plan.scenarios = wanted_scenarios(options);
    plan.engines = wanted_engines(options);
    plan.unit = options.instructions ? bench::unit::instructions : bench::unit::nanoseconds;
    plan.rounds = static_cast<unsigned>(options.rounds != 0 ? options.rounds : options.instructions ? 8 : 50);
    plan.calls = static_cast<unsigned>(options.calls != 0 ? options.calls : options.instructions ? 512 : 2048);
    bench::filter_source from;
    from.host = measured_host();
    from.profile_name = options.profile;
    if (needs_profile(plan.scenarios)) {
        auto text = read_text(options.profile);
        if (!text) return text.error();
        from.profile = std::move(*text);
    }
    const auto module = device::open(with.device);
    if (module)
        from.module = &*module;
    else if (auto dropped = drop_unavailable(plan.engines, *into, module.error()); !dropped)
        return dropped.error();
    const auto cpu = pin(options.cpu);
    if (!cpu) return cpu.error();
    into->machine = bench::read_machine(*cpu);
    if (!options.instructions) into->machine.counter_hz = counter_frequency();
    into->warnings = bench::warnings_of(into->machine, plan.unit);
    if (into->machine.clock_needs_call) plan.counter_hz = into->machine.counter_hz;
    into->unit = plan.unit;
    into->rounds = plan.rounds;
    into->calls = plan.calls;
    into->seed = plan.seed;
    into->date = utc_now();
    into->tool = SECMAP_VERSION;
    into->profile = from.profile.empty() ? "" : from.profile_name;
    into->titles = bench::titles_of(plan.scenarios);
    progress_line progress(with.format);
    auto cells = bench::measure(plan, from, [&](const bench::progress& of) { progress.tell(of); });
    if (!cells) return cells.error();
    into->cells = std::move(*cells);
    const bench_result made{into};
    if (auto done = write_outputs(*written, made); !done) return done.error();
    return made;
}

}  // namespace

void add_bench(registry& to) {
    CLI::App* bench_command = to.app.add_subcommand("bench", "Measure what filters cost on this machine");
    auto options = std::make_shared<bench_options>();
    bench_command->add_option("--scenario", options->scenarios, "What to measure; without it everything")
        ->check(CLI::Validator(check_scenario, "", "scenario"))
        ->allow_extra_args(false)
        ->type_name("NAME");
    bench_command->add_option("--engine", options->engines, "What filters; without it everything")
        ->check(one_of(engine_words()))
        ->allow_extra_args(false)
        ->type_name(fmt::format("{}", fmt::join(engine_words(), "|")));
    bench_command->add_option("--rounds", options->rounds, "Rounds in which each engine has its turn; 50")
        ->check(number_up_to(rounds_max))
        ->type_name("N");
    bench_command->add_option("--calls", options->calls, "Calls that are timed in a turn; 2048")
        ->check(number_up_to(calls_max))
        ->type_name("N");
    bench_command->add_option("--cpu", options->cpu, "Processor to measure on; the last one")
        ->check(CLI::Validator(check_cpu, "", "processor"))
        ->type_name("N");
    bench_command->add_option("--profile", options->profile, "Profile to use instead of podman's")->type_name("FILE");
    bench_command->add_option("--html", options->html, "Write a page with plots there, too")->type_name("FILE");
    bench_command->add_option("--output", options->output, "Write bench.html, .txt and .json there, too")
        ->type_name("FOLDER");
    bench_command->add_flag("--instructions", options->instructions,
                            "The time stamp counter counts instructions, as in a guest with -icount");
    bench_command->callback(
        [&to, options] { to.chosen = [options](const context& with) { return to_outcome(measure(with, *options)); }; });
}

}  // namespace secmap::ctl
