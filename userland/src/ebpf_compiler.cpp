// SPDX-License-Identifier: LGPL-2.1-or-later
// The compiler to eBPF. r6 holds the call and r7 its number throughout; the others hold nothing between questions.
#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <secmap/secmap.h>
#include <secmap/names.hpp>
#include <secmap/program_compiler.hpp>

#include "code_writer.hpp"

namespace secmap {

namespace {

using detail::label;

constexpr std::uint64_t low_half = 0xffffffffU;

/// A jump's condition, with the one that holds where it does not.
struct jump_code {
    std::uint8_t code;
    std::uint8_t opposite;
};
constexpr jump_code equal = {BPF_JEQ, BPF_JNE};
constexpr jump_code not_equal = {BPF_JNE, BPF_JEQ};
constexpr jump_code below = {BPF_JLT, BPF_JGE};
constexpr jump_code at_most = {BPF_JLE, BPF_JGT};
constexpr jump_code above = {BPF_JGT, BPF_JLE};
constexpr jump_code at_least = {BPF_JGE, BPF_JLT};

constexpr std::uint8_t any_register = 0;

bool fits(std::uint64_t value) noexcept {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(value))) == value;
}

bpf_insn instruction(int code, std::uint8_t to, std::uint8_t from, std::size_t offset,
                     std::uint64_t constant) noexcept {
    bpf_insn made = {};
    made.code = static_cast<std::uint8_t>(code);
    made.dst_reg = to & 0xfU;
    made.src_reg = from & 0xfU;
    made.off = static_cast<std::int16_t>(offset);
    made.imm = static_cast<std::int32_t>(constant);
    return made;
}

bpf_insn with_constant(int code, std::uint8_t to, std::uint64_t constant) noexcept {
    return instruction(code, to, 0, 0, constant);
}

bpf_insn with_register(int code, std::uint8_t to, std::uint8_t from, std::size_t offset = 0) noexcept {
    return instruction(code, to, from, offset, 0);
}

bool is_jump(const bpf_insn& of) noexcept {
    if (of.code == (BPF_JMP | BPF_CALL) || of.code == (BPF_JMP | BPF_EXIT)) return false;
    return BPF_CLASS(of.code) == BPF_JMP || BPF_CLASS(of.code) == BPF_JMP32;
}

bool goes_on(const bpf_insn& of) noexcept { return of.code != (BPF_JMP | BPF_EXIT) && of.code != (BPF_JMP | BPF_JA); }

std::size_t target(const std::vector<bpf_insn>& code, std::size_t of) noexcept {
    return of + 1 + static_cast<std::size_t>(code[of].off);
}

/// Leaves out what no way leads to, which the verifier refuses: rules behind one that always holds, for instance.
std::vector<bpf_insn> reachable(const std::vector<bpf_insn>& code) {
    std::vector<bool> reached(code.size() + 1);
    std::vector<std::size_t> place(code.size() + 1);
    reached[0] = true;
    for (std::size_t at = 0; at < code.size(); ++at) {
        place[at + 1] = place[at] + (reached[at] ? 1 : 0);
        if (!reached[at]) continue;
        if (goes_on(code[at])) reached[at + 1] = true;
        if (is_jump(code[at])) reached[target(code, at)] = true;
    }
    std::vector<bpf_insn> kept;
    for (std::size_t at = 0; at < code.size(); ++at) {
        if (!reached[at]) continue;
        bpf_insn next = code[at];
        if (is_jump(next)) next.off = static_cast<std::int16_t>(place[target(code, at)] - place[at] - 1);
        kept.push_back(next);
    }
    return kept;
}

class ebpf_writer final : public detail::code_writer {
public:
    explicit ebpf_writer(const policy_image& policy) : policy_(policy) {}

    [[nodiscard]] label answer(std::uint32_t action) override;
    [[nodiscard]] label is_equal(std::uint32_t value, label yes, label no) override {
        return branch(BPF_JMP32, equal, BPF_REG_7, value, yes, no);
    }
    [[nodiscard]] label is_at_least(std::uint32_t value, label yes, label no) override {
        return branch(BPF_JMP32, at_least, BPF_REG_7, value, yes, no);
    }
    [[nodiscard]] label holds(abi which, const condition& asked, label yes, label no) override;
    [[nodiscard]] std::optional<label> is_among(abi which, const std::vector<std::uint32_t>& numbers, label yes,
                                                label no) override;
    void begin(label x86_64, label i386, label foreign) override;

