// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/table.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "ioctl.hpp"
#include "records.hpp"

namespace secmap {

namespace {

std::string named(const char* verb, std::uint32_t id) { return std::string(verb) + " table " + std::to_string(id); }

error not_updated(error failure) {
    switch (failure.number) {
        case EPERM:
            failure.hint =
                "what is sealed stays as it is; where policies look into it this needs CAP_SYS_ADMIN in the initial "
                "user namespace, and a caller that is not filtered";
            break;
        case ENOENT: failure.hint = "'secmapctl table show' shows what is in it"; break;
        case EEXIST: failure.hint = "name each key once"; break;
        case ENOSPC: failure.hint = "remove keys in the same step, or make the policy of a larger table"; break;
        case EINVAL: failure.hint = "'secmapctl table show' shows what kind of table it is"; break;
        default: break;
    }
    return failure;
}

// By key. The module tells them in no order.
table_contents sorted(const std::vector<std::uint64_t>& keys, const std::vector<std::uint64_t>& values) {
    std::vector<std::size_t> order(keys.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&keys](std::size_t each) { return keys[each]; });
    table_contents found;
    for (const std::size_t each : order) {
        found.keys.push_back(keys[each]);
        found.values.push_back(values[each]);
    }
    return found;
}

}  // namespace

result<table> table::create(const device& on, const table_image& image, const std::string& name) {
    const std::string operation = name.empty() ? "create a table" : "create table '" + name + "'";
    auto record = detail::make_record<secmap_table_create>();
    if (auto fits = detail::set_name(record.name, name, operation); !fits) return std::move(fits).error();
    if (!image.values.empty() && image.values.size() != image.keys.size())
        return error{EINVAL, operation,
                     "it has " + std::to_string(image.keys.size()) + " keys and " +
                         std::to_string(image.values.size()) + " values",
                     ""};
    record.type = image.bitmap ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH;
    record.max_entries = image.max_entries;
    record.count = static_cast<std::uint32_t>(image.keys.size());
    record.keys = detail::address(image.keys.data());
    record.values = image.values.empty() ? 0 : detail::address(image.values.data());
    auto made = detail::call(on.number(), SECMAP_IOC_TABLE_CREATE, &record, operation);
    if (!made) return std::move(made).error();
    return table(descriptor(*made), record.out_id);
}

result<table> table::open(const device& on, std::uint32_t id) {
    auto record = detail::make_record<secmap_table_by_id>();
    record.id = id;
    auto made = detail::call(on.number(), SECMAP_IOC_TABLE_BY_ID, &record, named("open", id));
    if (!made) {
        error failure = std::move(made).error();
        if (failure.number == ENOENT) failure.hint = "'secmapctl table list' shows the ids";
        return failure;
    }
    return table(descriptor(*made), id);
}

result<table_info> table::info(const device& on) const {
    auto record = detail::make_record<secmap_table_info>();
    record.table_fd = number();
    auto done = detail::call(on.number(), SECMAP_IOC_TABLE_INFO, &record, named("ask about", id_));
    if (!done) return std::move(done).error();
    return table_info{record.out_id,
                      std::string(record.out_name, strnlen(record.out_name, sizeof(record.out_name))),
                      record.out_type == SECMAP_TABLE_BITMAP,
                      record.out_max_entries,
                      record.out_count,
                      record.out_policies,
                      record.out_sealed != 0,
                      record.out_uid,
                      record.out_bytes};
}

// There may be more from one time to the next.
result<table_contents> table::read(const device& on) const {
    const auto expected = info(on);
    if (!expected) return expected.error();
    std::vector<std::uint64_t> keys(expected->entries);
    for (;;) {
        std::vector<std::uint64_t> values(keys.size());
        auto record = detail::make_record<secmap_table_read>();
        record.table_fd = number();
        record.count = static_cast<std::uint32_t>(keys.size());
        record.keys = detail::address(keys.data());
        record.values = detail::address(values.data());
        auto done = detail::call(on.number(), SECMAP_IOC_TABLE_READ, &record, named("read", id_));
        if (!done) return std::move(done).error();
        const bool fits = record.out_count <= keys.size();
        keys.resize(record.out_count);
        if (fits) return sorted(keys, values);
    }
}

result<table_update> table::update(const device& on, const table_change& change) const {
    const std::string operation = named("update", id_);
    if (!change.values.empty() && change.values.size() != change.keys.size())
        return error{EINVAL, operation, "there are not as many values as keys", ""};
    std::vector<char> log(detail::log_size);
    auto record = detail::make_record<secmap_table_update>();
    record.flags = change.others == other_keys::go ? SECMAP_UPDATE_WHOLE : 0;
    record.table_fd = number();
    record.remove_count = static_cast<std::uint32_t>(change.remove.size());
    record.remove = detail::address(change.remove.data());
    record.count = static_cast<std::uint32_t>(change.keys.size());
    record.keys = detail::address(change.keys.data());
    record.values = change.values.empty() ? 0 : detail::address(change.values.data());
    record.log_size = static_cast<std::uint32_t>(log.size());
    record.log = detail::address(log.data());
    const int done = detail::call(on.number(), SECMAP_IOC_TABLE_UPDATE, &record);
    if (done < 0) return not_updated(detail::refused(-done, operation, log));
    return table_update{record.out_entries, record.out_policies, record.out_tasks, record.out_stacks};
}

result<void> table::seal(const device& on) const {
    auto record = detail::make_record<secmap_table_seal>();
    record.table_fd = number();
    auto done = detail::call(on.number(), SECMAP_IOC_TABLE_SEAL, &record, named("seal", id_));
    if (done) return {};
    error failure = std::move(done).error();
    if (failure.number == EPERM)
        failure.hint =
            "this needs to be who made it, or CAP_SYS_ADMIN in the initial user namespace; and a caller that is not "
            "filtered";
    return failure;
}

result<std::vector<std::uint32_t>> table_ids(const device& on) {
    std::vector<std::uint32_t> ids;
    for (;;) {
        auto record = detail::make_record<secmap_table_next>();
        record.id = ids.empty() ? 0 : ids.back();
        const int done = detail::call(on.number(), SECMAP_IOC_TABLE_NEXT, &record);
        if (done == -ENOENT) return ids;
        if (done < 0) return detail::explain(-done, "list tables");
        ids.push_back(record.out_id);
    }
}

}  // namespace secmap
