// SPDX-License-Identifier: LGPL-2.1-or-later
// The compiler to classic BPF. What is asked about 64 bits is asked about two words, the high one first. A jump that is
// conditional reaches 255 instructions: where that is too near, it leads to another one.
#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <secmap/program_compiler.hpp>

#include "code_writer.hpp"

namespace secmap {

namespace {

using detail::label;

/// A conditional jump's, less the instructions that two of them may need in between.
constexpr std::size_t reach = 253;
constexpr std::uint32_t whole = 0xffffffffU;

constexpr std::uint32_t high(std::uint64_t value) noexcept { return static_cast<std::uint32_t>(value >> 32); }
constexpr std::uint32_t low(std::uint64_t value) noexcept { return static_cast<std::uint32_t>(value); }

class cbpf_writer final : public detail::code_writer {
public:
    explicit cbpf_writer(const policy_image& policy) : policy_(policy) {}

    [[nodiscard]] label answer(std::uint32_t action) override;
    [[nodiscard]] label is_equal(std::uint32_t value, label yes, label no) override {
        return branch(BPF_JEQ, value, yes, no);
    }
    [[nodiscard]] label is_at_least(std::uint32_t value, label yes, label no) override {
        return branch(BPF_JGE, value, yes, no);
    }
    [[nodiscard]] label holds(abi which, const condition& asked, label yes, label no) override;
    [[nodiscard]] std::optional<label> is_among(abi, const std::vector<std::uint32_t>&, label, label) override {
        return std::nullopt;
    }
    void begin(label x86_64, label i386, label foreign) override;

    /// The program, from its beginning.
    [[nodiscard]] std::vector<sock_filter> take() && { return {code_.rbegin(), code_.rend()}; }

private:
    /// A word of an argument, some of its bits.
    struct word {
        std::uint32_t offset = 0;
        std::uint32_t mask = whole;

        /// What may be gone on with where it is loaded again.
        [[nodiscard]] std::optional<std::uint32_t> held() const noexcept {
            return mask == whole ? std::optional(offset) : std::nullopt;
        }
    };
    /// The two of an argument.
    struct words {
        word high;
        word low;
        bool narrow = false;  ///< the high one counts as 0
    };

    /// Where values of a word lead.
    using destinations = std::map<std::uint32_t, label>;

    label put(sock_filter next);
    label put_load(const word& from);
    [[nodiscard]] label number(label search);
    [[nodiscard]] std::size_t near(label to);
    label branch(std::uint16_t jump, std::uint32_t value, label yes, label no);

    [[nodiscard]] label equals(const word& of, std::uint32_t value, label yes, label no);
    [[nodiscard]] label equals(const words& of, std::uint64_t value, label yes, label no);
    [[nodiscard]] label exceeds(const words& of, std::uint16_t jump, std::uint64_t value, label yes, label no);
    [[nodiscard]] label is_one_of(const word& of, const destinations& values, label no);
    [[nodiscard]] label is_in(const words& of, const table_image& table, label yes, label no);

    const policy_image& policy_;
    std::vector<sock_filter> code_;                 ///< the last one first
    std::map<std::uint32_t, label> answers_;        ///< by what they are
    std::map<std::size_t, std::size_t> passed_on_;  ///< the nearest instruction that leads to one, or does the same
    std::optional<std::uint32_t> holding_;          ///< the field that is held, whole, where the next jump is
};

label cbpf_writer::put(sock_filter next) {
    code_.push_back(next);
    return {code_.size() - 1, std::nullopt};
}

label cbpf_writer::answer(std::uint32_t action) {
    const auto found = answers_.find(action);
    if (found != answers_.end()) return found->second;
    const label made = put(BPF_STMT(BPF_RET | BPF_K, action));
    answers_.emplace(action, made);
    return made;
}

/// In front of jumps on a word; ends @ref holding_.
label cbpf_writer::put_load(const word& from) {
    holding_.reset();
    if (from.mask != whole) put(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, from.mask));
    label made = put(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, from.offset));
    made.loads = from.offset;
    return made;
}

/// The instruction to go to for @p to that a conditional jump reaches; it is written if there is none.
std::size_t cbpf_writer::near(label to) {
    const std::size_t target = to.loads && to.loads == holding_ ? to.at - 1 : to.at;
    if (code_.size() - target <= reach) return target;
    const auto known = passed_on_.find(target);
    if (known != passed_on_.end() && code_.size() - known->second <= reach) return known->second;
    const sock_filter there = code_[target];
    const bool ends = BPF_CLASS(there.code) == BPF_RET;
    const auto distance = static_cast<std::uint32_t>(code_.size() - target - 1);
    const std::size_t made = put(ends ? there : sock_filter BPF_STMT(BPF_JMP | BPF_JA, distance)).at;
    passed_on_[target] = made;
    return made;
}

label cbpf_writer::branch(std::uint16_t jump, std::uint32_t value, label yes, label no) {
    if (yes == no) return yes;
    const std::size_t to_no = near(no);
    const std::size_t to_yes = near(yes);
    const std::size_t here = code_.size();
    return put(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | jump | BPF_K), value,
                        static_cast<std::uint8_t>(here - to_yes - 1), static_cast<std::uint8_t>(here - to_no - 1)));
}

