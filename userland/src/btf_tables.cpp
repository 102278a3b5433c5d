// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables out of BTF: a variable of .maps is a struct, whose members say what the table is (secmap/bpf.h).
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <secmap/secmap.h>

#include "../kernel/kernel.h"
#include "btf_reader.hpp"

extern "C" {
#include "ebpf.h"
#include "limits.h"
}

namespace secmap::detail {

namespace {

constexpr std::uint32_t number_size = sizeof(std::uint64_t);
constexpr std::uint32_t entry_size = 2 * number_size;
constexpr std::uint32_t bits_of_byte = 8;
constexpr int resolve_most = 32;

/// libbpf writes to standard error what it thinks of broken BTF; a library does not.
class silence final {
public:
    silence() noexcept : before_(libbpf_set_print(nullptr)) {}
    silence(const silence&) = delete;
    silence& operator=(const silence&) = delete;
    ~silence() { libbpf_set_print(before_); }

private:
    libbpf_print_fn_t before_;
};

std::string text_or_empty(const char* text) { return text ? text : ""; }

/// Behind typedefs, const and volatile; nullptr where that leads nowhere.
const btf_type* plain(const btf& types, std::uint32_t id) {
    for (int step = 0; step < resolve_most; ++step) {
        const btf_type* type = btf__type_by_id(&types, id);
        if (!type || !(btf_is_mod(type) || btf_is_typedef(type))) return type;
        id = type->type;
    }
    return nullptr;
}

bool is_number(const btf& types, std::uint32_t id, std::uint32_t size) {
    const btf_type* type = plain(types, id);
    return type && btf_is_int(type) && type->size == size;
}

/// struct secmap_entry
bool is_entry(const btf& types, std::uint32_t id) {
    const btf_type* type = plain(types, id);
    if (!type || !btf_is_struct(type) || type->size != entry_size || btf_vlen(type) != 2) return false;
    const btf_member* members = btf_members(type);
    return is_number(types, members[0].type, number_size) && btf_member_bit_offset(type, 0) == 0 &&
           is_number(types, members[1].type, number_size) &&
           btf_member_bit_offset(type, 1) == number_size * bits_of_byte;
}

/// int (*name)[NUMBER]
std::optional<std::uint32_t> number_of(const btf& types, std::uint32_t id) {
    const btf_type* pointer = plain(types, id);
    if (!pointer || !btf_is_ptr(pointer)) return std::nullopt;
    const btf_type* array = plain(types, pointer->type);
    if (!array || !btf_is_array(array)) return std::nullopt;
    return btf_array(array)->nelems;
}

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t offset) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof(number));
    return number;
}

/// Reads one declaration.
class table_reader final {
public:
    table_reader(const btf& types, const std::string& name, std::span<const std::byte> initial,
                 const std::string& source)
        : types_(types), initial_(initial), source_(source) {
        made_.name = name;
    }

    result<program_table> read() {
        const btf_type* declared = find();
        if (!declared) return bad("its BTF does not say what it is", "compile it with -g");
        if (declared->size > initial_.size()) return bad("it is larger than its section", "");
        const btf_member* members = btf_members(declared);
        for (int index = 0; index < btf_vlen(declared); ++index) {
            const std::uint32_t bit = btf_member_bit_offset(declared, static_cast<__u32>(index));
            const std::string name = text_or_empty(btf__name_by_offset(&types_, members[index].name_off));
            if (bit % bits_of_byte != 0 || bit / bits_of_byte > declared->size)
                return bad("its member '" + name + "' is in no place that it can have", "");
            auto read = read_member(name, members[index].type, bit / bits_of_byte);
            if (!read) return std::move(read).error();
        }
        return finish();
    }

private:
    [[nodiscard]] error bad(const std::string& what, const std::string& hint) const {
        return {EINVAL, "read object", fmt::format("{}: table '{}': {}", source_, made_.name, what), hint};
    }

    [[nodiscard]] const btf_type* find() const {
        const std::uint32_t count = btf__type_cnt(&types_);
        for (std::uint32_t id = 1; id < count; ++id) {
            const btf_type* variable = btf__type_by_id(&types_, id);
            if (!variable || !btf_is_var(variable)) continue;
            if (text_or_empty(btf__name_by_offset(&types_, variable->name_off)) != made_.name) continue;
            const btf_type* type = plain(types_, variable->type);
            return type && btf_is_struct(type) ? type : nullptr;
        }
        return nullptr;
    }

    /// An array of @p element_size bytes each: all of them in the initial bytes.
    [[nodiscard]] std::optional<std::span<const std::byte>> array_at(const struct btf_array& of,
                                                                     std::size_t element_size,
                                                                     std::size_t offset) const {
        const std::size_t size = of.nelems * element_size;
        if (offset > initial_.size() || size > initial_.size() - offset) return std::nullopt;
        return initial_.subspan(offset, size);
    }

