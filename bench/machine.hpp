// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine that is measured on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace secmap::bench {

struct machine_facts {
    std::string kernel;
    std::string processor;
    unsigned processors = 0;
    unsigned cpu = 0;  ///< that is measured on
    std::string clock;
    bool clock_needs_call = false;  ///< the vDSO cannot read it: the measuring tasks leave it alone
    double counter_hz = 0;          ///< 0: not known
    bool counter_steady = false;    ///< whatever the processor's speed is, and in idle states
    bool virtual_machine = false;
    bool module_loaded = false;
    bool module_spares = false;  ///< tasks without a filter, by its parameter selective
    std::string governor;        ///< these are empty where they cannot be read
    std::string turbo;           ///< "on", "off"
    std::string bpf_jit;
    std::string bpf_jit_harden;
    std::string store_bypass;    ///< of the machine
    std::string own_bypass;      ///< of this process
    std::string own_seccomp;     ///< its mode
    std::string other_probes;    ///< "none", or the events that are on
    std::optional<double> load;  ///< of the last minute
};

/// Reads files below @p root: /, or a test's folder.
[[nodiscard]] machine_facts read_machine(unsigned cpu, const std::filesystem::path& root = "/");

}  // namespace secmap::bench
