// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace secmap::bench {

namespace {

void add(std::vector<warning>& to, const char* about, std::string text, std::string hint) {
    to.push_back({about, std::move(text), std::move(hint)});
}

void warn_of_speed(std::vector<warning>& to, const machine_facts& of) {
    if (!of.governor.empty() && of.governor != "performance")
        add(to, "governor", fmt::format("the processor's speed is chosen by the governor {}", of.governor),
            "cpupower frequency-set --governor performance");
    if (of.turbo == "on")
        add(to, "turbo", "the processor speeds up while it is cool",
            "write 1 to /sys/devices/system/cpu/intel_pstate/no_turbo, or 0 to /sys/devices/system/cpu/cpufreq/boost");
    if (of.virtual_machine)
        add(to, "virtual_machine", "this is a virtual machine: others may take its processor away",
            "measure on the machine itself, or compare ratios only");
    constexpr double idle = 0.5;
    if (of.load && *of.load > idle)
        add(to, "load", fmt::format("{:.2f} tasks were running in the last minute", *of.load),
            "stop them, or measure on a processor that they leave alone (--cpu)");
    if (!of.counter_steady)
        add(to, "counter", "the time stamp counter may change its speed or stop", "look at nanoseconds, not at ticks");
    if (of.clock_needs_call)
        add(to, "clock", fmt::format("the clock {} is read by a system call, which filters may deny", of.clock),
            "times are computed from the time stamp counter");
}

void warn_of_filters(std::vector<warning>& to, const machine_facts& of) {
    if (of.bpf_jit == "0")
        add(to, "bpf_jit", "programs are interpreted: they are dearer here than elsewhere",
            "sysctl net.core.bpf_jit_enable=1");
    if (!of.bpf_jit_harden.empty() && of.bpf_jit_harden != "0")
        add(to, "bpf_jit_harden", "constants in programs are blinded: they are dearer here than elsewhere",
            "sysctl net.core.bpf_jit_harden=0");
    if (of.store_bypass.find("seccomp") != std::string::npos)
        add(to, "mitigations", "a seccomp filter without SPEC_ALLOW turns a mitigation on; these are loaded with it",
            "add to stock seccomp's cost what the mitigation costs, where a runtime does not set SPEC_ALLOW");
    if (of.own_bypass.find("mitigated") != std::string::npos && of.own_bypass.find("globally") == std::string::npos)
        add(to, "own_mitigations", "this process has the mitigation already, so every measured task has it",
            "start from a shell outside the container");
    if (!of.own_seccomp.empty() && of.own_seccomp != "0")
        add(to, "own_filter", "this process carries a seccomp filter, so every measured task does",
            "start from a shell outside the container");
    if (of.other_probes != "none" && !of.other_probes.empty())
        add(to, "other_probes", fmt::format("events are on that every system call pays for: {}", of.other_probes),
            "write 0 to their enable files in /sys/kernel/tracing/events");
    if (of.module_loaded && !of.module_spares)
        add(to, "module_not_selective",
            "tasks without a filter pay for the secmap module, and that is in 'unfiltered', and not in 'added'",
            "load the module with selective=Y; `secmapctl feature` says why they pay");
}

}  // namespace

std::vector<scenario_title> titles_of(const std::vector<scenario>& of) {
    std::vector<scenario_title> found;
    for (const scenario& each : of)
        if (std::ranges::none_of(found, [&](const scenario_title& at) { return at.name == each.name; }))
            found.push_back({each.name, each.title});
    return found;
}

std::vector<warning> warnings_of(const machine_facts& of, unit figures) {
    std::vector<warning> found;
    if (figures == unit::nanoseconds) warn_of_speed(found, of);
    warn_of_filters(found, of);
    return found;
}

std::string engine_label(const report& of, engine which) {
    if (which == engine::none && of.machine.module_loaded) return "unfiltered";
    return std::string(engine_name(which));
}

}  // namespace secmap::bench
