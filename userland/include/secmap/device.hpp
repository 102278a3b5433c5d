// SPDX-License-Identifier: LGPL-2.1-or-later
// The module's device, through which everything else is made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include <secmap/secmap.h>
#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// Whether a call whose number the module takes away really does not run.
enum class call_skipping : std::uint8_t {
    unknown = SECMAP_SKIP_UNKNOWN,  ///< not tested yet
    works = SECMAP_SKIP_WORKS,
    broken = SECMAP_SKIP_BROKEN,  ///< nothing can be enforced on this kernel
};

/// Who may make eBPF policies: the module's parameter of this name.
enum class ebpf_loading : std::uint8_t {
    off = SECMAP_EBPF_OFF,                ///< nobody, as of a module that does not know the kind
    privileged = SECMAP_EBPF_PRIVILEGED,  ///< CAP_SYS_ADMIN in the initial user namespace
    all = SECMAP_EBPF_ALL,
};

/// Whether tasks without a filter pay for the module.
enum class selective_flag : std::uint8_t {
    off = SECMAP_SELECTIVE_OFF,                  ///< they do: the module's parameter of this name, or an older module
    unavailable = SECMAP_SELECTIVE_UNAVAILABLE,  ///< they do: on this kernel nobody who traces is noticed
    waits = SECMAP_SELECTIVE_WAITS,              ///< they do now: others have probes on system calls
    on = SECMAP_SELECTIVE_ON,
};

/// What the module and the kernel can do: the members of struct secmap_info.
struct device_info {
    std::uint32_t abi_version = 0;
    std::uint32_t errata = 0;
    std::uint64_t features = 0;        ///< SECMAP_FEATURE_*
    std::uint32_t actions = 0;         ///< SECMAP_ACTION_*: what attach takes
    std::uint32_t enosys_actions = 0;  ///< those of them that only fail with ENOSYS
    call_skipping skipping = call_skipping::unknown;
    std::uint32_t stack_max = 0;
    std::uint32_t rules_max = 0;
    std::uint32_t conditions_max = 0;
    std::uint32_t cost_max = 0;
    std::uint32_t stack_cost_max = 0;
    std::uint32_t tables_max = 0;
    std::uint32_t bitmap_max = 0;
    std::uint32_t hash_max = 0;
    std::uint32_t test_max = 0;
    std::uint32_t objects_max = 0;
    std::uint32_t instructions_max = 0;        ///< of one program, classic BPF or eBPF
    std::uint32_t stack_instructions_max = 0;  ///< of a stack's classic BPF, as the kernel has translated it
    ebpf_loading ebpf = ebpf_loading::off;
    selective_flag selective = selective_flag::off;
};

/// An open device whose module speaks this library's version of the ABI.
class device final {
public:
    /// Errors say whether the module is missing, the file may not be opened, or the versions differ.
    [[nodiscard]] static result<device> open(const std::filesystem::path& path = SECMAP_DEVICE);

    /// Asks anew: whether calls can be skipped is found out while the module runs.
    [[nodiscard]] result<device_info> info() const;

    /// For ioctls that this library does not wrap.
    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    explicit device(descriptor file) noexcept : file_(std::move(file)) {}
    descriptor file_;
};

}  // namespace secmap
