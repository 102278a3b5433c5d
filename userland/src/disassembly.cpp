// SPDX-License-Identifier: LGPL-2.1-or-later
// Classic BPF for people. What the accumulator holds is followed through the jumps, which all lead forward, so that
// comparisons can say what they compare.
#include <secmap/filter_program.hpp>

#include <cstddef>
#include <string_view>

#include <fmt/format.h>
#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "call_words.hpp"

namespace secmap {

namespace {

using detail::arch_name;
using detail::number_name;
using detail::word_name;
using detail::x32_bit;

/// What is known where an instruction is reached, by whatever way.
struct knowledge {
    bool reached = false;
    std::optional<std::uint32_t> loaded;  ///< A holds the word of struct seccomp_data at this offset ...
    std::uint32_t mask = ~0U;             ///< ... with these bits of it
    std::optional<std::uint32_t> arch;    ///< it was compared with this, and equal

    void merge(const knowledge& other) {
        if (!reached) {
            *this = other;
            return;
        }
        if (loaded != other.loaded || mask != other.mask) loaded.reset();
        if (arch != other.arch) arch.reset();
    }
};

std::string operand(const sock_filter& of) { return BPF_SRC(of.code) == BPF_X ? "x" : fmt::format("#{:#x}", of.k); }

std::string unknown(const sock_filter& of) {
    return fmt::format("unknown {:#06x} {} {} {:#x}", of.code, of.jt, of.jf, of.k);
}

std::string_view alu_name(std::uint16_t code) {
    switch (BPF_OP(code)) {
        case BPF_ADD: return "add";
        case BPF_SUB: return "sub";
        case BPF_MUL: return "mul";
        case BPF_DIV: return "div";
        case BPF_MOD: return "mod";
        case BPF_OR: return "or";
        case BPF_AND: return "and";
        case BPF_XOR: return "xor";
        case BPF_LSH: return "lsh";
        case BPF_RSH: return "rsh";
        case BPF_NEG: return "neg";
        default: return "";
    }
}

std::string_view jump_name(std::uint16_t code) {
    switch (BPF_OP(code)) {
        case BPF_JEQ: return "jeq";
        case BPF_JGT: return "jgt";
        case BPF_JGE: return "jge";
        case BPF_JSET: return "jset";
        default: return "";
    }
}

std::string load_text(const sock_filter& of) {
    const std::string_view target = BPF_CLASS(of.code) == BPF_LD ? "ld" : "ldx";
    switch (of.code & ~(BPF_LD | BPF_LDX)) {
        case BPF_W | BPF_ABS: return fmt::format("{} [{}]", target, of.k);
        case BPF_W | BPF_LEN: return fmt::format("{} #len", target);
        case BPF_W | BPF_IMM: return fmt::format("{} #{:#x}", target, of.k);
        case BPF_W | BPF_MEM: return fmt::format("{} M[{}]", target, of.k);
        default: return unknown(of);
    }
}

std::string jump_text(const sock_filter& of, std::size_t next) {
    if (of.code == (BPF_JMP | BPF_JA)) return fmt::format("jmp {}", next + of.k);
    const std::string_view name = jump_name(of.code);
    if (name.empty() || (of.code & ~(BPF_JMP | BPF_X | 0xf0)) != 0) return unknown(of);
    return fmt::format("{} {}, {}, {}", name, operand(of), next + of.jt, next + of.jf);
}

std::string mnemonic(const sock_filter& of, std::size_t index) {
    if (of.code > UINT8_MAX) return unknown(of);
    switch (BPF_CLASS(of.code)) {
        case BPF_LD:
        case BPF_LDX: return load_text(of);
        case BPF_ST: return of.code == BPF_ST ? fmt::format("st M[{}]", of.k) : unknown(of);
        case BPF_STX: return of.code == BPF_STX ? fmt::format("stx M[{}]", of.k) : unknown(of);
        case BPF_ALU: {
            const std::string_view name = alu_name(of.code);
            if (name.empty()) return unknown(of);
            if (BPF_OP(of.code) != BPF_NEG) return fmt::format("{} {}", name, operand(of));
            return of.code == (BPF_ALU | BPF_NEG) ? "neg" : unknown(of);
        }
        case BPF_JMP: return jump_text(of, index + 1);
        case BPF_RET:
            if (of.code == (BPF_RET | BPF_K)) return fmt::format("ret #{:#x}", of.k);
            return of.code == (BPF_RET | BPF_A) ? "ret a" : unknown(of);
        default:
            if (of.code == (BPF_MISC | BPF_TAX)) return "tax";
            return of.code == (BPF_MISC | BPF_TXA) ? "txa" : unknown(of);
    }
}

std::string comparison_comment(const sock_filter& of, const knowledge& here) {
    if (BPF_SRC(of.code) == BPF_X || !here.loaded) return "";
    const bool of_bits = BPF_OP(of.code) == BPF_JSET && of.k != x32_bit;
    if (here.mask != ~0U) return fmt::format("{} & {:#x}", word_name(*here.loaded), here.mask);
    if (*here.loaded == offsetof(seccomp_data, arch) && !of_bits) return arch_name(of.k);
    if (*here.loaded == offsetof(seccomp_data, nr) && !of_bits) return number_name(of.k, here.arch);
    return word_name(*here.loaded);
}

std::string comment(const sock_filter& of, const knowledge& here) {
    if (of.code == (BPF_LD | BPF_W | BPF_ABS)) return word_name(of.k);
    if (of.code == (BPF_RET | BPF_K)) return action_text(of.k);
    if (BPF_CLASS(of.code) == BPF_JMP && of.code != (BPF_JMP | BPF_JA)) return comparison_comment(of, here);
    return "";
}

/// What is known behind an instruction that does not jump.
knowledge behind(const sock_filter& of, knowledge here) {
    const bool masks = of.code == (BPF_ALU | BPF_AND | BPF_K);
    const bool changes_a =
        BPF_CLASS(of.code) == BPF_LD || BPF_CLASS(of.code) == BPF_ALU || of.code == (BPF_MISC | BPF_TXA);
    if (masks) here.mask &= of.k;
    if (!changes_a || masks) return here;
    here.loaded.reset();
    here.mask = ~0U;
    if (of.code == (BPF_LD | BPF_W | BPF_ABS)) here.loaded = of.k;
    return here;
}

class follower final {
public:
    explicit follower(std::span<const sock_filter> code) : code_(code), known_(code.size()) {
        if (!known_.empty()) known_.front().reached = true;
    }

