// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of secmap's subset of eBPF that the module's verifier has accepted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <linux/bpf.h>
#include <linux/seccomp.h>

#include <secmap/bpf_map.hpp>
#include <secmap/ebpf_image.hpp>
#include <secmap/filter_program.hpp>
#include <secmap/result.hpp>
#include <secmap/simulator.hpp>

namespace secmap {

/// What a program needs.
struct ebpf_facts {
    std::uint32_t stack = 0;   ///< bytes
    std::uint32_t fields = 0;  ///< a bit for each 4-byte word of struct seccomp_data that it reads
    std::uint32_t cost = 0;    ///< of its longest way: 1 an instruction, more a look-up
};

/// Any instructions, valid or not, for people, as the kernel writes them. The second half of an LD_IMM64 has no
/// mnemonic. @p tables gives the names.
[[nodiscard]] std::vector<instruction_text> disassemble(std::span<const bpf_insn> code,
                                                        const std::vector<program_table>& tables);

/// Opens the BPF map that stands behind a table of kind bpf_map.
[[nodiscard]] result<bpf_map> open_map(const program_table& table);

/// A program with its tables, which answers as the module would.
class ebpf_program final {
public:
    /// Verifies it by the module's own verifier, and builds its tables. A refusal names the instruction and the reason,
    /// and the line of the source where it is known.
    [[nodiscard]] static result<ebpf_program> create(ebpf_image image);
    ebpf_program(ebpf_program&&) noexcept;
    ebpf_program& operator=(ebpf_program&&) noexcept;
    ~ebpf_program();

    [[nodiscard]] const ebpf_image& image() const noexcept;
    [[nodiscard]] const ebpf_facts& facts() const noexcept;

    /// Opens the BPF maps that it names, for @ref judge.
    [[nodiscard]] result<void> open_maps();

    /// What it answers to a call; the rule is SECMAP_RULE_PROGRAM. BPF maps that are not open are empty.
    [[nodiscard]] verdict judge(const seccomp_data& call) const noexcept;

    /// What it answers to a number whatever the arguments are, where that can be told without running it.
    [[nodiscard]] std::optional<std::uint32_t> predict(abi which, std::uint32_t number) const noexcept;

    /// The numbers that @ref predict says are allowed, ascending.
    [[nodiscard]] std::vector<std::uint32_t> predicted_allowed(abi which) const;

private:
    struct state;
    explicit ebpf_program(std::unique_ptr<state> content) noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace secmap
