// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elf_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <gelf.h>

namespace secmap::detail {

namespace {

constexpr const char* how_to_compile = "compile it with 'clang -O2 -g -target bpf -mcpu=v3 -c'";

// libelf takes sections apart that claim to be huge before it looks whether they are there.
constexpr std::size_t sections_max = 4096;

std::string text_or_empty(const char* text) { return text ? text : ""; }

}  // namespace

error elf_file::bad(const std::string& what) const {
    return {EINVAL, "read object", source_ + ": " + what, how_to_compile};
}

result<elf_file> elf_file::parse(std::span<const std::byte> content, const std::string& source) {
    const auto* first = reinterpret_cast<const char*>(content.data());
    elf_file file(std::vector<char>(first, first + content.size()), source);
    if (auto opened = file.open(); !opened) return std::move(opened).error();
    if (auto read = file.read_sections(); !read) return std::move(read).error();
    return file;
}

result<void> elf_file::open() {
    if (elf_version(EV_CURRENT) == EV_NONE) return bad("libelf is too old");
    elf_.reset(elf_memory(content_.data(), content_.size()));
    if (!elf_ || elf_kind(elf_.get()) != ELF_K_ELF) return bad("it is not an ELF file");
    GElf_Ehdr header = {};
    if (!gelf_getehdr(elf_.get(), &header)) return bad("its header cannot be read");
    if (header.e_machine != EM_BPF) return bad("it is not for BPF");
    if (gelf_getclass(elf_.get()) != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
        return bad("it is not for a little-endian machine of 64 bits");
    if (header.e_type != ET_REL) return bad("it is not an object file");
    return {};
}

result<void> elf_file::read_sections() {
    std::size_t count = 0;
    std::size_t names = 0;
    if (elf_getshdrnum(elf_.get(), &count) != 0 || elf_getshdrstrndx(elf_.get(), &names) != 0)
        return bad("it has no table of sections");
    if (count > sections_max) return bad(fmt::format("it has {} sections, more than {}", count, sections_max));
    std::uint32_t symbols = 0;
    for (std::size_t index = 0; index < count; ++index) {
        Elf_Scn* scn = elf_getscn(elf_.get(), index);
        GElf_Shdr header = {};
        if (!scn || !gelf_getshdr(scn, &header)) return bad(fmt::format("section {} cannot be read", index));
        elf_section made;
        made.name = text_or_empty(elf_strptr(elf_.get(), names, header.sh_name));
        made.type = header.sh_type;
        made.flags = header.sh_flags;
        made.size = header.sh_size;
        made.applies_to = header.sh_info;
        if (header.sh_type != SHT_NULL && header.sh_type != SHT_NOBITS) {
            if (header.sh_size > content_.size() || header.sh_offset > content_.size() - header.sh_size)
                return bad(fmt::format("section {} '{}' does not end inside the file", index, made.name));
            made.bytes = std::as_bytes(std::span(content_)).subspan(header.sh_offset, header.sh_size);
        }
        if (header.sh_type == SHT_SYMTAB && std::exchange(symbols, static_cast<std::uint32_t>(index)) != 0)
            return bad("it has more than one table of symbols");
        sections_.push_back(std::move(made));
    }
    return symbols == 0 ? bad("it has no table of symbols") : read_symbols(symbols);
}

result<void> elf_file::read_symbols(std::uint32_t section) {
    Elf_Scn* scn = elf_getscn(elf_.get(), section);
    GElf_Shdr header = {};
    Elf_Data* data = scn ? elf_getdata(scn, nullptr) : nullptr;
    if (!data || !gelf_getshdr(scn, &header)) return bad("its table of symbols cannot be read");
    const auto count = static_cast<int>(data->d_size / sizeof(Elf64_Sym));
    symbols_.reserve(static_cast<std::size_t>(count));
    for (int index = 0; index < count; ++index) {
        GElf_Sym symbol = {};
        if (!gelf_getsym(data, index, &symbol)) return bad(fmt::format("symbol {} cannot be read", index));
        symbols_.push_back({text_or_empty(elf_strptr(elf_.get(), header.sh_link, symbol.st_name)),
                            static_cast<std::uint8_t>(GELF_ST_TYPE(symbol.st_info)), symbol.st_shndx, symbol.st_value,
                            symbol.st_size});
    }
    return {};
}

std::vector<std::uint32_t> elf_file::named(std::string_view name) const {
    std::vector<std::uint32_t> found;
    for (std::size_t index = 0; index < sections_.size(); ++index)
        if (sections_[index].name == name) found.push_back(static_cast<std::uint32_t>(index));
    return found;
}

result<std::vector<elf_relocation>> elf_file::relocations(std::uint32_t section) const {
    std::vector<elf_relocation> found;
    for (std::size_t index = 0; index < sections_.size(); ++index) {
        const elf_section& each = sections_[index];
        if (each.applies_to != section || (each.type != SHT_REL && each.type != SHT_RELA)) continue;
        if (each.type == SHT_RELA) return bad("its relocations are not of the form that BPF has");
        Elf_Scn* scn = elf_getscn(elf_.get(), index);
        Elf_Data* data = scn ? elf_getdata(scn, nullptr) : nullptr;
        if (!data) return bad("its relocations cannot be read");
        const auto count = static_cast<int>(data->d_size / sizeof(Elf64_Rel));
        for (int entry = 0; entry < count; ++entry) {
            GElf_Rel relocation = {};
            if (!gelf_getrel(data, entry, &relocation)) return bad(fmt::format("relocation {} cannot be read", entry));
            const std::uint64_t symbol = GELF_R_SYM(relocation.r_info);
            if (symbol >= symbols_.size()) return bad(fmt::format("relocation {} is of no symbol", entry));
            found.push_back({relocation.r_offset, static_cast<std::uint32_t>(GELF_R_TYPE(relocation.r_info)),
                             static_cast<std::uint32_t>(symbol)});
        }
    }
    return found;
}

}  // namespace secmap::detail
