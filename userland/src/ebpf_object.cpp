// SPDX-License-Identifier: LGPL-2.1-or-later
// From an object file to a program: its code, the tables of .maps, and the references between the two.
#include <secmap/ebpf_image.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <secmap/descriptor.hpp>
#include <secmap/filter_program.hpp>

#include "btf_reader.hpp"
#include "ebpf_layout.hpp"
#include "elf_file.hpp"

namespace secmap {

namespace {

using detail::elf_file;
using detail::elf_relocation;
using detail::elf_section;
using detail::elf_symbol;

constexpr std::string_view program_section = "secmap";
constexpr std::size_t object_bytes_max = std::size_t{64} << 20;
constexpr std::size_t read_at_once = 65536;
constexpr std::uint32_t relocation_64_64 = 1;  // R_BPF_64_64: of LD_IMM64
constexpr std::uint8_t load_imm64 = BPF_LD | BPF_IMM | BPF_DW;
constexpr std::uint8_t call_code = BPF_JMP | BPF_CALL;

/// "filter.bpf.c:12: ", or the instruction where the line is not known.
std::string place_of(const ebpf_image& image, std::size_t instruction) {
    const source_line* line = image.line_of(instruction);
    if (!line) return fmt::format("{}: insn {}: ", image.source, instruction);
    return fmt::format("{}:{}: ", line->file, line->line);
}

/// Reads one object.
class object_reader final {
public:
    object_reader(const elf_file& file, const std::string& source) : file_(file) { image_.source = source; }

    result<ebpf_image> read() {
        for (const auto step : {&object_reader::read_program, &object_reader::read_types, &object_reader::read_source,
                                &object_reader::read_tables, &object_reader::relocate})
            if (auto done = (this->*step)(); !done) return std::move(done).error();
        detail::straighten(image_);
        return std::move(image_);
    }

private:
    [[nodiscard]] error bad(const std::string& what, const std::string& hint = "") const {
        return {EINVAL, "read object", image_.source + ": " + what, hint};
    }

    /// A fault of the filter itself, which has a line.
    [[nodiscard]] error bad_at(std::size_t instruction, const std::string& what, const std::string& hint) const {
        return {EINVAL, "read object", place_of(image_, instruction) + what, hint};
    }

    [[nodiscard]] const elf_section& section(std::uint32_t index) const { return file_.sections()[index]; }

    result<void> read_program() {
        const auto found = file_.named(program_section);
        if (found.empty()) return bad("there is no filter in it", "put SECMAP_FILTER in front of the function");
        if (found.size() > 1) return bad("it has more than one section 'secmap'");
        program_ = found.front();
        const elf_section& of = section(program_);
        if (of.type != SHT_PROGBITS || (of.flags & SHF_EXECINSTR) == 0)
            return bad("its section 'secmap' is not code", "SECMAP_FILTER stands in front of a function");
        if (of.bytes.size() % sizeof(bpf_insn) != 0 || of.bytes.empty())
            return bad(fmt::format("its section 'secmap' has {} bytes, and an instruction has {}", of.bytes.size(),
                                   sizeof(bpf_insn)));
        const std::size_t count = of.bytes.size() / sizeof(bpf_insn);
        if (count > filter_length_max)
            return bad(fmt::format("the filter has {} instructions, more than {}", count, filter_length_max));
        image_.code.resize(count);
        std::memcpy(image_.code.data(), of.bytes.data(), of.bytes.size());
        return name_program();
    }

    /// One function, from the first to the last byte of the section.
    result<void> name_program() {
        std::vector<const elf_symbol*> functions;
        for (const elf_symbol& each : file_.symbols())
            if (each.type == STT_FUNC && each.section == program_) functions.push_back(&each);
        if (functions.empty()) return bad("there is no function in its section 'secmap'");
        if (functions.size() > 1) {
            std::vector<std::string> names;
            for (const elf_symbol* each : functions) names.push_back("'" + each->name + "'");
            std::ranges::sort(names);
            return bad(fmt::format("it has {} filters: {}", names.size(), fmt::join(names, ", ")),
                       "SECMAP_FILTER stands in front of one function; others are static inline");
        }
        if (functions.front()->value != 0 || functions.front()->size != section(program_).bytes.size())
            return bad("'" + functions.front()->name + "' is not all of its section 'secmap'");
        image_.name = functions.front()->name;
        return {};
    }

