// SPDX-License-Identifier: LGPL-2.1-or-later
// A file descriptor that is closed by its owner.
#pragma once

namespace secmap {

/// Owns one open descriptor. A moved-from one may only be assigned to or destroyed.
class descriptor final {
public:
    /// Takes over @p number, which is open.
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept;
    descriptor& operator=(descriptor&& other) noexcept;
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor();

    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

}  // namespace secmap