    [[nodiscard]] const knowledge& at(std::size_t index) const { return known_[index]; }

    void follow(std::size_t index) {
        const sock_filter& of = code_[index];
        const knowledge& here = known_[index];
        if (!here.reached || BPF_CLASS(of.code) == BPF_RET) return;
        if (BPF_CLASS(of.code) != BPF_JMP) {
            reach(index + 1, behind(of, here));
            return;
        }
        if (BPF_OP(of.code) == BPF_JA) {
            reach(index + 1 + of.k, here);
            return;
        }
        knowledge taken = here;
        if (of.code == (BPF_JMP | BPF_JEQ | BPF_K) && here.loaded == offsetof(seccomp_data, arch)) taken.arch = of.k;
        reach(index + 1 + of.jt, taken);
        reach(index + 1 + of.jf, here);
    }

private:
    void reach(std::size_t index, const knowledge& with) {
        if (index < known_.size()) known_[index].merge(with);
    }

    std::span<const sock_filter> code_;
    std::vector<knowledge> known_;
};

}  // namespace

std::vector<instruction_text> disassemble(std::span<const sock_filter> code) {
    std::vector<instruction_text> lines;
    lines.reserve(code.size());
    follower known(code);
    for (std::size_t index = 0; index < code.size(); ++index) {
        lines.push_back({mnemonic(code[index], index), comment(code[index], known.at(index))});
        known.follow(index);
    }
    return lines;
}

}  // namespace secmap
