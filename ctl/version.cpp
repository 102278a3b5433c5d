// SPDX-License-Identifier: LGPL-2.1-or-later
// secmapctl version
#include <secmap/secmap.h>

#include "command.hpp"

namespace secmap::ctl {

void add_version(registry& to) {
    CLI::App* version = to.app.add_subcommand("version", "Show the version of this tool and of the ABI that it speaks");
    version->callback([&to] {
        to.chosen = [](const context&) -> outcome { return value(version_report{SECMAP_VERSION, SECMAP_ABI_VERSION}); };
    });
}

}  // namespace secmap::ctl
