// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/dumps.hpp>

#include <cerrno>
#include <utility>

#include <linux/netlink.h>

#include <secmap/secmap_netlink.h>

#include "netlink_attributes.hpp"
#include "netlink_socket.hpp"

namespace secmap {

namespace {

constexpr const char* operation = "ask the module what there is";
constexpr std::size_t name_max = SECMAP_NAME_LEN - 1;
constexpr std::size_t comm_max = 15;

// What a message says, or why it is none.
template <typename T>
result<T> whole(T found, const netlink_attributes& from) {
    if (!from.fault().empty()) return malformed(from.fault(), operation);
    return found;
}

void read_section(bytes content, policy_info& into, netlink_attributes& outer) {
    netlink_attributes from(content, SECMAP_A_ABI_MAX);
    const auto abi = from.number<std::uint32_t>(SECMAP_A_ABI_ID);
    if (abi >= SECMAP_ABI_COUNT) {
        outer.blame("there is no ABI " + std::to_string(abi));
        return;
    }
    section_info& section = into.sections.at(abi);
    section.allowed = from.number<std::uint32_t>(SECMAP_A_ABI_ALLOW_COUNT);
    if (into.kind == SECMAP_POLICY_MAPS) {
        into.abis |= 1U << abi;
        section.rules = from.number<std::uint32_t>(SECMAP_A_ABI_RULE_COUNT);
        section.conditions = from.number<std::uint32_t>(SECMAP_A_ABI_COND_COUNT);
        section.default_action = from.number<std::uint32_t>(SECMAP_A_ABI_DEFAULT_ACTION);
    }
    if (!from.fault().empty()) outer.blame("of an ABI: " + from.fault());
}

result<policy_info> read_policy(bytes content) {
    netlink_attributes from(content, SECMAP_A_POLICY_MAX, SECMAP_A_POLICY_PAD, SECMAP_A_POLICY_ABI);
    policy_info found;
    found.id = from.number<std::uint32_t>(SECMAP_A_POLICY_ID);
    found.name = from.text(SECMAP_A_POLICY_NAME, name_max);
    found.uid = from.number<std::uint32_t>(SECMAP_A_POLICY_UID);
    found.kind = from.number<std::uint32_t>(SECMAP_A_POLICY_KIND);
    found.sealed = from.has(SECMAP_A_POLICY_SEALED);
    found.counted = from.has(SECMAP_A_POLICY_COUNTED);
    found.stacks = from.number<std::uint32_t>(SECMAP_A_POLICY_STACKS);
    found.bytes = from.number<std::uint64_t>(SECMAP_A_POLICY_BYTES);
    found.cost = from.number<std::uint32_t>(SECMAP_A_POLICY_COST);
    found.actions = from.number<std::uint32_t>(SECMAP_A_POLICY_ACTIONS);
    found.tables = from.number<std::uint32_t>(SECMAP_A_POLICY_TABLE_COUNT);
    if (found.kind == SECMAP_POLICY_MAPS) {
        found.foreign_action = from.number<std::uint32_t>(SECMAP_A_POLICY_FOREIGN_ACTION);
    } else {
        found.filter_length = from.number<std::uint32_t>(SECMAP_A_POLICY_FILTER_LEN);
        found.instructions = from.number<std::uint32_t>(SECMAP_A_POLICY_INSNS);
    }
    for (const bytes each : from.repeated()) read_section(each, found, from);
    return whole(std::move(found), from);
}

result<dumped_table> read_table(bytes content) {
    netlink_attributes from(content, SECMAP_A_TABLE_MAX, SECMAP_A_TABLE_PAD);
    dumped_table found;
    found.id = from.number<std::uint32_t>(SECMAP_A_TABLE_ID);
    found.name = from.text(SECMAP_A_TABLE_NAME, name_max);
    found.uid = from.number<std::uint32_t>(SECMAP_A_TABLE_UID);
    found.type = from.number<std::uint32_t>(SECMAP_A_TABLE_TYPE);
    found.bytes = from.number<std::uint64_t>(SECMAP_A_TABLE_BYTES);
    found.max_entries = from.number<std::uint32_t>(SECMAP_A_TABLE_MAX_ENTRIES);
    found.count = from.number<std::uint32_t>(SECMAP_A_TABLE_COUNT);
    found.policies = from.number<std::uint32_t>(SECMAP_A_TABLE_POLICIES);
    found.sealed = from.has(SECMAP_A_TABLE_SEALED);
    return whole(std::move(found), from);
}

dumped_entry read_entry(bytes content, netlink_attributes& outer) {
    netlink_attributes from(content, SECMAP_A_ENTRY_MAX);
    dumped_entry found;
    found.policy = from.number<std::uint32_t>(SECMAP_A_ENTRY_POLICY);
    found.flags = from.number<std::uint32_t>(SECMAP_A_ENTRY_FLAGS);
    found.listener = from.has(SECMAP_A_ENTRY_LISTENER);
    found.recorder = from.has(SECMAP_A_ENTRY_RECORDER);
    found.waiting = from.has(SECMAP_A_ENTRY_WAITING);
    if (!from.fault().empty()) outer.blame("of an entry: " + from.fault());
    return found;
}

result<dumped_task> read_task(bytes content) {
    netlink_attributes from(content, SECMAP_A_TASK_MAX, 0, SECMAP_A_TASK_ENTRY);
    dumped_task found;
    found.pid = from.id(SECMAP_A_TASK_PID);
    found.tid = from.id(SECMAP_A_TASK_TID);
    found.comm = from.text(SECMAP_A_TASK_COMM, comm_max);
    for (const bytes each : from.repeated()) found.entries.push_back(read_entry(each, from));
    return whole(std::move(found), from);
}

result<dumped_count> read_count(bytes content) {
    netlink_attributes from(content, SECMAP_A_STATS_MAX, SECMAP_A_STATS_PAD);
    dumped_count found;
    found.policy = from.number<std::uint32_t>(SECMAP_A_STATS_POLICY);
    const auto abi = from.number<std::uint32_t>(SECMAP_A_STATS_ABI);
    if (abi >= SECMAP_ABI_COUNT) from.blame("there is no ABI " + std::to_string(abi));
    found.count.abi = static_cast<secmap::abi>(abi);
    if (from.has(SECMAP_A_STATS_NR)) found.count.nr = from.number<std::uint32_t>(SECMAP_A_STATS_NR);
    found.count.rule = from.number<std::uint32_t>(SECMAP_A_STATS_RULE);
    found.count.action = from.number<std::uint32_t>(SECMAP_A_STATS_ACTION);
    found.count.calls = from.number<std::uint64_t>(SECMAP_A_STATS_COUNT);
    if (from.has(SECMAP_A_STATS_CPU)) found.cpu = from.number<std::uint32_t>(SECMAP_A_STATS_CPU);
    return whole(found, from);
}

error with_hint(error refused, int command) {
    if (refused.number == EPERM)
        refused.hint =
            command == SECMAP_CMD_TASK_GET
                ? "this needs CAP_SYS_ADMIN in the user namespace that owns the pid namespace: run it as root"
                : "this needs CAP_SYS_ADMIN in the initial user namespace: run it as root";
    return refused;
}

template <typename T>
result<dump<T>> ask(netlink_socket& socket, std::uint8_t command, const netlink_socket::asked& asked,
                    result<T> (*read)(bytes content)) {
    if (auto done = socket.send(command, NLM_F_DUMP, asked); !done) return std::move(done).error();
    dump<T> all;
    bool ended = false;
    const auto take = [&](const nlmsghdr* message) -> result<void> {
        all.changed = all.changed || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
            ended = true;
            const auto number = answered(message);
            if (!number) return malformed("an answer is cut short", operation);
            return *number == 0 ? result<void>() : with_hint(socket.refused(message), command);
        }
        const auto content =
            message_content({reinterpret_cast<const std::byte*>(message), message->nlmsg_len}, command, operation);
        if (!content) return content.error();
        auto found = read(*content);
        if (!found) return std::move(found).error();
        all.found.push_back(std::move(found).value());
        return {};
    };
    while (!ended)
        if (auto done = socket.read(take); !done) return std::move(done).error();
    return all;
}

}  // namespace

