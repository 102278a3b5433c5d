// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/ebpf_program.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <linux/audit.h>

#include <secmap/secmap.h>
#include <secmap/bpf_map.hpp>

#include "tables.hpp"

extern "C" {
#include "interpreter.h"
#include "predict.h"
#include "verify.h"
}

namespace secmap {

namespace {

constexpr std::uint32_t x32_bit = 0x40000000U;

struct room_free {
    void operator()(secmap_predict_room* room) const noexcept { secmap_predict_room_free(room); }
};
using room_handle = std::unique_ptr<secmap_predict_room, room_free>;

u8 type_of(const program_table& table) noexcept {
    switch (table.kind) {
        case table_kind::bitmap: return SECMAP_TABLE_BITMAP;
        case table_kind::hash: return SECMAP_TABLE_HASH;
        case table_kind::bpf_map: break;
    }
    return SECMAP_TABLE_BPF;
}

/// The verifier's sentence begins with the instruction.
std::optional<std::size_t> instruction_of(std::string_view sentence) {
    constexpr std::string_view front = "insn ";
    if (!sentence.starts_with(front)) return std::nullopt;
    sentence.remove_prefix(front.size());
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(sentence.data(), sentence.data() + sentence.size(), index);
    return failed == std::errc() ? std::optional(index) : std::nullopt;
}

/// "filter.bpf.c:12: insn 14: r1: ...: 'return call->args[n];'"
error refusal(const ebpf_image& image, int number, const secmap_why& why) {
    std::string text = why.text[0] != '\0' ? why.text : std::strerror(number);
    const auto instruction = instruction_of(text);
    const source_line* line = instruction ? image.line_of(*instruction) : nullptr;
    if (!line) return {number, "verify program", image.source + ": " + text, ""};
    text = fmt::format("{}:{}: {}", line->file, line->line, text);
    if (!line->text.empty()) text += ": '" + line->text + "'";
    return {number, "verify program", text, "'secmapctl prog dump' shows the instructions"};
}

result<ebpf_facts> verify(const ebpf_image& image) {
    std::vector<u8> types;
    for (const program_table& each : image.tables) types.push_back(type_of(each));
    secmap_verify_facts facts = {};
    secmap_why why = {};
    const auto length = static_cast<u32>(std::min(image.code.size(), filter_length_max + 1));
    const int refused =
        secmap_verify(image.code.data(), length, types.data(), static_cast<u32>(types.size()), &facts, &why);
    if (refused != 0) return refusal(image, -refused, why);
    return ebpf_facts{facts.stack, facts.fields, facts.cost};
}

}  // namespace

struct ebpf_program::state {
    ebpf_image image;
    ebpf_facts facts;
    std::vector<detail::table_handle> tables;   ///< nullptr stands for a BPF map
    std::vector<const secmap_table*> pointers;  ///< the same
    std::vector<std::optional<bpf_map>> maps;   ///< by the index of the table
    secmap_ebpf program = {};                   ///< of all that
    room_handle room;                           ///< for it

    static u64 lookup(void* of, u32 table, u64 key, u64 otherwise) noexcept {
        const auto& map = static_cast<const state*>(of)->maps[table];
        return map ? map->lookup(key).value_or(otherwise) : otherwise;
    }

    [[nodiscard]] result<void> build_tables() {
        for (const program_table& each : image.tables) {
            maps.emplace_back();
            if (each.kind == table_kind::bpf_map) {
                tables.emplace_back();
            } else {
                auto made = detail::build_table(each.contents);
                if (!made)
                    return error{made.error().number, "build table",
                                 fmt::format("{}: table '{}': {}", image.source, each.name, made.error().text), ""};
                tables.push_back(std::move(made).value());
            }
            pointers.push_back(tables.back().get());
        }
        program = {image.code.data(), static_cast<u32>(image.code.size()), pointers.data(),
                   static_cast<u32>(pointers.size())};
        return {};
    }
};

ebpf_program::ebpf_program(std::unique_ptr<state> content) noexcept : state_(std::move(content)) {}
ebpf_program::ebpf_program(ebpf_program&&) noexcept = default;
ebpf_program& ebpf_program::operator=(ebpf_program&&) noexcept = default;
ebpf_program::~ebpf_program() = default;

result<ebpf_program> ebpf_program::create(ebpf_image image) {
    auto content = std::make_unique<state>();
    auto facts = verify(image);
    if (!facts) return std::move(facts).error();
    content->facts = *facts;
    content->image = std::move(image);
    if (auto built = content->build_tables(); !built) return std::move(built).error();
    content->room.reset(secmap_predict_room_create(&content->program));
    if (!content->room) return error{ENOMEM, "predict program", std::strerror(ENOMEM), ""};
    return ebpf_program(std::move(content));
}

const ebpf_image& ebpf_program::image() const noexcept { return state_->image; }
const ebpf_facts& ebpf_program::facts() const noexcept { return state_->facts; }

result<void> ebpf_program::open_maps() {
    for (std::size_t index = 0; index < state_->image.tables.size(); ++index) {
        const program_table& each = state_->image.tables[index];
        if (each.kind != table_kind::bpf_map) continue;
        auto opened = open_map(each);
        if (!opened) return std::move(opened).error();
        state_->maps[index] = std::move(opened).value();
    }
    return {};
}

verdict ebpf_program::judge(const seccomp_data& call) const noexcept {
    const secmap_interpreter interpreter = {state_->program, state::lookup, state_.get()};
    u32 action = 0;
    // What the verifier has accepted runs; if it did not, that would kill.
    if (secmap_interpret(&interpreter, &call, &action, nullptr) != 0) action = SECCOMP_RET_KILL_PROCESS;
    return {action, SECMAP_RULE_PROGRAM};
}

std::optional<std::uint32_t> ebpf_program::predict(abi which, std::uint32_t number) const noexcept {
    const std::uint32_t asked = which == abi::x32 ? number | x32_bit : number;
    const std::uint32_t architecture = which == abi::i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    u32 action = 0;
    if (!secmap_predict_ebpf(state_->room.get(), architecture, asked, &action)) return std::nullopt;
    return action;
}

std::vector<std::uint32_t> ebpf_program::predicted_allowed(abi which) const {
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < SECMAP_NR_MAX; ++number) {
        const auto action = predict(which, number);
        if (action && (*action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW) numbers.push_back(number);
    }
    return numbers;
}

result<bpf_map> open_map(const program_table& table) {
    if (table.pin.empty())
        return error{EINVAL, "open map '" + table.name + "'", "nobody says which map it is",
                     "name the file where it is pinned: --map " + table.name + "=/sys/fs/bpf/..."};
    return bpf_map::open(table.pin);
}

}  // namespace secmap
