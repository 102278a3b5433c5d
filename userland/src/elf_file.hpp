// SPDX-License-Identifier: LGPL-2.1-or-later
// A relocatable object for BPF, as libelf reads it: every offset and index in it is somebody else's claim. Not installed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <libelf.h>

#include <secmap/result.hpp>

namespace secmap::detail {

/// A section. Its bytes are as many as the file really has.
struct elf_section {
    std::string name;
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    std::uint64_t size = 0;        ///< of a section without bytes in the file, too
    std::uint32_t applies_to = 0;  ///< sh_info
    std::span<const std::byte> bytes;
};

struct elf_symbol {
    std::string name;
    std::uint8_t type = 0;      ///< STT_*
    std::uint32_t section = 0;  ///< SHN_UNDEF: it is not defined here
    std::uint64_t value = 0;
    std::uint64_t size = 0;
};

struct elf_relocation {
    std::uint64_t offset = 0;
    std::uint32_t type = 0;    ///< R_BPF_*
    std::uint32_t symbol = 0;  ///< an index that elf_file::symbols() has
};

/// The whole file in memory. Moves: what the spans point to stays where it is.
class elf_file final {
public:
    /// Takes a copy. Errors name @p source.
    [[nodiscard]] static result<elf_file> parse(std::span<const std::byte> content, const std::string& source);

    elf_file(elf_file&&) noexcept = default;

    /// By index; [0] is the nameless one.
    [[nodiscard]] const std::vector<elf_section>& sections() const noexcept { return sections_; }
    [[nodiscard]] const std::vector<elf_symbol>& symbols() const noexcept { return symbols_; }

    /// The indices of all sections of that name.
    [[nodiscard]] std::vector<std::uint32_t> named(std::string_view name) const;

    /// What is to be changed in a section, in the order of the file.
    [[nodiscard]] result<std::vector<elf_relocation>> relocations(std::uint32_t section) const;

private:
    struct elf_end_call {
        void operator()(Elf* elf) const noexcept { elf_end(elf); }
    };
    using handle = std::unique_ptr<Elf, elf_end_call>;

    elf_file(std::vector<char> content, std::string source) noexcept
        : content_(std::move(content)), source_(std::move(source)) {}
    [[nodiscard]] error bad(const std::string& what) const;
    [[nodiscard]] result<void> open();
    [[nodiscard]] result<void> read_sections();
    [[nodiscard]] result<void> read_symbols(std::uint32_t section);

    std::vector<char> content_;
    std::string source_;
    handle elf_;  ///< reads content_
    std::vector<elf_section> sections_;
    std::vector<elf_symbol> symbols_;
};

}  // namespace secmap::detail
