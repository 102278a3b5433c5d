// SPDX-License-Identifier: LGPL-2.1-or-later
// A table in the kernel: a bitmap, or a hash map u64 -> u64.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <secmap/descriptor.hpp>
#include <secmap/device.hpp>
#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

namespace secmap {

/// The members of struct secmap_table_info.
struct table_info {
    std::uint32_t id = 0;
    std::string name;
    bool bitmap = false;
    std::uint32_t max_entries = 0;
    std::uint32_t entries = 0;   ///< bits that are set, or keys that are there
    std::uint32_t policies = 0;  ///< that look into it
    bool sealed = false;         ///< nothing changes in it any more
    std::uint32_t uid = 0;
    std::uint64_t bytes = 0;
};

/// What is in a table, by key.
struct table_contents {
    std::vector<std::uint64_t> keys;    ///< ascending
    std::vector<std::uint64_t> values;  ///< of each
};

/// What becomes of the keys that a change does not name.
enum class other_keys : std::uint8_t { stay, go };

/// One step: all of it, or nothing.
struct table_change {
    other_keys others = other_keys::stay;
    std::vector<std::uint64_t> remove;  ///< each is there
    std::vector<std::uint64_t> keys;    ///< to be there, whether they are there or not
    std::vector<std::uint64_t> values;  ///< of @p keys; empty: all 0
};

/// What a change has come to.
struct table_update {
    std::uint32_t entries = 0;
    std::uint32_t policies = 0;
    std::uint32_t tasks = 0;   ///< for which something else holds, without those that were just being created
    std::uint32_t stacks = 0;  ///< that were built for it
};

/// Lives as long as it or a policy that names it does.
class table final {
public:
    [[nodiscard]] static result<table> create(const device& on, const table_image& image, const std::string& name = {});

    /// Needs CAP_SYS_ADMIN in the initial user namespace.
    [[nodiscard]] static result<table> open(const device& on, std::uint32_t id);

    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] result<table_info> info(const device& on) const;

    /// All of it, as it is at one moment.
    [[nodiscard]] result<table_contents> read(const device& on) const;

    /// Changes it for all tasks at once: a call is decided by what was in it, or by what is. A refusal carries the
    /// module's own reason. EPERM: it is sealed, or a policy that looks into it; the caller is filtered itself; or has
    /// no CAP_SYS_ADMIN in the initial user namespace, and a policy looks into it, or somebody else made it.
    [[nodiscard]] result<table_update> update(const device& on, const table_change& change) const;

    /// From now on, and for good, nothing changes in it. EPERM: as of policy::seal().
    [[nodiscard]] result<void> seal(const device& on) const;

    [[nodiscard]] int number() const noexcept { return file_.number(); }

private:
    table(descriptor file, std::uint32_t id) noexcept : file_(std::move(file)), id_(id) {}
    descriptor file_;
    std::uint32_t id_;
};

/// The ids of all tables, ascending. Needs CAP_SYS_ADMIN in the initial user namespace.
[[nodiscard]] result<std::vector<std::uint32_t>> table_ids(const device& on);

}  // namespace secmap
