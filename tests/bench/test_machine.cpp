// SPDX-License-Identifier: LGPL-2.1-or-later
// What is read of a machine, and what it is warned of: each fault alone, in a folder that looks like a root.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../bench/machine.hpp"
#include "../../bench/report.hpp"

// Last: it defines fail() as a macro.
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace secmap::bench;
namespace fs = std::filesystem;

constexpr const char* governor = "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor";
constexpr const char* no_turbo = "sys/devices/system/cpu/intel_pstate/no_turbo";
constexpr const char* boost = "sys/devices/system/cpu/cpufreq/boost";
constexpr const char* cpuinfo = "proc/cpuinfo";
constexpr const char* load = "proc/loadavg";
constexpr const char* status = "proc/self/status";
constexpr const char* clock_source = "sys/devices/system/clocksource/clocksource0/current_clocksource";
constexpr const char* jit = "proc/sys/net/core/bpf_jit_enable";
constexpr const char* harden = "proc/sys/net/core/bpf_jit_harden";
constexpr const char* bypass = "sys/devices/system/cpu/vulnerabilities/spec_store_bypass";
constexpr const char* raw_events = "sys/kernel/tracing/events/raw_syscalls/enable";
constexpr const char* events = "sys/kernel/tracing/events/syscalls/enable";

// A root of a machine that gives good figures.
class good_root final {
public:
    good_root() {
        std::string name = (fs::temp_directory_path() / "secmap-root-XXXXXX").string();
        assert_non_null(mkdtemp(name.data()));
        path_ = name;
        write(governor, "performance\n");
        write(no_turbo, "1\n");
        write(cpuinfo, "model name\t: A processor\nflags\t\t: fpu constant_tsc nonstop_tsc\n");
        write(load, "0.10 0.20 0.30 1/100 4711\n");
        write(status, "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tthread vulnerable\n");
        write(clock_source, "tsc\n");
        write(jit, "1\n");
        write(harden, "0\n");
        write(bypass, "Mitigation: Speculative Store Bypass disabled via prctl\n");
        write(raw_events, "0\n");
        write(events, "0\n");
    }
    good_root(const good_root&) = delete;
    good_root& operator=(const good_root&) = delete;
    ~good_root() { fs::remove_all(path_); }

    void write(const char* file, const char* text) const {
        fs::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file) << text;
    }

    [[nodiscard]] machine_facts read() const { return read_machine(3, path_); }

    [[nodiscard]] std::string warned() const {
        std::string words;
        for (const warning& each : warnings_of(read(), unit::nanoseconds)) {
            words += (words.empty() ? "" : " ") + each.about;
            assert_false(each.text.empty() || each.hint.empty());
        }
        return words;
    }

private:
    fs::path path_;
};

void a_good_machine_is_not_warned_of(void**) {
    const good_root root;
    assert_string_equal(root.warned().c_str(), "");
    const machine_facts of = root.read();
    assert_string_equal(of.processor.c_str(), "A processor");
    assert_string_equal(of.governor.c_str(), "performance");
    assert_string_equal(of.turbo.c_str(), "off");
    assert_string_equal(of.other_probes.c_str(), "none");
    assert_string_equal(of.own_seccomp.c_str(), "0");
    assert_true(of.load && *of.load > 0.09 && *of.load < 0.11);
    assert_false(of.module_loaded);
    assert_false(of.clock_needs_call);
}

struct fault {
    const char* file;
    const char* text;
    const char* warned;
};

void each_fault_is_warned_of_alone(void**) {
    constexpr fault faults[] = {
        {governor, "powersave\n", "governor"},
        {no_turbo, "0\n", "turbo"},
        {cpuinfo, "model name: x\nflags: constant_tsc nonstop_tsc hypervisor\n", "virtual_machine"},
        {cpuinfo, "model name: x\nflags: constant_tsc\n", "counter"},
        {load, "1.50 0.20 0.30 1/100 4711\n", "load"},
        {clock_source, "hpet\n", "clock"},
        {jit, "0\n", "bpf_jit"},
        {harden, "2\n", "bpf_jit_harden"},
        {bypass, "Mitigation: Speculative Store Bypass disabled via prctl and seccomp\n", "mitigations"},
        {status, "Seccomp:\t0\nSpeculation_Store_Bypass:\tthread force mitigated\n", "own_mitigations"},
        {status, "Seccomp:\t2\nSpeculation_Store_Bypass:\tthread vulnerable\n", "own_filter"},
        {raw_events, "1\n", "other_probes"},
        {events, "X\n", "other_probes"},
        {"sys/module/secmap/parameters/selective", "N\n", "module_not_selective"},
    };
    for (const fault& each : faults) {
        const good_root root;
        root.write(each.file, each.text);
        assert_string_equal(root.warned().c_str(), each.warned);
    }
}

void boost_is_turbo_too(void**) {
    const good_root root;
    root.write(no_turbo, "");
    root.write(boost, "1\n");
    assert_string_equal(root.warned().c_str(), "turbo");
}

void which_events_are_on_is_said(void**) {
    const good_root root;
    root.write(raw_events, "1\n");
    root.write(events, "X\n");
    assert_string_equal(root.read().other_probes.c_str(), "raw_syscalls, syscalls");
}

// Not even the clock: it is left alone, as nothing says that it can be read.
void a_machine_that_tells_nothing_is_no_error(void**) {
    const machine_facts of = read_machine(0, "/proc/self/nothing");
    assert_true(of.governor.empty() && of.turbo.empty() && of.other_probes.empty() && !of.load);
    assert_true(of.clock_needs_call);
}

// Of speed: it does not matter where instructions are counted.
void instructions_are_not_warned_of_the_clock(void**) {
    const good_root root;
    root.write(governor, "powersave\n");
    root.write(jit, "0\n");
    const auto found = warnings_of(root.read(), unit::instructions);
    assert_int_equal(found.size(), 1);
    assert_string_equal(found.front().about.c_str(), "bpf_jit");
}

}  // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(a_good_machine_is_not_warned_of),
        cmocka_unit_test(each_fault_is_warned_of_alone),
        cmocka_unit_test(boost_is_turbo_too),
        cmocka_unit_test(which_events_are_on_is_said),
        cmocka_unit_test(a_machine_that_tells_nothing_is_no_error),
        cmocka_unit_test(instructions_are_not_warned_of_the_clock),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
