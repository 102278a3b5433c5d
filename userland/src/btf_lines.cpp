// SPDX-License-Identifier: LGPL-2.1-or-later
// .BTF.ext: a header, and for each kind of information the size of its records and, section by section, the records.
// libbpf reads it, but keeps it to itself.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <linux/bpf.h>

#include "btf_reader.hpp"

namespace secmap::detail {

namespace {

/// As the kernel's documentation of BTF has it.
struct extension_header {
    std::uint16_t magic;
    std::uint8_t version;
    std::uint8_t flags;
    std::uint32_t header_length;
    std::uint32_t function_offset;
    std::uint32_t function_length;
    std::uint32_t line_offset;
    std::uint32_t line_length;
};

/// Behind it, where header_length says so.
struct field_header {
    std::uint32_t offset;
    std::uint32_t length;
};

struct section_header {
    std::uint32_t name_offset;
    std::uint32_t count;
};

constexpr std::uint16_t extension_magic = 0xeb9f;
constexpr unsigned line_shift = 10;  ///< line_col: the column is below

/// Takes records off the front of some bytes.
class reader final {
public:
    explicit reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

    template <typename T>
    [[nodiscard]] std::optional<T> take() {
        const auto bytes = take(sizeof(T));
        if (!bytes) return std::nullopt;
        T value;
        std::memcpy(&value, bytes->data(), sizeof(value));
        return value;
    }

    [[nodiscard]] std::optional<std::span<const std::byte>> take(std::uint64_t size) {
        if (size > bytes_.size()) return std::nullopt;
        const auto front = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return front;
    }

private:
    std::span<const std::byte> bytes_;
};

std::optional<std::span<const std::byte>> part_of(std::span<const std::byte> bytes, std::uint64_t offset,
                                                  std::uint64_t length) {
    if (offset > bytes.size() || length > bytes.size() - offset) return std::nullopt;
    return bytes.subspan(offset, length);
}

/// Hands the records of one section of code to @p use; false if the part does not hold together.
template <typename Record, typename Use>
bool each_record(const btf& types, std::span<const std::byte> part, std::string_view section, Use use) {
    reader from(part);
    if (from.empty()) return true;
    const auto record_size = from.take<std::uint32_t>();
    if (!record_size || *record_size < sizeof(Record)) return false;
    while (!from.empty()) {
        const auto head = from.take<section_header>();
        if (!head) return false;
        const auto records = from.take(std::uint64_t{head->count} * *record_size);
        if (!records) return false;
        const char* name = btf__str_by_offset(&types, head->name_offset);
        if (!name || name != section) continue;
        for (std::size_t at = 0; at < records->size(); at += *record_size) {
            Record record;
            std::memcpy(&record, records->data() + at, sizeof(record));
            use(record);
        }
    }
    return true;
}

std::string trimmed(const char* text) {
    std::string_view line = text ? text : "";
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return "";
    line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    return std::string(line);
}

source_line to_line(const btf& types, const bpf_line_info& from) {
    const char* file = btf__str_by_offset(&types, from.file_name_off);
    return {from.insn_off / static_cast<std::uint32_t>(sizeof(bpf_insn)), file ? file : "", from.line_col >> line_shift,
            trimmed(btf__str_by_offset(&types, from.line_off))};
}

}  // namespace

result<line_facts> read_lines(const btf& types, std::span<const std::byte> extension, std::string_view section,
                              const std::string& source) {
    const error bad = {EINVAL, "read object", source + ": its .BTF.ext is damaged", ""};
    reader front(extension);
    const auto header = front.take<extension_header>();
    if (!header || header->magic != extension_magic || header->header_length < sizeof(*header)) return bad;
    const auto body = part_of(extension, header->header_length,
                              extension.size() - std::min<std::size_t>(extension.size(), header->header_length));
    if (!body) return bad;
    line_facts found;
    const auto lines = part_of(*body, header->line_offset, header->line_length);
    // Line 0 is what the compiler made of several.
    const auto keep_line = [&](const bpf_line_info& each) {
        if (each.line_col >> line_shift != 0) found.lines.push_back(to_line(types, each));
    };
    if (!lines || !each_record<bpf_line_info>(types, *lines, section, keep_line)) return bad;
    std::ranges::stable_sort(found.lines, {}, &source_line::instruction);
    if (header->header_length < sizeof(*header) + sizeof(field_header)) return found;
    const auto fields = front.take<field_header>();
    const auto relocations = fields ? part_of(*body, fields->offset, fields->length) : std::nullopt;
    const auto keep_field = [&](const bpf_core_relo& each) {
        found.field_accesses.push_back(each.insn_off / static_cast<std::uint32_t>(sizeof(bpf_insn)));
    };
    if (!relocations || !each_record<bpf_core_relo>(types, *relocations, section, keep_field)) return bad;
    return found;
}

}  // namespace secmap::detail
