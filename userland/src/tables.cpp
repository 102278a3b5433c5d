// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tables.hpp"

namespace secmap::detail {

result<table_handle> build_table(const table_image& image) {
    secmap_why why = {};
    if (!image.values.empty() && image.values.size() != image.keys.size())
        return error{EINVAL, "simulate table", "there are not as many values as keys", ""};
    secmap_table_spec spec = {};
    spec.type = image.bitmap ? SECMAP_TABLE_BITMAP : SECMAP_TABLE_HASH;
    spec.max_entries = image.max_entries;
    spec.count = static_cast<std::uint32_t>(image.keys.size());
    spec.keys = reinterpret_cast<const u64*>(image.keys.data());
    spec.values = image.values.empty() ? nullptr : reinterpret_cast<const u64*>(image.values.data());
    return own<table_handle>(secmap_table_create(&spec, &why), why, "simulate table");
}

}  // namespace secmap::detail