    /// The program, from its beginning.
    [[nodiscard]] ebpf_image take() &&;

private:
    /// How a value is compared: 32 bits wide, or 64.
    struct comparison_code {
        jump_code jump;
        bool otherwise;  ///< what it comes to where the constant is above all values
    };
    [[nodiscard]] static comparison_code code_of(comparison op) noexcept;

    label put(std::initializer_list<bpf_insn> more);
    void put_constant(std::uint8_t to, std::uint64_t value);
    void put_table(std::uint32_t index);
    [[nodiscard]] std::uint32_t table_of(std::uint32_t set);

    label branch(std::uint8_t width, jump_code how, std::uint8_t value, std::uint64_t constant, label yes, label no);
    label compare(bool narrow, const condition& asked, label yes, label no);
    label look_up(const condition& asked, label yes, label no);
    label load(bool narrow, const condition& asked);
    void mask(bool narrow, std::uint64_t wanted);

    const policy_image& policy_;
    std::vector<bpf_insn> code_;  ///< the last one first
    std::vector<program_table> tables_;
    std::map<std::uint32_t, std::uint32_t> sets_;  ///< the policy's tables that are among them
    std::map<std::uint32_t, label> answers_;
};

/// Puts instructions in front of the program.
label ebpf_writer::put(std::initializer_list<bpf_insn> more) {
    code_.insert(code_.end(), std::rbegin(more), std::rend(more));
    return {code_.size() - 1, std::nullopt};
}

void ebpf_writer::put_constant(std::uint8_t to, std::uint64_t value) {
    if (fits(value)) {
        put({with_constant(BPF_ALU64 | BPF_MOV | BPF_K, to, value)});
        return;
    }
    put({with_constant(BPF_LD | BPF_IMM | BPF_DW, to, value), with_constant(0, any_register, value >> 32)});
}

void ebpf_writer::put_table(std::uint32_t index) {
    put({instruction(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_IDX, 0, index),
         with_constant(0, any_register, 0)});
}

std::uint32_t ebpf_writer::table_of(std::uint32_t set) {
    const auto [found, fresh] = sets_.try_emplace(set, static_cast<std::uint32_t>(tables_.size()));
    if (fresh) {
        const table_image& content = policy_.tables[set];
        tables_.push_back(
            {fmt::format("set_{}", set), content.bitmap ? table_kind::bitmap : table_kind::hash, content, {}});
    }
    return found->second;
}

label ebpf_writer::answer(std::uint32_t action) {
    const auto found = answers_.find(action);
    if (found != answers_.end()) return found->second;
    const label made =
        put({with_constant(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_0, action), with_constant(BPF_JMP | BPF_EXIT, 0, 0)});
    answers_.emplace(action, made);
    return made;
}

/// Compares a register with a constant, by way of r3 where that does not fit into an instruction.
label ebpf_writer::branch(std::uint8_t width, jump_code how, std::uint8_t value, std::uint64_t constant, label yes,
                          label no) {
    if (yes == no) return yes;
    const auto next = [this] { return label{code_.size() - 1, std::nullopt}; };
    if (yes == next()) {
        std::swap(yes, no);
        std::swap(how.code, how.opposite);
    }
    if (no != next()) put({instruction(BPF_JMP | BPF_JA, 0, 0, code_.size() - no.at - 1, 0)});
    const bool direct = width == BPF_JMP32 || fits(constant);
    const std::size_t offset = code_.size() - yes.at - 1;
    if (direct)
        put({instruction(width | how.code | BPF_K, value, 0, offset, constant)});
    else
        put({instruction(width | how.code | BPF_X, value, BPF_REG_3, offset, 0)});
    if (!direct) put_constant(BPF_REG_3, constant);
    return next();
}

ebpf_writer::comparison_code ebpf_writer::code_of(comparison op) noexcept {
    switch (op) {
        case comparison::ne: return {not_equal, true};
        case comparison::lt: return {below, true};
        case comparison::le: return {at_most, true};
        case comparison::gt: return {above, false};
        case comparison::ge: return {at_least, false};
        default: return {equal, false};
    }
}

/// Cuts r2, which holds an argument.
void ebpf_writer::mask(bool narrow, std::uint64_t wanted) {
    if ((narrow ? wanted & low_half : wanted) == (narrow ? low_half : ~std::uint64_t{0})) return;
    if (narrow) {
        put({with_constant(BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, wanted)});
    } else if (fits(wanted)) {
        put({with_constant(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, wanted)});
    } else {
        put({with_register(BPF_ALU64 | BPF_AND | BPF_X, BPF_REG_2, BPF_REG_3)});
        put_constant(BPF_REG_3, wanted);
    }
}

