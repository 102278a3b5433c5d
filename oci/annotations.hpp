// SPDX-License-Identifier: LGPL-2.1-or-later
// What a container's annotations ask of secmap.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <secmap/engine.hpp>
#include <secmap/result.hpp>

namespace secmap::oci {

using annotations = std::map<std::string, std::string>;

/// How a container is to be held.
struct request {
    std::optional<std::filesystem::path> profile;  ///< instead of the bundle's linux.seccomp
    engine by = engine::maps;
    bool log = false;
};

/// Nothing if they ask for nothing. Whatever begins as ours do and is not known is an error: a word that is spelt
/// wrongly must not leave a container unheld.
[[nodiscard]] result<std::optional<request>> read_request(const annotations& from);

}  // namespace secmap::oci
