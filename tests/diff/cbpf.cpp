// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cbpf.hpp"

#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace secmap::diff {

namespace {

/// Jump targets of the instruction at @p at that must be inside; the second one may be the first.
struct reach {
    std::size_t first;
    std::size_t second;
};

reach next_of(const sock_filter& at, std::size_t index) {
    if (BPF_CLASS(at.code) != BPF_JMP) return {index + 1, index + 1};
    if (BPF_OP(at.code) == BPF_JA) return {index + 1 + at.k, index + 1 + at.k};
    return {index + 1 + at.jt, index + 1 + at.jf};
}

bool known(const sock_filter& at) {
    switch (at.code) {
        case BPF_LD | BPF_W | BPF_ABS: return at.k < sizeof(seccomp_data) && at.k % 4 == 0;
        case BPF_LD | BPF_MEM:
        case BPF_LDX | BPF_MEM:
        case BPF_ST:
        case BPF_STX: return at.k < BPF_MEMWORDS;
        case BPF_ALU | BPF_DIV | BPF_K: return at.k != 0;
        case BPF_ALU | BPF_LSH | BPF_K:
        case BPF_ALU | BPF_RSH | BPF_K: return at.k < 32;
        case BPF_LD | BPF_W | BPF_LEN:
        case BPF_LDX | BPF_W | BPF_LEN:
        case BPF_LD | BPF_IMM:
        case BPF_LDX | BPF_IMM:
        case BPF_MISC | BPF_TAX:
        case BPF_MISC | BPF_TXA:
        case BPF_RET | BPF_K:
        case BPF_RET | BPF_A:
        case BPF_JMP | BPF_JA: return true;
        default: break;
    }
    const std::uint16_t operation = BPF_OP(at.code);
    if (BPF_CLASS(at.code) == BPF_ALU) return operation <= BPF_XOR && operation != BPF_MOD;
    if (BPF_CLASS(at.code) == BPF_JMP) return operation >= BPF_JEQ && operation <= BPF_JSET;
    return false;
}

std::uint32_t load(const seccomp_data& call, std::uint32_t offset) noexcept {
    std::uint32_t word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(&call) + offset, sizeof(word));
    return word;
}

/// The register file of one run.
struct machine {
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    std::uint32_t memory[BPF_MEMWORDS] = {};

    [[nodiscard]] std::uint32_t operand(const sock_filter& at) const noexcept {
        return BPF_SRC(at.code) == BPF_X ? x : at.k;
    }

    /// False: the program ends here, with 0, as the kernel ends a division by zero.
    bool compute(const sock_filter& at) noexcept {
        const std::uint32_t value = operand(at);
        switch (BPF_OP(at.code)) {
            case BPF_ADD: a += value; break;
            case BPF_SUB: a -= value; break;
            case BPF_MUL: a *= value; break;
            case BPF_DIV:
                if (value == 0) return false;
                a /= value;
                break;
            case BPF_OR: a |= value; break;
            case BPF_AND: a &= value; break;
            case BPF_LSH: a <<= value & 31; break;
            case BPF_RSH: a >>= value & 31; break;
            case BPF_NEG: a = -a; break;
            default: a ^= value; break;
        }
        return true;
    }

    [[nodiscard]] bool jumps(const sock_filter& at) const noexcept {
        const std::uint32_t value = operand(at);
        switch (BPF_OP(at.code)) {
            case BPF_JEQ: return a == value;
            case BPF_JGT: return a > value;
            case BPF_JGE: return a >= value;
            default: return (a & value) != 0;
        }
    }
};

}  // namespace

void check(std::span<const sock_filter> program) {
    if (program.empty()) throw std::invalid_argument("the program is empty");
    for (std::size_t index = 0; index < program.size(); ++index) {
        const sock_filter& at = program[index];
        const reach next = next_of(at, index);
        const bool ends = BPF_CLASS(at.code) == BPF_RET;
        if (!known(at) || (!ends && (next.first >= program.size() || next.second >= program.size())))
            throw std::invalid_argument(
                fmt::format("instruction {} ({:#06x} {:#x}) is not valid", index, at.code, at.k));
    }
}

std::uint32_t run(std::span<const sock_filter> program, const seccomp_data& call) noexcept {
    machine now;
    for (std::size_t index = 0; index < program.size(); ++index) {
        const sock_filter& at = program[index];
        switch (at.code) {
            case BPF_LD | BPF_W | BPF_ABS: now.a = load(call, at.k); continue;
            case BPF_LD | BPF_W | BPF_LEN: now.a = sizeof(seccomp_data); continue;
            case BPF_LDX | BPF_W | BPF_LEN: now.x = sizeof(seccomp_data); continue;
            case BPF_LD | BPF_IMM: now.a = at.k; continue;
            case BPF_LDX | BPF_IMM: now.x = at.k; continue;
            case BPF_LD | BPF_MEM: now.a = now.memory[at.k]; continue;
            case BPF_LDX | BPF_MEM: now.x = now.memory[at.k]; continue;
            case BPF_ST: now.memory[at.k] = now.a; continue;
            case BPF_STX: now.memory[at.k] = now.x; continue;
            case BPF_MISC | BPF_TAX: now.x = now.a; continue;
            case BPF_MISC | BPF_TXA: now.a = now.x; continue;
            case BPF_RET | BPF_K: return at.k;
            case BPF_RET | BPF_A: return now.a;
            case BPF_JMP | BPF_JA: index += at.k; continue;
            default: break;
        }
        if (BPF_CLASS(at.code) == BPF_JMP)
            index += now.jumps(at) ? at.jt : at.jf;
        else if (!now.compute(at))
            return 0;
    }
    return 0;
}

}  // namespace secmap::diff
