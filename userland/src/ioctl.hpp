// SPDX-License-Identifier: LGPL-2.1-or-later
// One ioctl of the device, and the words for what it can fail with. Not installed.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <secmap/result.hpp>

namespace secmap::detail {

/// The number that the device takes for a record, or a pointer, on every ABI.
template <typename T>
[[nodiscard]] std::uint64_t address(T* pointer) noexcept {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

/// A record of the ABI: all zero, with its size.
template <typename Record>
[[nodiscard]] Record make_record() noexcept {
    Record record = {};
    record.size = sizeof(record);
    return record;
}

/// Makes the call; what it returned, or -errno. EINTR starts it again; EAGAIN tries again a bounded number of times.
[[nodiscard]] int call(int device, unsigned long request, void* record) noexcept;

/// The one meaning that secmap.h gives to an errno, as an error of @p operation.
[[nodiscard]] error explain(int number, std::string operation);

/// The same, with the module's own sentence in @p log, where it wrote one.
[[nodiscard]] error refused(int number, const std::string& operation, const std::vector<char>& log);

/// Bytes that the sentence needs at most.
inline constexpr std::size_t log_size = 4096;

/// Calls, and explains a failure.
[[nodiscard]] result<int> call(int device, unsigned long request, void* record, std::string operation);

}  // namespace secmap::detail