/// Of one word. A part of it that is empty is 0.
label cbpf_writer::equals(const word& of, std::uint32_t value, label yes, label no) {
    if (of.mask == 0) return value == 0 ? yes : no;
    if (yes == no) return yes;
    holding_ = of.held();
    branch(BPF_JEQ, value, yes, no);
    return put_load(of);
}

label cbpf_writer::equals(const words& of, std::uint64_t value, label yes, label no) {
    const label by_low = equals(of.low, low(value), yes, no);
    if (of.narrow) return high(value) == 0 ? by_low : no;
    return equals(of.high, high(value), by_low, no);
}

/// @p jump: BPF_JGT or BPF_JGE.
label cbpf_writer::exceeds(const words& of, std::uint16_t jump, std::uint64_t value, label yes, label no) {
    if (of.narrow && high(value) != 0) return no;
    holding_ = of.low.held();
    branch(jump, low(value), yes, no);
    const label by_low = put_load(of.low);
    if (of.narrow) return by_low;
    holding_ = of.high.held();
    branch(BPF_JGT, high(value), yes, branch(BPF_JEQ, high(value), by_low, no));
    return put_load(of.high);
}

label cbpf_writer::is_one_of(const word& of, const destinations& values, label no) {
    std::vector<detail::cell> cells;
    std::uint64_t next = 0;
    for (const auto& [value, to] : values) {
        if (value > next) add_cell(cells, {low(next), no});
        add_cell(cells, {value, to});
        next = std::uint64_t{value} + 1;
    }
    if (next <= whole) add_cell(cells, {low(next), no});
    if (cells.size() == 1) return cells.front().to;
    holding_ = of.held();
    static_cast<void>(search(*this, cells));
    return put_load(of);
}

label cbpf_writer::is_in(const words& of, const table_image& table, label yes, label no) {
    std::map<std::uint32_t, destinations> by_high;
    const std::uint64_t mask = std::uint64_t{of.high.mask} << 32 | of.low.mask;
    for (const std::uint64_t key : table.keys)
        if ((key & ~mask) == 0) by_high[high(key)].emplace(low(key), yes);
    destinations groups;
    for (const auto& [value, lows] : by_high) {
        if (of.narrow && value != 0) continue;
        // A part that is empty is 0, and so are all keys there.
        groups.emplace(value, of.low.mask == 0 ? yes : is_one_of(of.low, lows, no));
    }
    if (groups.empty()) return no;
    return of.narrow || of.high.mask == 0 ? groups.begin()->second : is_one_of(of.high, groups, no);
}

label cbpf_writer::holds(abi which, const condition& asked, label yes, label no) {
    if (yes == no) return yes;
    const bool all = asked.op != comparison::masked_eq && asked.op != comparison::in && asked.op != comparison::not_in;
    const std::uint64_t mask = all ? ~std::uint64_t{0} : asked.mask;
    const auto offset = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + asked.arg * sizeof(std::uint64_t));
    const words of = {{offset + 4, high(mask)}, {offset, low(mask)}, asked.width != 64 || which == abi::i386};
    switch (asked.op) {
        case comparison::eq: return equals(of, asked.value, yes, no);
        case comparison::ne: return equals(of, asked.value, no, yes);
        case comparison::masked_eq: return equals(of, asked.value & mask, yes, no);
        case comparison::lt: return exceeds(of, BPF_JGE, asked.value, no, yes);
        case comparison::le: return exceeds(of, BPF_JGT, asked.value, no, yes);
        case comparison::gt: return exceeds(of, BPF_JGT, asked.value, yes, no);
        case comparison::ge: return exceeds(of, BPF_JGE, asked.value, yes, no);
        case comparison::in: return is_in(of, policy_.tables[asked.table], yes, no);
        case comparison::not_in: break;
    }
    return is_in(of, policy_.tables[asked.table], no, yes);
}

/// The load in front of a search, which may be an answer already.
label cbpf_writer::number(label search) {
    if (BPF_CLASS(code_[search.at].code) == BPF_RET) return search;
    if (search.at + 1 != code_.size())
        put(BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(code_.size() - search.at - 1)));
    return put_load({offsetof(seccomp_data, nr), whole});
}

void cbpf_writer::begin(label x86_64, label i386, label foreign) {
    const label native = number(x86_64);
    const label other = branch(BPF_JEQ, AUDIT_ARCH_I386, number(i386), foreign);
    branch(BPF_JEQ, AUDIT_ARCH_X86_64, native, other);
    put_load({offsetof(seccomp_data, arch), whole});
}

}  // namespace

result<filter_program> compile_cbpf(const policy_image& from) {
    cbpf_writer writer(from);
    detail::write_policy(writer, from);
    std::vector<sock_filter> made = std::move(writer).take();
    if (made.size() > filter_length_max) return detail::too_long("classic BPF", from, made.size());
    return filter_program::create(std::move(made), from.name);
}

}  // namespace secmap
