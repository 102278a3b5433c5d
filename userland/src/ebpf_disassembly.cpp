// SPDX-License-Identifier: LGPL-2.1-or-later
// eBPF for people, written as the kernel's verifier writes it. Which field a register holds is followed through the
// jumps, which all lead forward, so that comparisons can say what they compare.
#include <secmap/ebpf_program.hpp>

#include <array>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>

#include "call_words.hpp"

namespace secmap {

namespace {

constexpr std::uint8_t load_imm64 = BPF_LD | BPF_IMM | BPF_DW;
constexpr std::uint8_t frame_pointer = 10;
constexpr unsigned word_bits = 32;
constexpr unsigned register_count = 16;  // as many as an instruction can name

/// What is known where an instruction is reached, by whatever way.
struct knowledge {
    bool reached = false;
    std::array<std::optional<std::uint32_t>, register_count>
        loaded;                         ///< the field of struct seccomp_data at this offset
    std::optional<std::uint32_t> arch;  ///< it was compared with this, and equal

    void merge(const knowledge& other) {
        if (!reached) {
            *this = other;
            return;
        }
        for (std::size_t each = 0; each < loaded.size(); ++each)
            if (loaded[each] != other.loaded[each]) loaded[each].reset();
        if (arch != other.arch) arch.reset();
    }
};

bool is_jump(const bpf_insn& of) noexcept { return BPF_CLASS(of.code) == BPF_JMP || BPF_CLASS(of.code) == BPF_JMP32; }

bool is_call(const bpf_insn& of) noexcept { return of.code == (BPF_JMP | BPF_CALL); }
bool is_exit(const bpf_insn& of) noexcept { return of.code == (BPF_JMP | BPF_EXIT); }
bool is_goto(const bpf_insn& of) noexcept { return of.code == (BPF_JMP | BPF_JA); }

bool is_narrow(const bpf_insn& of) noexcept { return BPF_CLASS(of.code) == BPF_ALU || BPF_CLASS(of.code) == BPF_JMP32; }

std::string unknown(const bpf_insn& of) {
    return fmt::format("unknown {:#04x} dst {} src {} off {} imm {:#x}", of.code, of.dst_reg, of.src_reg, of.off,
                       static_cast<std::uint32_t>(of.imm));
}

std::string reg(const bpf_insn& of, unsigned number) { return fmt::format("{}{}", is_narrow(of) ? 'w' : 'r', number); }

/// Sign-extended to the width of the operation.
std::string immediate(const bpf_insn& of) {
    if (is_narrow(of)) return fmt::format("{:#x}", static_cast<std::uint32_t>(of.imm));
    return fmt::format("{:#x}", of.imm);
}

std::string operand(const bpf_insn& of) { return BPF_SRC(of.code) == BPF_X ? reg(of, of.src_reg) : immediate(of); }

std::string_view alu_sign(const bpf_insn& of) {
    switch (BPF_OP(of.code)) {
        case BPF_ADD: return "+=";
        case BPF_SUB: return "-=";
        case BPF_MUL: return "*=";
        case BPF_DIV: return "/=";
        case BPF_OR: return "|=";
        case BPF_AND: return "&=";
        case BPF_LSH: return "<<=";
        case BPF_RSH: return ">>=";
        case BPF_MOD: return "%=";
        case BPF_XOR: return "^=";
        case BPF_MOV: return "=";
        case BPF_ARSH: return "s>>=";
        default: return "";
    }
}

std::string_view jump_sign(const bpf_insn& of) {
    switch (BPF_OP(of.code)) {
        case BPF_JEQ: return "==";
        case BPF_JGT: return ">";
        case BPF_JGE: return ">=";
        case BPF_JSET: return "&";
        case BPF_JNE: return "!=";
        case BPF_JSGT: return "s>";
        case BPF_JSGE: return "s>=";
        case BPF_JLT: return "<";
        case BPF_JLE: return "<=";
        case BPF_JSLT: return "s<";
        case BPF_JSLE: return "s<=";
        default: return "";
    }
}

std::string alu_text(const bpf_insn& of) {
    if (BPF_OP(of.code) == BPF_NEG) return fmt::format("{0} = -{0}", reg(of, of.dst_reg));
    if (BPF_OP(of.code) == BPF_END) {
        const std::string_view order = BPF_SRC(of.code) == BPF_TO_BE ? "be" : "le";
        return BPF_CLASS(of.code) == BPF_ALU ? fmt::format("r{0} = {1}{2} r{0}", of.dst_reg, order, of.imm)
                                             : unknown(of);
    }
    const std::string_view sign = alu_sign(of);
    if (sign.empty() || of.off != 0) return unknown(of);
    return fmt::format("{} {} {}", reg(of, of.dst_reg), sign, operand(of));
}

std::string_view size_name(const bpf_insn& of) {
    switch (BPF_SIZE(of.code)) {
        case BPF_B: return "u8";
        case BPF_H: return "u16";
        case BPF_W: return "u32";
        default: return "u64";
    }
}

std::string memory_text(const bpf_insn& of) {
    if (BPF_MODE(of.code) != BPF_MEM) return unknown(of);
    const auto at = [&](unsigned base) { return fmt::format("*({} *)(r{} {:+})", size_name(of), base, of.off); };
    switch (BPF_CLASS(of.code)) {
        case BPF_LDX: return fmt::format("r{} = {}", of.dst_reg, at(of.src_reg));
        case BPF_STX: return fmt::format("{} = r{}", at(of.dst_reg), of.src_reg);
        default: return fmt::format("{} = {:#x}", at(of.dst_reg), of.imm);
    }
}

std::string call_text(const bpf_insn& of) {
    if (of.src_reg != 0) return unknown(of);
    switch (of.imm) {
        case SECMAP_HELPER_TEST_BIT: return "call secmap_test_bit";
        case SECMAP_HELPER_LOOKUP: return "call secmap_lookup";
        default: return fmt::format("call {}", of.imm);
    }
}

std::string jump_text(const bpf_insn& of, std::size_t index) {
    if (is_exit(of)) return "exit";
    if (is_call(of)) return call_text(of);
    const auto target = static_cast<std::int64_t>(index) + 1 + of.off;
    if (is_goto(of)) return fmt::format("goto {}", target);
    const std::string_view sign = jump_sign(of);
    if (sign.empty()) return unknown(of);
    return fmt::format("if {} {} {} goto {}", reg(of, of.dst_reg), sign, operand(of), target);
}

std::uint64_t whole_immediate(const bpf_insn& lower, const bpf_insn& upper) noexcept {
    return static_cast<std::uint32_t>(lower.imm) | std::uint64_t{static_cast<std::uint32_t>(upper.imm)} << word_bits;
}

std::string field_name(std::uint32_t offset, unsigned size) {
    std::string word = detail::word_name(offset);
    if (size == BPF_W) return word;
    if (size == BPF_DW) return word.substr(0, word.find(' '));
    return "";
}

/// A constant that can only be meant as an answer: KILL_THREAD is 0, which is many things.
std::string answer_name(std::uint32_t value) {
    switch (value & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_KILL_PROCESS:
        case SECCOMP_RET_TRAP:
        case SECCOMP_RET_ERRNO:
        case SECCOMP_RET_USER_NOTIF:
        case SECCOMP_RET_TRACE:
        case SECCOMP_RET_LOG:
        case SECCOMP_RET_ALLOW: return action_text(value);
        default: return "";
    }
}

class disassembler final {
public:
    disassembler(std::span<const bpf_insn> code, const std::vector<program_table>& tables)
        : code_(code), tables_(tables), known_(code.size()) {
        if (!known_.empty()) known_.front().reached = true;
    }