/// Loads an argument to r2.
label ebpf_writer::load(bool narrow, const condition& asked) {
    const std::size_t offset = offsetof(seccomp_data, args) + asked.arg * sizeof(std::uint64_t);
    return put({with_register(BPF_LDX | BPF_MEM | (narrow ? BPF_W : BPF_DW), BPF_REG_2, BPF_REG_6, offset)});
}

label ebpf_writer::compare(bool narrow, const condition& asked, label yes, label no) {
    const auto [jump, otherwise] = code_of(asked.op);
    const bool masked = asked.op == comparison::masked_eq;
    const std::uint64_t constant = masked ? asked.value & asked.mask : asked.value;
    if (narrow && constant > low_half) return otherwise ? yes : no;
    branch(narrow ? BPF_JMP32 : BPF_JMP, jump, BPF_REG_2, constant, yes, no);
    if (masked) mask(narrow, asked.mask);
    return load(narrow, asked);
}

/// Membership. A hash map answers a value for what it does not hold that none of its keys has.
label ebpf_writer::look_up(const condition& asked, label yes, label no) {
    const table_image& content = policy_.tables[asked.table];
    if (asked.op == comparison::not_in) std::swap(yes, no);
    if (content.bitmap) {
        branch(BPF_JMP, not_equal, BPF_REG_0, 0, yes, no);
        put({with_constant(BPF_JMP | BPF_CALL, 0, SECMAP_HELPER_TEST_BIT)});
    } else {
        std::uint64_t absent = 1;
        while (std::ranges::find(content.values, absent) != content.values.end()) ++absent;
        branch(BPF_JMP, not_equal, BPF_REG_0, absent, yes, no);
        put({with_constant(BPF_JMP | BPF_CALL, 0, SECMAP_HELPER_LOOKUP)});
        put_constant(BPF_REG_3, absent);
    }
    put_table(table_of(asked.table));
    return {code_.size() - 1, std::nullopt};
}

label ebpf_writer::holds(abi which, const condition& asked, label yes, label no) {
    if (yes == no) return yes;
    const bool narrow = asked.width != 64 || which == abi::i386;
    if (asked.op != comparison::in && asked.op != comparison::not_in) return compare(narrow, asked, yes, no);
    look_up(asked, yes, no);
    mask(narrow, asked.mask);
    return load(narrow, asked);
}

std::optional<label> ebpf_writer::is_among(abi which, const std::vector<std::uint32_t>& numbers, label yes, label no) {
    if (yes == no) return yes;
    const std::string name = fmt::format("allow_{}", abi_name(which));
    auto known = std::ranges::find(tables_, name, &program_table::name);
    if (known == tables_.end()) {
        table_image content{true, SECMAP_NR_MAX, {numbers.begin(), numbers.end()}, {}};
        known = tables_.insert(tables_.end(), {name, table_kind::bitmap, std::move(content), {}});
    }
    branch(BPF_JMP, not_equal, BPF_REG_0, 0, yes, no);
    put({with_constant(BPF_JMP | BPF_CALL, 0, SECMAP_HELPER_TEST_BIT)});
    put_table(static_cast<std::uint32_t>(known - tables_.begin()));
    if (which == abi::x32) put({with_constant(BPF_ALU | BPF_SUB | BPF_K, BPF_REG_2, detail::x32_bit)});
    return put({with_register(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_7)});
}

void ebpf_writer::begin(label x86_64, label i386, label foreign) {
    const label other = branch(BPF_JMP32, equal, BPF_REG_0, AUDIT_ARCH_I386, i386, foreign);
    branch(BPF_JMP32, equal, BPF_REG_0, AUDIT_ARCH_X86_64, x86_64, other);
    put({with_register(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1),
         with_register(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_6, offsetof(seccomp_data, nr)),
         with_register(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_6, offsetof(seccomp_data, arch))});
}

ebpf_image ebpf_writer::take() && {
    ebpf_image made;
    made.name = policy_.name;
    made.source = policy_.name;
    made.code = {code_.rbegin(), code_.rend()};
    made.tables = std::move(tables_);
    return made;
}

}  // namespace

result<ebpf_image> compile_ebpf(const policy_image& from) {
    ebpf_writer writer(from);
    detail::write_policy(writer, from);
    ebpf_image made = std::move(writer).take();
    // Its jumps are right only where it is short enough.
    if (made.code.size() > INT16_MAX) return detail::too_long("eBPF", from, made.code.size());
    made.code = reachable(made.code);
    if (made.code.size() > filter_length_max) return detail::too_long("eBPF", from, made.code.size());
    return made;
}

}  // namespace secmap
