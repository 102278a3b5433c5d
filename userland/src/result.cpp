// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/result.hpp>

namespace secmap {

std::string error::message() const {
    std::string line = operation;
    if (!text.empty()) line += (line.empty() ? "" : ": ") + text;
    if (!hint.empty()) line += " (" + hint + ")";
    return line;
}

}  // namespace secmap