    std::vector<instruction_text> lines() {
        std::vector<instruction_text> made;
        made.reserve(code_.size());
        for (std::size_t index = 0; index < code_.size(); ++index) {
            made.push_back({mnemonic(index), comment(index)});
            const bool wide = is_wide(index);
            follow(index, wide ? 2 : 1);
            if (!wide) continue;
            made.emplace_back();
            ++index;
        }
        return made;
    }

private:
    [[nodiscard]] bool is_wide(std::size_t index) const {
        return code_[index].code == load_imm64 && index + 1 < code_.size();
    }

    [[nodiscard]] std::string mnemonic(std::size_t index) const {
        const bpf_insn& of = code_[index];
        switch (BPF_CLASS(of.code)) {
            case BPF_ALU:
            case BPF_ALU64: return alu_text(of);
            case BPF_JMP:
            case BPF_JMP32: return jump_text(of, index);
            case BPF_LD:
                if (!is_wide(index)) return unknown(of);
                if (of.src_reg == BPF_PSEUDO_MAP_IDX) return fmt::format("r{} = table {}", of.dst_reg, of.imm);
                if (of.src_reg != 0) return unknown(of);
                return fmt::format("r{} = {:#x} ll", of.dst_reg, whole_immediate(of, code_[index + 1]));
            default: return memory_text(of);
        }
    }

