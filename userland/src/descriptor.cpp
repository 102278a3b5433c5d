// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/descriptor.hpp>

#include <utility>

#include <unistd.h>

namespace secmap {

namespace {
constexpr int moved_from = -1;
}

descriptor::descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, moved_from)) {}

descriptor& descriptor::operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
}

descriptor::~descriptor() {
    if (number_ != moved_from) close(number_);
}

}  // namespace secmap
