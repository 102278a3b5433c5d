// SPDX-License-Identifier: LGPL-2.1-or-later
#include "machine.hpp"

#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace secmap::bench {

namespace {

namespace fs = std::filesystem;

// Their time is read without a system call.
constexpr std::array<std::string_view, 3> vdso_clocks = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"};

std::string first_line(const fs::path& of) {
    std::ifstream file(of);
    std::string line;
    std::getline(file, line);
    return line;
}

// What stands behind "key:" in a file of such lines.
std::string field(const fs::path& of, std::string_view key) {
    std::ifstream file(of);
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
        return begin == std::string::npos ? "" : line.substr(begin);
    }
    return "";
}

std::string read_turbo(const fs::path& root) {
    const std::string off = first_line(root / "sys/devices/system/cpu/intel_pstate/no_turbo");
    if (!off.empty()) return off == "0" ? "on" : "off";
    const std::string on = first_line(root / "sys/devices/system/cpu/cpufreq/boost");
    if (!on.empty()) return on == "0" ? "off" : "on";
    return "";
}

// Each folder of events has a file that says whether any of them is on: 0, 1, or X for some.
std::string read_probes(const fs::path& root) {
    std::string found;
    for (const char* events : {"raw_syscalls", "syscalls"}) {
        const std::string state = first_line(root / "sys/kernel/tracing/events" / events / "enable");
        if (state.empty()) return "";
        if (state != "0") found += (found.empty() ? "" : ", ") + std::string(events);
    }
    return found.empty() ? "none" : found;
}

std::optional<double> read_load(const fs::path& root) {
    std::istringstream words(first_line(root / "proc/loadavg"));
    double load = 0;
    if (words >> load) return load;
    return std::nullopt;
}

}  // namespace

machine_facts read_machine(unsigned cpu, const fs::path& root) {
    machine_facts made;
    utsname names = {};
    if (uname(&names) == 0) made.kernel = names.release;
    made.processor = field(root / "proc/cpuinfo", "model name");
    made.processors = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
    made.cpu = cpu;
    made.clock = first_line(root / "sys/devices/system/clocksource/clocksource0/current_clocksource");
    made.clock_needs_call = true;
    for (const std::string_view each : vdso_clocks)
        if (made.clock == each) made.clock_needs_call = false;
    const std::string flags = " " + field(root / "proc/cpuinfo", "flags") + " ";
    made.counter_steady =
        flags.find(" constant_tsc ") != std::string::npos && flags.find(" nonstop_tsc ") != std::string::npos;
    made.virtual_machine = flags.find(" hypervisor ") != std::string::npos;
    std::error_code ignored;
    made.module_loaded = fs::exists(root / "sys/module/secmap", ignored);
    made.module_spares = first_line(root / "sys/module/secmap/parameters/selective") == "Y";
    made.governor = first_line(root / fmt::format("sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor", cpu));
    made.turbo = read_turbo(root);
    made.bpf_jit = first_line(root / "proc/sys/net/core/bpf_jit_enable");
    made.bpf_jit_harden = first_line(root / "proc/sys/net/core/bpf_jit_harden");
    made.store_bypass = first_line(root / "sys/devices/system/cpu/vulnerabilities/spec_store_bypass");
    made.own_bypass = field(root / "proc/self/status", "Speculation_Store_Bypass");
    made.own_seccomp = field(root / "proc/self/status", "Seccomp:");
    made.other_probes = read_probes(root);
    made.load = read_load(root);
    return made;
}

}  // namespace secmap::bench