    [[nodiscard]] std::string comment(std::size_t index) const {
        const bpf_insn& of = code_[index];
        const knowledge& here = known_[index];
        if (of.code == load_imm64 && of.src_reg == BPF_PSEUDO_MAP_IDX) {
            const auto table = static_cast<std::uint32_t>(of.imm);
            return table < tables_.size() ? tables_[table].name : "";
        }
        if (of.code == (BPF_ALU | BPF_MOV | BPF_K) || of.code == (BPF_ALU64 | BPF_MOV | BPF_K))
            return answer_name(static_cast<std::uint32_t>(of.imm));
        if (BPF_CLASS(of.code) == BPF_LDX && of.src_reg != frame_pointer)
            return field_name(static_cast<std::uint32_t>(of.off), BPF_SIZE(of.code));
        const bool compares = is_jump(of) && !is_goto(of) && !is_call(of) && !is_exit(of);
        if (!compares || BPF_SRC(of.code) == BPF_X || !here.loaded[of.dst_reg]) return "";
        const std::uint32_t field = *here.loaded[of.dst_reg];
        const auto value = static_cast<std::uint32_t>(of.imm);
        if (field == offsetof(seccomp_data, arch)) return detail::arch_name(value);
        if (field == offsetof(seccomp_data, nr)) return detail::number_name(value, here.arch);
        return field_name(field, BPF_DW);
    }

    /// What is known behind an instruction that does not jump.
    static knowledge behind(const bpf_insn& of, knowledge here) {
        if (is_call(of)) {
            for (unsigned each = 0; each <= 5; ++each) here.loaded[each].reset();
            return here;
        }
        const unsigned group = BPF_CLASS(of.code);
        if (group == BPF_STX || group == BPF_ST) return here;
        const bool copies = of.code == (BPF_ALU64 | BPF_MOV | BPF_X) || of.code == (BPF_ALU | BPF_MOV | BPF_X);
        const bool loads = group == BPF_LDX && of.src_reg != frame_pointer;
        if (copies)
            here.loaded[of.dst_reg] = here.loaded[of.src_reg];
        else if (loads)
            here.loaded[of.dst_reg] = static_cast<std::uint32_t>(of.off);
        else
            here.loaded[of.dst_reg].reset();
        return here;
    }

    void follow(std::size_t index, std::size_t length) {
        const bpf_insn& of = code_[index];
        const knowledge& here = known_[index];
        if (!here.reached || is_exit(of)) return;
        if (!is_jump(of) || is_call(of)) {
            reach(index + length, behind(of, here));
            return;
        }
        const std::size_t target = index + 1 + static_cast<std::size_t>(std::ptrdiff_t{of.off});
        if (is_goto(of)) {
            reach(target, here);
            return;
        }
        knowledge equal = here;
        const bool of_arch = BPF_SRC(of.code) == BPF_K && here.loaded[of.dst_reg] == offsetof(seccomp_data, arch);
        if (of_arch) equal.arch = static_cast<std::uint32_t>(of.imm);
        reach(target, BPF_OP(of.code) == BPF_JEQ ? equal : here);
        reach(index + 1, BPF_OP(of.code) == BPF_JNE ? equal : here);
    }

    void reach(std::size_t index, const knowledge& with) {
        if (index < known_.size()) known_[index].merge(with);
    }

    std::span<const bpf_insn> code_;
    const std::vector<program_table>& tables_;
    std::vector<knowledge> known_;
};

}  // namespace

std::vector<instruction_text> disassemble(std::span<const bpf_insn> code, const std::vector<program_table>& tables) {
    return disassembler(code, tables).lines();
}

}  // namespace secmap
