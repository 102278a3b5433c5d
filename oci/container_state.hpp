// SPDX-License-Identifier: LGPL-2.1-or-later
// The state of a container, as a runtime hands it to a hook.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

#include <secmap/result.hpp>

#include "annotations.hpp"

namespace secmap::oci {

struct container_state {
    std::string id;
    std::string status;
    pid_t pid = 0;  ///< its first process, still the runtime's own program
    std::filesystem::path bundle;
    annotations annotated;
};

/// From the JSON that the runtime writes to standard input.
[[nodiscard]] result<container_state> parse_state(std::string_view text);

/// Is this the stage createRuntime? What runs already is too late, and in the container's namespaces @p of.pid means
/// another process, or none.
[[nodiscard]] result<void> check_stage(const container_state& of);

/// The container's id as the name of an object: with @p prefix, cut, and "_" for what a name may not have.
[[nodiscard]] std::string object_name(std::string_view prefix, std::string_view id);

}  // namespace secmap::oci
