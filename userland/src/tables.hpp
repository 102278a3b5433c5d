// SPDX-License-Identifier: LGPL-2.1-or-later
// The module's own tables, in user space. Not installed.
#pragma once

#include <cerrno>
#include <cstring>
#include <memory>

#include <secmap/policy_image.hpp>
#include <secmap/result.hpp>

#include "../kernel/kernel.h"

extern "C" {
#include "table.h"
}

namespace secmap::detail {

struct table_free_call {
    void operator()(secmap_table* table) const noexcept { secmap_table_free(table); }
};
using table_handle = std::unique_ptr<secmap_table, table_free_call>;

/// What the module's files return: a pointer, or an errno in its place.
template <typename Handle, typename Pointer>
[[nodiscard]] result<Handle> own(Pointer* made, const secmap_why& why, const char* operation) {
    if (!IS_ERR(made)) return Handle(made);
    const int number = static_cast<int>(-PTR_ERR(made));
    return error{number, operation, why.text[0] != '\0' ? why.text : std::strerror(number), ""};
}

/// Errors are the module's own refusals.
[[nodiscard]] result<table_handle> build_table(const table_image& image);

}  // namespace secmap::detail
