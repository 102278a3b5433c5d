// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/table.hpp>

#include "ioctl.hpp"
#include "records.hpp"

namespace secmap {

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

}  // namespace secmap
