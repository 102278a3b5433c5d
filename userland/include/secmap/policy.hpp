// SPDX-License-Identifier: LGPL-2.1-or-later
// A policy in the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <linux/seccomp.h>

#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/ebpf_program.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>
#include <secmap/simulator.hpp>

namespace secmap {

/// What a policy says about one ABI, in numbers.
struct section_info {
    std::uint32_t allowed = 0;  ///< numbers that are allowed whatever the arguments are
    std::uint32_t rules = 0;
    std::uint32_t conditions = 0;
    std::uint32_t default_action = 0;
};

/// The members of struct secmap_policy_info.
struct policy_info {
    std::uint32_t id = 0;
    std::string name;
    std::uint32_t kind = 0;  ///< SECMAP_POLICY_*
    std::uint32_t foreign_action = 0;
    std::uint32_t abis = 0;  ///< a bit (1 << SECMAP_ABI_*) for each section
    std::array<section_info, SECMAP_ABI_COUNT> sections = {};
    std::uint32_t tables = 0;
    std::vector<std::uint32_t> table_ids;  ///< in its order; 0: a map of bpf(2)
    std::uint32_t actions = 0;             ///< SECMAP_ACTION_* that it can answer with
    std::uint32_t cost = 0;                ///< what judging one call may cost; 1 for a rule or a comparison
    std::uint32_t stacks = 0;              ///< stacks that hold it, at this moment
    std::uint32_t uid = 0;
    std::uint64_t bytes = 0;
    std::uint32_t filter_length = 0;  ///< of a classic BPF program: instructions, as they were handed over
    std::uint32_t instructions = 0;   ///< the same, as the kernel has translated them
    bool sealed = false;              ///< nothing comes in its place any more
    bool counted = false;             ///< what it says is counted
};

/// Who carries another policy than before.
struct replacement {
    std::uint32_t tasks = 0;   ///< without those that were just being created
    std::uint32_t stacks = 0;  ///< that were built for it
};

/// Whether what a policy says is counted.
enum class counting : std::uint8_t { off, on };

/// The members of struct secmap_count: how often a policy has said something.
struct policy_count {
    secmap::abi abi = secmap::abi::x86_64;
    std::uint32_t nr = SECMAP_NR_NONE;  ///< that the rule is about
    std::uint32_t rule = 0;             ///< SECMAP_RULE_*, or the index of a rule
    std::uint32_t action = 0;           ///< SECCOMP_RET_*; of a program without its data
    std::uint64_t calls = 0;
};

/// What was counted of a policy so far.
struct policy_stats {
    bool counted = false;  ///< it goes on
    std::vector<policy_count> counts;
};

/// Lives as long as it or a task that carries it does.
class policy final {
public:
    /// Makes the tables and the policy. A refusal carries the module's own reason.
    [[nodiscard]] static result<policy> create(const device& on, const policy_image& image);

    /// Makes a policy of kind CBPF.
    [[nodiscard]] static result<policy> create(const device& on, const filter_program& program,
                                               const std::string& name = {});

    /// Makes the tables, opens the BPF maps, and makes a policy of kind EBPF.
    [[nodiscard]] static result<policy> create(const device& on, const ebpf_program& program,
                                               const std::string& name = {});

    /// Needs CAP_SYS_ADMIN in the initial user namespace.
    [[nodiscard]] static result<policy> open(const device& on, std::uint32_t id);

    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] result<policy_info> info(const device& on) const;

    /// The program of a policy of kind CBPF. EINVAL: it is of another kind.
    [[nodiscard]] result<filter_program> filter(const device& on) const;

    /// The instructions of a policy of kind EBPF. EINVAL: it is of another kind.
    [[nodiscard]] result<std::vector<bpf_insn>> code(const device& on) const;

    /// Puts @p next in its place, wherever it is carried: every task, or none. EPERM: it is sealed, the caller is
    /// filtered itself, or has no CAP_SYS_ADMIN in the initial user namespace; the text says which.
    [[nodiscard]] result<replacement> replace_by(const device& on, const policy& next) const;

    /// The same, if the module can show that @p next permits no call that it does not permit: else EXDEV, with the calls
    /// in the text. EPERM: the caller did not make both, or they are carried by tasks of others, or by privileged ones,
    /// and it has no CAP_SYS_ADMIN in the initial user namespace; it is filtered itself; it is sealed.
    /// EOPNOTSUPP: one of them is a program.
    [[nodiscard]] result<replacement> tighten_by(const device& on, const policy& next) const;

    /// From now on, and for good, nothing comes in its place. EPERM: the caller is filtered itself, or is not who made
    /// it and has no CAP_SYS_ADMIN in the initial user namespace.
    [[nodiscard]] result<void> seal(const device& on) const;

    /// What it says of the calls of those who carry it is counted from now on, or no more. Changes no decision; what
    /// was counted stays. EPERM: the caller is not who made it, and has no CAP_SYS_ADMIN in the initial user namespace.
    [[nodiscard]] result<replacement> count(const device& on, counting wanted) const;

    /// What was counted; permission as for count().
    [[nodiscard]] result<policy_stats> stats(const device& on) const;

    /// What it answers to each of @p calls, without making them; in batches, as many as needed.
    [[nodiscard]] result<std::vector<verdict>> test(const device& on, std::span<const seccomp_data> calls) const;

    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    policy(descriptor file, std::uint32_t id) noexcept : file_(std::move(file)), id_(id) {}
    descriptor file_;
    std::uint32_t id_;
};

/// The ids of all policies, ascending. Needs CAP_SYS_ADMIN in the initial user namespace.
[[nodiscard]] result<std::vector<std::uint32_t>> policy_ids(const device& on);

/// The ids of those that the caller made and that none but its own unprivileged tasks carry, ascending.
[[nodiscard]] result<std::vector<std::uint32_t>> own_policy_ids(const device& on);

/// "KILL_PROCESS", "TRAP": the names of SECMAP_ACTION_* bits. Those without a name are shown as a number.
[[nodiscard]] std::vector<std::string> action_names(std::uint32_t bits);

}  // namespace secmap