    result<void> read_types() {
        const auto found = file_.named(".BTF");
        if (found.empty()) return {};
        types_ = detail::read_btf(section(found.front()).bytes);
        return types_ ? result<void>() : bad("its .BTF is damaged");
    }

    result<void> read_source() {
        const auto found = file_.named(".BTF.ext");
        if (found.empty() || !types_) return {};
        auto facts = detail::read_lines(*types_, section(found.front()).bytes, program_section, image_.source);
        if (!facts) return std::move(facts).error();
        image_.lines = std::move(facts->lines);
        if (facts->field_accesses.empty()) return {};
        return bad_at(
            facts->field_accesses.front(), "CO-RE would have to fit the place of a field to the kernel",
            "a filter reads struct seccomp_data only, which is the same everywhere: include secmap/bpf.h, not "
            "vmlinux.h");
    }

    result<void> read_tables() {
        const auto found = file_.named(detail::table_section);
        if (found.empty()) return {};
        if (found.size() > 1) return bad("it has more than one section '.maps'");
        tables_ = found.front();
        if (!types_) return bad("it has tables, and no BTF that says what they are", "compile it with -g");
        std::map<std::uint64_t, const elf_symbol*> variables;
        for (const elf_symbol& each : file_.symbols())
            if (each.section == tables_ && each.type == STT_OBJECT)
                if (!variables.emplace(each.value, &each).second)
                    return bad("two tables are in the same place: '" + each.name + "'");
        for (const auto& [offset, variable] : variables) {
            const auto bytes = section(tables_).bytes;
            if (offset > bytes.size() || variable->size > bytes.size() - offset)
                return bad("table '" + variable->name + "' does not end inside its section");
            auto table =
                detail::read_table(*types_, variable->name, bytes.subspan(offset, variable->size), image_.source);
            if (!table) return std::move(table).error();
            table_at_.emplace(offset, static_cast<std::int32_t>(image_.tables.size()));
            image_.tables.push_back(std::move(table).value());
        }
        return {};
    }

    result<void> relocate() {
        const auto all = file_.relocations(program_);
        if (!all) return all.error();
        for (const elf_relocation& each : *all)
            if (auto done = relocate(each); !done) return done;
        return {};
    }

    result<void> relocate(const elf_relocation& of) {
        const std::size_t index = of.offset / sizeof(bpf_insn);
        if (of.offset % sizeof(bpf_insn) != 0 || index >= image_.code.size())
            return bad(fmt::format("a relocation is at byte {} of the filter, where no instruction begins", of.offset));
        const elf_symbol& symbol = file_.symbols()[of.symbol];
        bpf_insn& insn = image_.code[index];
        const bool is_load = insn.code == load_imm64 && index + 1 < image_.code.size() && of.type == relocation_64_64;
        if (!is_load || tables_ == SHN_UNDEF || symbol.section != tables_) return unsupported(index, symbol);
        bpf_insn& upper = image_.code[index + 1];
        const auto table = table_at_.find(symbol.value + static_cast<std::uint32_t>(insn.imm));
        if (insn.src_reg != 0 || upper.imm != 0 || table == table_at_.end())
            return bad_at(index, "it takes the address of a place inside of table '" + name_of(symbol, insn.imm) + "'",
                          "a table is read by secmap_test_bit() and secmap_lookup() only");
        insn.src_reg = BPF_PSEUDO_MAP_IDX;
        insn.imm = table->second;
        return {};
    }

