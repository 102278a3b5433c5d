// SPDX-License-Identifier: LGPL-2.1-or-later
// A table in the kernel: a bitmap, or a hash map u64 -> u64.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// Lives as long as it or a policy that names it does.
class table final {
public:
    [[nodiscard]] static result<table> create(const device& on, const table_image& image, const std::string& name = {});

    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    table(descriptor file, std::uint32_t id) noexcept : file_(std::move(file)), id_(id) {}
    descriptor file_;
    std::uint32_t id_;
};

}  // namespace secmap
