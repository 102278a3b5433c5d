// SPDX-License-Identifier: LGPL-2.1-or-later
// What records the calls that tasks make.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <secmap/secmap.h>
#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// A call whose arguments are to be recorded.
struct recorder_set {
    secmap::abi abi = secmap::abi::x86_64;
    std::uint32_t nr = 0;
    std::uint32_t args = 0;  ///< a bit (1 << 0 ... 5) for each argument
};

/// The arguments that such a call was made with.
struct recorded_set {
    recorder_set what;
    std::vector<std::array<std::uint64_t, 6>> values;  ///< sorted, each once; arguments that were not recorded are 0
    bool overflow = false;                             ///< there were more, which are not known
};

/// What has been recorded.
struct recording {
    std::array<std::vector<std::uint32_t>, SECMAP_ABI_COUNT> calls;  ///< by ABI: numbers, ascending
    std::vector<recorded_set> sets;                                  ///< in the order in which they were asked for
    bool other = false;  ///< a number that no policy can name was called, or another ABI

    [[nodiscard]] std::size_t count() const noexcept;
};

/// Lasts as long as it, or a task that carries it.
class recorder final {
public:
    /// E2BIG: more sets than a recorder can have. ENOTTY: the module does not record.
    [[nodiscard]] static result<recorder> create(const device& on, std::vector<recorder_set> sets);

    /// How many sets a recorder can have.
    static constexpr std::size_t sets_max = 256;

    /// The policy that is carried with it where it records all calls: for detaching.
    [[nodiscard]] std::uint32_t policy_id() const noexcept { return policy_id_; }

    /// All that is there. What calls did that had begun before, is.
    [[nodiscard]] result<recording> read(const device& on) const;

    /// The calls alone, without waiting for anything: how far it is.
    [[nodiscard]] result<recording> glance(const device& on) const;

    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    recorder(descriptor file, std::uint32_t policy_id, std::uint32_t values_max, std::vector<recorder_set> sets)
        : file_(std::move(file)), policy_id_(policy_id), values_max_(values_max), sets_(std::move(sets)) {}
    [[nodiscard]] result<recorded_set> read_set(const device& on, std::uint32_t index) const;

    descriptor file_;
    std::uint32_t policy_id_;
    std::uint32_t values_max_;
    std::vector<recorder_set> sets_;
};

}  // namespace secmap