    result<void> read_number(const std::string& name, std::uint32_t type) {
        const auto number = number_of(types_, type);
        if (!number) return bad("its member '" + name + "' is not of SECMAP_UINT()", "");
        if (name == "max_entries") {
            size_ = *number;
            return {};
        }
        switch (*number) {
            case SECMAP_TABLE_BITMAP: made_.kind = table_kind::bitmap; break;
            case SECMAP_TABLE_HASH: made_.kind = table_kind::hash; break;
            case SECMAP_TABLE_BPF: made_.kind = table_kind::bpf_map; break;
            default: return bad(fmt::format("there is no type {} of tables", *number), "see secmap/bpf.h");
        }
        has_type_ = true;
        return {};
    }

    result<void> read_member(const std::string& name, std::uint32_t id, std::size_t offset) {
        if (name == "type" || name == "max_entries") return read_number(name, id);
        const btf_type* type = plain(types_, id);
        const struct btf_array* array = type && btf_is_array(type) ? btf_array(type) : nullptr;
        const error unknown = bad("its member '" + name + "' is not one that a table has", "see secmap/bpf.h");
        if (!array || !contents_.empty()) return unknown;
        std::size_t size = 0;
        const bool numbers = name == "bits" || name == "keys";
        if (numbers && is_number(types_, array->type, number_size)) size = number_size;
        if (name == "entries" && is_entry(types_, array->type)) size = entry_size;
        if (name == "pin" && is_number(types_, array->type, 1)) size = 1;
        if (size == 0) return unknown;
        const auto bytes = array_at(*array, size, offset);
        if (!bytes) return bad("its contents do not end inside its section", "");
        contents_ = name;
        for (std::size_t at = 0; size != 1 && at < bytes->size(); at += size) {
            made_.contents.keys.push_back(number_at(*bytes, at));
            if (name == "entries") made_.contents.values.push_back(number_at(*bytes, at + number_size));
            if (name == "keys") made_.contents.values.push_back(1);
        }
        if (size == 1) {
            const auto* first = reinterpret_cast<const char*>(bytes->data());
            made_.pin = std::string(first, strnlen(first, bytes->size()));
        }
        return {};
    }

    result<program_table> finish() {
        if (!has_type_) return bad("it has no type", "declare it as secmap/bpf.h does");
        const bool bitmap = made_.kind == table_kind::bitmap;
        const bool hash = made_.kind == table_kind::hash;
        const bool fits = contents_.empty() || (bitmap && contents_ == "bits") ||
                          (hash && (contents_ == "keys" || contents_ == "entries")) ||
                          (!bitmap && !hash && contents_ == "pin");
        if (!fits) return bad("its member '" + contents_ + "' is that of another type of table", "see secmap/bpf.h");
        if (made_.kind == table_kind::bpf_map) {
            if (size_) return bad("the size of a BPF map is not its declaration's", "see secmap/bpf.h");
            return std::move(made_);
        }
        if (auto sized = set_size(bitmap); !sized) return std::move(sized).error();
        return std::move(made_);
    }

    result<void> set_size(bool bitmap) {
        std::vector<std::uint64_t>& keys = made_.contents.keys;
        std::uint64_t most = SECMAP_LIMIT_HASH_ENTRIES;
        if (bitmap) most = SECMAP_LIMIT_BITMAP_BITS;
        const std::uint64_t highest = keys.empty() ? 0 : *std::max_element(keys.begin(), keys.end());
        if (bitmap && highest >= most)
            return bad(fmt::format("bit {:#x} is not below {}", highest, most), "use a hash");
        const std::uint64_t needed = bitmap && !keys.empty() ? highest + 1 : keys.size();
        const std::uint64_t size =
            size_.value_or(static_cast<std::uint32_t>(std::min<std::uint64_t>(needed, most + 1)));
        if (size == 0) return bad("it is empty", "give it a size: see SECMAP_HASH_SIZED() in secmap/bpf.h");
        if (size > most)
            return bad(fmt::format("it has {} {}, more than {}", size, bitmap ? "bits" : "keys", most), "");
        if (size < needed) return bad(fmt::format("it has room for {}, and its contents need {}", size, needed), "");
        made_.contents.bitmap = bitmap;
        made_.contents.max_entries = static_cast<std::uint32_t>(size);
        return {};
    }

    const btf& types_;
    std::span<const std::byte> initial_;
    const std::string& source_;
    program_table made_;
    std::optional<std::uint32_t> size_;
    std::string contents_;  ///< the member that has them
    bool has_type_ = false;
};

}  // namespace

btf_handle read_btf(std::span<const std::byte> bytes) {
    const silence quiet;
    btf* types = btf__new(bytes.data(), static_cast<__u32>(bytes.size()));
    return btf_handle(types);
}

result<program_table> read_table(const btf& types, const std::string& name, std::span<const std::byte> initial,
                                 const std::string& source) {
    return table_reader(types, name, initial, source).read();
}

}  // namespace secmap::detail
