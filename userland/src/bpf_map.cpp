// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/bpf_map.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace secmap {

namespace {

constexpr std::uint32_t prefix_size = sizeof(bpf_lpm_trie_key::prefixlen);
constexpr std::uint32_t bits_of_byte = 8;

bool is_number(std::uint32_t size) noexcept { return size == sizeof(std::uint32_t) || size == sizeof(std::uint64_t); }

bool is_taken(std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size) noexcept {
    if (!is_number(value_size)) return false;
    switch (type) {
        case BPF_MAP_TYPE_HASH: return is_number(key_size);
        case BPF_MAP_TYPE_ARRAY: return key_size == sizeof(std::uint32_t);
        case BPF_MAP_TYPE_LPM_TRIE: return key_size > prefix_size && is_number(key_size - prefix_size);
        default: return false;
    }
}

}  // namespace

result<bpf_map> bpf_map::open(const std::filesystem::path& pin) {
    const std::string operation = "open map " + pin.string();
    struct bpf_obj_get_opts options = {};  // a function has this name, too
    options.sz = sizeof(options);
    options.file_flags = BPF_F_RDONLY;
    const int number = bpf_obj_get_opts(pin.c_str(), &options);
    if (number < 0)
        return error{-number, operation, std::strerror(-number), "'bpftool map pin' pins a map under /sys/fs/bpf"};
    descriptor file(number);
    bpf_map_info info = {};
    __u32 size = sizeof(info);
    if (const int failed = bpf_obj_get_info_by_fd(file.number(), &info, &size); failed < 0)
        return error{-failed, operation, std::strerror(-failed), ""};
    if (!is_taken(info.type, info.key_size, info.value_size))
        return error{EBADFD, operation,
                     fmt::format("it is of type {}, with keys of {} bytes and values of {}", info.type, info.key_size,
                                 info.value_size),
                     "HASH, ARRAY and LPM_TRIE are taken, with keys and values of 4 or 8 bytes"};
    return bpf_map(std::move(file), {info.type, info.key_size, info.value_size});
}

std::optional<std::uint64_t> bpf_map::lookup(std::uint64_t key) const noexcept {
    std::array<std::byte, sizeof(std::uint32_t) + sizeof(key)> bytes = {};
    std::uint32_t data_size = shape_.key_size;
    std::size_t at = 0;
    if (shape_.type == BPF_MAP_TYPE_LPM_TRIE) {
        data_size -= prefix_size;
        const std::uint32_t prefix = data_size * bits_of_byte;
        std::memcpy(bytes.data(), &prefix, sizeof(prefix));
        at = prefix_size;
    } else if (data_size == sizeof(std::uint32_t) && key > UINT32_MAX) {
        return std::nullopt;
    }
    std::memcpy(bytes.data() + at, &key, data_size);
    std::uint64_t value = 0;
    if (bpf_map_lookup_elem(file_.number(), bytes.data(), &value) != 0) return std::nullopt;
    return value;
}

}  // namespace secmap
