// SPDX-License-Identifier: LGPL-2.1-or-later
// What there is, over netlink: the SECMAP_CMD_*_GET of secmap/secmap_netlink.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <secmap/policy.hpp>
#include <secmap/result.hpp>

namespace secmap {

class netlink_socket;

/// The attributes SECMAP_A_TABLE_*.
struct dumped_table {
    std::uint32_t id = 0;
    std::string name;
    std::uint32_t uid = 0;   ///< in the initial user namespace
    std::uint32_t type = 0;  ///< SECMAP_TABLE_*
    std::uint64_t bytes = 0;
    std::uint32_t max_entries = 0;  ///< bits, or keys, that there is room for
    std::uint32_t count = 0;        ///< bits that are set, or keys
    std::uint32_t policies = 0;     ///< that look into it
    bool sealed = false;
};

/// The attributes SECMAP_A_ENTRY_*: a policy in a stack.
struct dumped_entry {
    std::uint32_t policy = 0;  ///< its id
    std::uint32_t flags = 0;   ///< SECMAP_ATTACH_LOG, _STRICT, _COMPLAIN
    bool listener = false;
    bool recorder = false;
    bool waiting = false;  ///< it is not in force yet
};

/// The attributes SECMAP_A_TASK_*: a filtered thread.
struct dumped_task {
    pid_t pid = 0;  ///< the process, in our pid namespace
    pid_t tid = 0;
    std::string comm;                   ///< the thread's name: any bytes
    std::vector<dumped_entry> entries;  ///< oldest first
};

/// The attributes SECMAP_A_STATS_*.
struct dumped_count {
    std::uint32_t policy = 0;  ///< its id
    policy_count count;
    std::optional<std::uint32_t> cpu;  ///< of this processor alone
};

template <typename T>
struct dump {
    std::vector<T> found;
    bool changed = false;  ///< a policy or a table has come or gone meanwhile
};

/// Whether counters of all processors are one.
enum class counted_by : std::uint8_t { all_processors, each_processor };

/// Asks for what there is. What is there all the time is in a dump once; what comes or goes meanwhile, or not.
class dumps final {
public:
    /// ENOENT: there is no such family, for the module is not loaded.
    [[nodiscard]] static result<dumps> open();

    dumps(dumps&& other) noexcept;
    dumps& operator=(dumps&& other) noexcept;
    ~dumps();

    /// These need CAP_SYS_ADMIN in the initial user namespace; user ids are those of it.
    [[nodiscard]] result<dump<policy_info>> policies();
    [[nodiscard]] result<dump<dumped_table>> tables();
    /// Counters above 0, of all policies or of one. ENOENT: there is none with this id.
    [[nodiscard]] result<dump<dumped_count>> counts(std::optional<std::uint32_t> policy = std::nullopt,
                                                    counted_by by = counted_by::all_processors);

    /// Of our pid namespace. Needs CAP_SYS_ADMIN in the user namespace that owns it.
    [[nodiscard]] result<dump<dumped_task>> tasks();

private:
    explicit dumps(std::unique_ptr<netlink_socket> socket) noexcept;

    std::unique_ptr<netlink_socket> socket_;
};

}  // namespace secmap