dumps::dumps(std::unique_ptr<netlink_socket> socket) noexcept : socket_(std::move(socket)) {}
dumps::dumps(dumps&&) noexcept = default;
dumps& dumps::operator=(dumps&&) noexcept = default;
dumps::~dumps() = default;

result<dumps> dumps::open() {
    auto socket = netlink_socket::open(operation);
    if (!socket) return std::move(socket).error();
    return dumps(std::make_unique<netlink_socket>(std::move(socket).value()));
}

result<dump<policy_info>> dumps::policies() { return ask(*socket_, SECMAP_CMD_POLICY_GET, {}, read_policy); }

result<dump<dumped_table>> dumps::tables() { return ask(*socket_, SECMAP_CMD_TABLE_GET, {}, read_table); }

result<dump<dumped_task>> dumps::tasks() { return ask(*socket_, SECMAP_CMD_TASK_GET, {}, read_task); }

result<dump<dumped_count>> dumps::counts(std::optional<std::uint32_t> policy, counted_by by) {
    netlink_socket::asked asked;
    if (policy) asked.emplace_back(SECMAP_A_STATS_POLICY, *policy);
    if (by == counted_by::each_processor) asked.emplace_back(SECMAP_A_STATS_PER_CPU, std::nullopt);
    return ask(*socket_, SECMAP_CMD_STATS_GET, asked, read_count);
}

}  // namespace secmap
