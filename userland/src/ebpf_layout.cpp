// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ebpf_layout.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace secmap::detail {

namespace {

constexpr std::uint8_t load_imm64 = BPF_LD | BPF_IMM | BPF_DW;
constexpr std::uint8_t go_to = BPF_JMP | BPF_JA;
constexpr std::uint8_t exit_code = BPF_JMP | BPF_EXIT;
constexpr std::uint8_t call_code = BPF_JMP | BPF_CALL;

bool branches(const bpf_insn& of) noexcept {
    const unsigned group = BPF_CLASS(of.code);
    return (group == BPF_JMP || group == BPF_JMP32) && of.code != exit_code && of.code != call_code;
}

/// Instructions from the first to the one before the end; only the last one jumps.
struct block {
    std::size_t first = 0;
    std::size_t end = 0;
    std::optional<std::size_t> taken;  ///< first instruction of where its jump leads
    bool falls = true;                 ///< into the block that begins at its end
};

class layout final {
public:
    explicit layout(const ebpf_image& of) : of_(of), starts_(of.code.size()) {}

    /// Nothing: leave it as it is.
    std::optional<ebpf_image> straightened() {
        if (!split() || !jumps_back_ || !sort()) return std::nullopt;
        return emit();
    }

private:
    /// False where a jump leads to no instruction.
    bool split() {
        std::vector<bool> inside(of_.code.size());
        for (std::size_t index = 0; index + 1 < of_.code.size(); ++index)
            if (of_.code[index].code == load_imm64 && !inside[index]) inside[index + 1] = true;
        starts_.front() = true;
        for (std::size_t index = 0; index < of_.code.size(); ++index) {
            const bpf_insn& insn = of_.code[index];
            if (inside[index] || !(branches(insn) || insn.code == exit_code)) continue;
            if (index + 1 < of_.code.size()) starts_[index + 1] = true;
            if (insn.code == exit_code) continue;
            const std::ptrdiff_t target = target_of(index);
            if (target < 0 || static_cast<std::size_t>(target) >= starts_.size()) return false;
            if (inside[static_cast<std::size_t>(target)]) return false;
            starts_[static_cast<std::size_t>(target)] = true;
            jumps_back_ = jumps_back_ || static_cast<std::size_t>(target) <= index;
        }
        return collect(inside);
    }

    [[nodiscard]] std::ptrdiff_t target_of(std::size_t index) const {
        return static_cast<std::ptrdiff_t>(index) + 1 + of_.code[index].off;
    }

    /// False where the program runs over its end.
    bool collect(const std::vector<bool>& inside) {
        for (std::size_t first = 0; first < starts_.size();) {
            block made;
            made.first = first;
            made.end = first + 1;
            while (made.end < starts_.size() && !starts_[made.end]) ++made.end;
            const std::size_t last = made.end - 1;
            if (!inside[last]) {
                const bpf_insn& insn = of_.code[last];
                made.falls = insn.code != exit_code && insn.code != go_to;
                if (branches(insn)) made.taken = static_cast<std::size_t>(target_of(last));
            }
            if (made.falls && made.end == starts_.size()) return false;
            blocks_.emplace(first, made);
            first = made.end;
        }
        return true;
    }

    /// Depth first without recursion. What is fallen into is visited last, so that it comes next in the order, which is
    /// that in which blocks are left, reversed. False where there is a loop, or a block that is not reached.
    bool sort() {
        enum class mark : std::uint8_t { entered, left };
        std::map<std::size_t, mark> marks;
        std::vector<std::pair<std::size_t, int>> way = {{0, 0}};
        marks[0] = mark::entered;
        while (!way.empty()) {
            auto& [at, step] = way.back();
            const block& here = blocks_.at(at);
            std::optional<std::size_t> next;
            if (step == 0) next = here.taken;
            if (step == 1 && here.falls) next = here.end;
            if (step++ == 2) {
                marks[at] = mark::left;
                order_.push_back(at);
                way.pop_back();
                continue;
            }
            if (!next) continue;
            const auto known = marks.find(*next);
            if (known == marks.end()) {
                marks[*next] = mark::entered;
                way.emplace_back(*next, 0);
            } else if (known->second == mark::entered) {
                return false;
            }
        }
        std::ranges::reverse(order_);
        return order_.size() == blocks_.size();
    }

    void put(ebpf_image& to, const bpf_insn& insn, std::size_t from) const {
        const source_line* line = of_.line_of(from);
        const auto same = [&](const source_line& other) {
            return other.line == line->line && other.file == line->file;
        };
        if (line && (to.lines.empty() || !same(to.lines.back()))) {
            to.lines.push_back(*line);
            to.lines.back().instruction = static_cast<std::uint32_t>(to.code.size());
        }
        to.code.push_back(insn);
    }

    std::optional<ebpf_image> emit() const {
        ebpf_image to = {of_.name, of_.source, {}, of_.tables, {}};
        std::map<std::size_t, std::size_t> moved;                 // where blocks begin now, by where they began
        std::vector<std::pair<std::size_t, std::size_t>> to_fix;  // a jump as it is now, and the block that it leads to
        for (std::size_t place = 0; place < order_.size(); ++place) {
            const block& here = blocks_.at(order_[place]);
            const bool ends = place + 1 == order_.size();
            moved[here.first] = to.code.size();
            for (std::size_t index = here.first; index < here.end; ++index) {
                const bool jumps = index + 1 == here.end && here.taken;
                const bool needless = jumps && !here.falls && !ends && order_[place + 1] == *here.taken;
                if (needless) continue;
                if (jumps) to_fix.emplace_back(to.code.size(), *here.taken);
                put(to, of_.code[index], index);
            }
            if (!here.falls || (!ends && order_[place + 1] == here.end)) continue;
            to_fix.emplace_back(to.code.size(), here.end);
            put(to, {.code = go_to, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}, here.end - 1);
        }
        for (const auto& [jump, block_of] : to_fix) {
            const std::size_t distance = moved.at(block_of) - jump - 1;
            if (distance > static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max())) return std::nullopt;
            to.code[jump].off = static_cast<std::int16_t>(distance);
        }
        return to;
    }

    const ebpf_image& of_;
    std::vector<bool> starts_;
    std::map<std::size_t, block> blocks_;  ///< by their first instruction
    std::vector<std::size_t> order_;
    bool jumps_back_ = false;
};

}  // namespace

void straighten(ebpf_image& of) {
    if (of.code.empty()) return;
    if (auto made = layout(of).straightened()) of = std::move(*made);
}

}  // namespace secmap::detail
