// SPDX-License-Identifier: LGPL-2.1-or-later
// A classic BPF program, as seccomp(2) takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>
#include <secmap/simulator.hpp>

namespace secmap {

/// Instructions that one program may have.
inline constexpr std::size_t filter_length_max = 4096;

/// One instruction for people.
struct instruction_text {
    std::string mnemonic;  ///< "jeq #0xc000003e, 5, 7": jumps name the instructions that they lead to
    std::string comment;   ///< "x86_64", "read", "args[0] low", "ALLOW"; may be empty
};

/// Any instructions, valid or not, for people.
[[nodiscard]] std::vector<instruction_text> disassemble(std::span<const sock_filter> code);

/// The array of struct sock_filter in a file ("-": standard input), as seccomp_export_bpf(3) writes it; whether it is a
/// valid program is not asked. Errors name the file and the offset.
[[nodiscard]] result<std::vector<sock_filter>> read_filter_code(const std::filesystem::path& file);

/// A program that seccomp(2) takes.
class filter_program final {
public:
    /// Checks it. An error names the instruction and the reason, @p source in front of them.
    [[nodiscard]] static result<filter_program> create(std::vector<sock_filter> code, const std::string& source);

    /// Reads it with @ref read_filter_code, and checks it.
    [[nodiscard]] static result<filter_program> read(const std::filesystem::path& file);

    [[nodiscard]] std::span<const sock_filter> code() const noexcept { return code_; }

    /// What it answers to a call; the rule is SECMAP_RULE_PROGRAM.
    [[nodiscard]] verdict judge(const seccomp_data& call) const noexcept;

    /// The index of the return that answers so; nothing where a division by 0 ends the program.
    [[nodiscard]] std::optional<std::size_t> deciding_instruction(const seccomp_data& call) const;

    /// What it answers to a number whatever the arguments are, where that can be told without running it.
    [[nodiscard]] std::optional<std::uint32_t> predict(abi which, std::uint32_t number) const noexcept;

    /// The numbers that @ref predict says are allowed, ascending.
    [[nodiscard]] std::vector<std::uint32_t> predicted_allowed(abi which) const;

    /// What its returns say, each once, in their order; reached or not.
    [[nodiscard]] std::vector<std::uint32_t> answers() const;

    /// Does a return say what was computed, so that @ref answers does not tell all?
    [[nodiscard]] bool computes_answers() const noexcept;

private:
    explicit filter_program(std::vector<sock_filter> code) noexcept : code_(std::move(code)) {}
    std::vector<sock_filter> code_;
};

}  // namespace secmap
