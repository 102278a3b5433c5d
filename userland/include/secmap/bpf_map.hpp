// SPDX-License-Identifier: LGPL-2.1-or-later
// A map of bpf(2) that a program looks into.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include <secmap/descriptor.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// A map of a shape that policies of kind EBPF take: see the top of secmap/secmap.h.
class bpf_map final {
public:
    /// Opens, for reading, the map that is pinned there. Errors say where its shape is another one.
    [[nodiscard]] static result<bpf_map> open(const std::filesystem::path& pin);

    /// As a program looks it up. Nothing: the key is not there, or the map cannot be read.
    [[nodiscard]] std::optional<std::uint64_t> lookup(std::uint64_t key) const noexcept;

    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    struct shape {
        std::uint32_t type = 0;
        std::uint32_t key_size = 0;
        std::uint32_t value_size = 0;
    };
    bpf_map(descriptor file, shape of) noexcept : file_(std::move(file)), shape_(of) {}
    descriptor file_;
    shape shape_;
};

}  // namespace secmap