    /// What a symbol stands for: a section's symbol with an offset is the variable or function that is there.
    [[nodiscard]] std::string name_of(const elf_symbol& symbol, std::int64_t offset) const {
        if (symbol.type != STT_SECTION) return symbol.name;
        const std::uint64_t at = symbol.value + static_cast<std::uint64_t>(offset);
        for (const elf_symbol& each : file_.symbols()) {
            const bool holds = each.section == symbol.section && at >= each.value && at - each.value < each.size;
            if (holds && (each.type == STT_OBJECT || each.type == STT_FUNC)) return each.name;
        }
        const bool known = symbol.section < file_.sections().size();
        return known ? section(symbol.section).name : symbol.name;
    }

    [[nodiscard]] error unsupported(std::size_t index, const elf_symbol& symbol) const {
        const bpf_insn& insn = image_.code[index];
        // A call's immediate counts instructions from the next one.
        constexpr std::int64_t size = sizeof(bpf_insn);
        const bool calls = insn.code == call_code;
        const std::string name = name_of(symbol, calls ? (std::int64_t{insn.imm} + 1) * size : std::int64_t{insn.imm});
        if (symbol.section == SHN_UNDEF)
            return bad_at(index, fmt::format("it {} '{}', which is not in the object", calls ? "calls" : "uses", name),
                          "a filter calls secmap_test_bit() and secmap_lookup(), and reads nothing of the kernel");
        if (calls || (symbol.section < file_.sections().size() && (section(symbol.section).flags & SHF_EXECINSTR) != 0))
            return bad_at(index, "it calls the function '" + name + "'",
                          "a filter is one function: mark the other 'static inline __attribute__((always_inline))'");
        if (symbol.section < file_.sections().size() && insn.code == load_imm64)
            return bad_at(index, fmt::format("it uses the variable '{}' of {}", name, section(symbol.section).name),
                          "a filter has no memory but its stack and its tables: make it a table, or a macro");
        return bad_at(index, "its relocation by '" + name + "' is of no use to a filter", "");
    }

    const elf_file& file_;
    ebpf_image image_;
    detail::btf_handle types_;
    std::uint32_t program_ = SHN_UNDEF;
    std::uint32_t tables_ = SHN_UNDEF;
    std::map<std::uint64_t, std::int32_t> table_at_;  ///< by its offset in the section
};

error cannot_read(const std::string& file, int number) {
    return {number, "read object", file + ": " + std::strerror(number), ""};
}

}  // namespace

const source_line* ebpf_image::line_of(std::size_t instruction) const noexcept {
    const auto behind = std::ranges::upper_bound(lines, instruction, {}, &source_line::instruction);
    return behind == lines.begin() ? nullptr : &*(behind - 1);
}

result<ebpf_image> parse_ebpf_object(std::span<const std::byte> content, const std::string& source) {
    const auto file = elf_file::parse(content, source);
    if (!file) return file.error();
    return object_reader(*file, source).read();
}

result<ebpf_image> read_ebpf_object(const std::filesystem::path& file) {
    const bool input = file == "-";
    const std::string source = input ? "standard input" : file.string();
    const descriptor opened(input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                  : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (opened.number() < 0) return cannot_read(source, errno);
    std::vector<std::byte> content;
    for (std::size_t done = 0;;) {
        content.resize(done + read_at_once);
        const ssize_t count = ::read(opened.number(), content.data() + done, read_at_once);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot_read(source, errno);
        done += static_cast<std::size_t>(count);
        content.resize(done);
        if (count == 0) break;
        if (done > object_bytes_max)
            return error{E2BIG, "read object", fmt::format("{}: it is larger than {} bytes", source, object_bytes_max),
                         ""};
    }
    return parse_ebpf_object(content, source);
}

result<void> set_map(ebpf_image& of, const std::string& name, const std::filesystem::path& pin) {
    const auto found = std::ranges::find(of.tables, name, &program_table::name);
    if (found == of.tables.end())
        return error{EINVAL, "use map " + pin.string(), of.source + ": it has no table '" + name + "'",
                     "'secmapctl prog dump' shows the tables"};
    if (found->kind == table_kind::bitmap)
        return error{EINVAL, "use map " + pin.string(),
                     of.source + ": table '" + name + "' is a bitmap, and a BPF map stands for a hash", ""};
    *found = {name, table_kind::bpf_map, {}, pin};
    return {};
}

}  // namespace secmap
